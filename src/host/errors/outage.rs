//! Saying once that something fails, and once that it works again.
//!
//! One rule holds for all that the daemon was given and can lose: its interfaces, its state file,
//! the place for its log, its service manager.
//!
//! - The daemon goes on without it, and says so once.
//! - It tries again at SIGHUP. It tries again when it is awake for something else, too, once a
//!   pause has passed since the last time. Only where that may take too long it wakes for it.
//! - It says once that it works again, and what was lost: how many messages, say.
//! - What is opened again is opened as at the start: by its path, as the user that the daemon runs
//!   as, without waiting for anybody.

/// Whether something fails just now.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    failing: bool,
}

impl Outage {
    /// It failed. True the first time of an outage.
    pub(crate) fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.failing, true)
    }

    /// It worked. True the first time after an outage.
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
    fn an_outage_is_told_once_and_so_is_its_end() {
        let mut outage = Outage::default();
        assert!(!outage.end());
        assert_eq!([outage.begin(), outage.begin(), outage.begin()], [true, false, false]);
        assert!(outage.is_on());
        assert_eq!([outage.end(), outage.end()], [true, false]);
        assert!(outage.begin());
    }
}
