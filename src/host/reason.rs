//! Why something fails: for people, in few bytes.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use nix::errno::Errno;

/// An error with a text of our own, which says what is wrong and what to do.
pub(super) fn failure(kind: ErrorKind, text: String) -> io::Error {
    // Not the text itself: that would be shown by `{:?}` as well, and bring tables of Unicode for it.
    io::Error::new(kind, Text(text))
}

struct Text(String);

impl Error for Text {}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What went wrong, without the allocation that formatting an `io::Error` makes.
pub(super) struct Reason(ErrorKind, Option<Errno>);

impl Reason {
    pub(super) fn new(error: &io::Error) -> Self {
        Self(error.kind(), error.raw_os_error().map(Errno::from_raw))
    }

    /// The send buffer is full.
    pub(super) fn would_block() -> Self {
        Self(ErrorKind::WouldBlock, None)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What the standard library has no kind for, but a daemon meets.
        match self.1 {
            Some(Errno::EMFILE | Errno::ENFILE) => f.write_str("too many open files"),
            Some(Errno::ENOBUFS) => f.write_str("no room for what is sent"),
            Some(Errno::ENODEV | Errno::ENXIO) => f.write_str("no such interface"),
            Some(errno) => write!(f, "{} (os error {})", self.0, errno as i32),
            None => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_have_a_reason_and_their_number() {
        let reason = |errno: Errno| Reason::new(&errno.into()).to_string();
        assert_eq!(reason(Errno::EPERM), "permission denied (os error 1)");
        assert_eq!(reason(Errno::ENETDOWN), "network down (os error 100)");
        assert_eq!(reason(Errno::EMFILE), "too many open files");
        assert_eq!(reason(Errno::ENOBUFS), "no room for what is sent");
        assert_eq!(Reason::would_block().to_string(), "operation would block");
        // A number that no error has.
        assert!(!Reason::new(&io::Error::from_raw_os_error(-7)).to_string().is_empty());
    }

    #[test]
    fn a_failure_says_its_text_and_nothing_else() {
        let failure = failure(ErrorKind::InvalidInput, "say \"x\"".to_owned());
        assert_eq!((failure.kind(), failure.to_string()), (ErrorKind::InvalidInput, "say \"x\"".to_owned()));
    }
}
