//! Why something fails: for people, in few bytes.

use std::error::Error;
use std::fmt;
use std::fs::FileType;
use std::io::{self, ErrorKind};
use std::path::Path;

use nix::errno::Errno;

/// An error with a text of our own, which says what is wrong and what to do.
pub(crate) fn failure(kind: ErrorKind, text: String) -> io::Error {
    io::Error::new(kind, Text { text, is_usage: false })
}

/// The error when a path already holds something that the daemon did not make. The daemon does not
/// replace it, nor does it advise to.
pub(crate) fn occupied(
    path: &Path,
    kind: FileType,
    wanted: &str,
    file: &str,
    option: &str,
) -> io::Error {
    let shown = path.display();
    let text = if kind.is_dir() {
        let inside = path.join(file);
        let inside = inside.display();
        format!(
            "{shown} is a directory: give the path of a file in it, like {inside}, with {option}"
        )
    } else {
        format!("{shown} exists and is not a {wanted}: choose another path with {option}")
    };
    failure(ErrorKind::Other, text)
}

/// The error for wrong usage. It is marked, since the kernel uses the kind `InvalidInput`, too.
pub(crate) fn usage(text: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, Text { text, is_usage: true })
}

/// Whether an error is wrong usage. An error of the kernel never is.
pub(crate) fn is_usage(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Text>()).is_some_and(|text| text.is_usage)
}

/// The kernel, or a sandbox before it, refuses a system call that foghorn needs. The text names the
/// call and the likely cause.
pub(crate) fn refused(call: &str, error: impl Into<io::Error>) -> io::Error {
    fn named(call: &str, error: &io::Error) -> io::Error {
        let cause = match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EMFILE | Errno::ENFILE) => "see ulimit -n",
            Some(Errno::ENOMEM | Errno::ENOBUFS | Errno::ENOSPC) => {
                "is the machine short of memory?"
            }
            _ => "does a sandbox or container keep foghorn from it, or is this kernel too old?",
        };
        failure(error.kind(), format!("{call} was refused: {}: {cause}", Reason::new(error)))
    }
    named(call, &error.into())
}

/// A type of its own, since `{:?}` of a `String` brings tables of Unicode along.
struct Text {
    text: String,
    is_usage: bool,
}

impl Error for Text {}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The reason of an error, without the allocation that formatting an `io::Error` makes.
pub(crate) struct Reason(ErrorKind, Option<Errno>);

impl Reason {
    pub(crate) fn new(error: &io::Error) -> Self {
        Self(error.kind(), error.raw_os_error().map(Errno::from_raw))
    }

    /// The send buffer is full.
    pub(crate) fn would_block() -> Self {
        Self(ErrorKind::WouldBlock, None)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Errors that a daemon meets, but that the standard library has no kind for.
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
        // Above 34 the numbers are not the same on each processor.
        assert_eq!(
            reason(Errno::ENETDOWN),
            format!("network down (os error {})", Errno::ENETDOWN as i32)
        );
        assert_eq!(reason(Errno::EMFILE), "too many open files");
        assert_eq!(reason(Errno::ENOBUFS), "no room for what is sent");
        assert_eq!(Reason::would_block().to_string(), "operation would block");
        // A number that no error has.
        assert!(!Reason::new(&io::Error::from_raw_os_error(-7)).to_string().is_empty());
    }

    #[test]
    fn a_failure_says_its_text_and_nothing_else() {
        let failure = failure(ErrorKind::Other, "say \"x\"".to_owned());
        assert_eq!(
            (failure.kind(), failure.to_string()),
            (ErrorKind::Other, "say \"x\"".to_owned())
        );
    }

    #[test]
    fn an_error_of_the_kernel_is_never_wrong_usage() {
        for number in 1..=133 {
            let error = io::Error::from_raw_os_error(number);
            assert!(!is_usage(&error) && !is_usage(&refused("bind", error)), "{number}");
        }
        assert!(!is_usage(&failure(ErrorKind::InvalidInput, String::new())));
        assert!(!is_usage(&ErrorKind::InvalidInput.into()));
        let usage = usage("say \"x\"".to_owned());
        assert!(is_usage(&usage));
        assert_eq!(
            (usage.kind(), usage.to_string()),
            (ErrorKind::InvalidInput, "say \"x\"".to_owned())
        );
    }

    #[test]
    fn a_refused_call_is_named_with_the_likely_cause() {
        for (errno, text) in [
            (
                Errno::EPERM,
                "bind was refused: permission denied (os error 1): does a sandbox or container keep foghorn from it, \
                 or is this kernel too old?",
            ),
            (Errno::EMFILE, "bind was refused: too many open files: see ulimit -n"),
            (
                Errno::ENOMEM,
                "bind was refused: out of memory (os error 12): is the machine short of memory?",
            ),
        ] {
            assert_eq!(refused("bind", errno).to_string(), text);
        }
    }
}
