//! Reports once that something fails, and once that it works again.
//!
//! One rule holds for everything that the daemon uses and can lose: its interfaces, its state file,
//! its log file, its service manager.
//!
//! - The daemon continues without it, and logs that once.
//! - It tries again at SIGHUP. It also tries again when it is awake for another reason and a pause
//!   has passed since the last attempt. It wakes up only for this where that may take too long.
//! - It logs once that the thing works again, and what was lost, such as the number of messages.
//! - It opens the thing again as at the start: by its path, as the user that the daemon runs as,
//!   without waiting.

/// Whether something is failing now.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    failing: bool,
}

impl Outage {
    /// Notes a failure. True for the first failure of an outage.
    pub(crate) fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.failing, true)
    }

    /// Notes a success. True for the first success after an outage.
    pub(crate) fn end(&mut self) -> bool {
        std::mem::replace(&mut self.failing, false)
    }

    pub(crate) fn is_on(&self) -> bool {
        self.failing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_and_its_end_are_reported_once() {
        let mut outage = Outage::default();
        assert!(!outage.end());
        assert_eq!([outage.begin(), outage.begin(), outage.begin()], [true, false, false]);
        assert!(outage.is_on());
        assert_eq!([outage.end(), outage.end()], [true, false]);
        assert!(outage.begin());
    }
}
