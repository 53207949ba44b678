//! Levels of messages for defmt.

use core::str::FromStr;
use core::sync::atomic::{AtomicU8, Ordering};

/// The most detailed [`Level`] that is wanted; none before [`want`].
static WANTED: AtomicU8 = AtomicU8::new(0);

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work.
    Error = 1,
    /// Something may go wrong or works in part.
    Warn,
    /// Messages for an operator.
    Info,
    /// Messages that help to find a fault.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// Whether messages of this level are wanted.
    pub(crate) fn is_wanted(self) -> bool {
        self as u8 <= WANTED.load(Ordering::Relaxed)
    }
}

impl FromStr for Level {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let levels = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];
        let mut levels = ["error", "warn", "info", "debug", "trace"].into_iter().zip(levels);
        levels.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, level)| level).ok_or(())
    }
}

/// Makes messages of this level and worse wanted.
pub(crate) fn want(level: Level) {
    WANTED.store(level as u8, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_known_by_their_names() {
        assert_eq!("Warn".parse(), Ok(Level::Warn));
        assert_eq!("trace".parse(), Ok(Level::Trace));
        assert_eq!("loud".parse::<Level>(), Err(()));
    }
}
