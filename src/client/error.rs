//! Why the daemon gave no answer.

use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use super::places;
use crate::control::ErrorCode;
use crate::wire::printable::shown;
use crate::wire::{InvalidNodeId, NodeId};

/// Why there is no answer. Displayed, it says in one line what is wrong and what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The name is not one that a node can have. No daemon was asked.
    InvalidName {
        /// The name that was given.
        name: String,
        /// The fault of the name.
        reason: InvalidNodeId,
    },
    /// This machine announces the node itself, and has no address now.
    OwnNode {
        /// The node's name.
        id: NodeId,
    },
    /// The watch has ended, or was stopped.
    Ended,
    /// No daemon listens at that path, or in any of the usual places.
    NoDaemon {
        /// Where one should listen.
        path: PathBuf,
        /// The places that were tried, unless the program or the user named one.
        tried: Vec<PathBuf>,
    },
    /// This user has no permission to ask the daemon at that path.
    PermissionDenied {
        /// The daemon's control socket.
        path: PathBuf,
    },
    /// No socket can have that path: it is too long, or empty.
    InvalidPath {
        /// The path that was given.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The kernel, or a sandbox before it, refuses a system call that asking takes.
    System {
        /// Which call.
        call: &'static str,
        /// The error of the system.
        error: io::Error,
    },
    /// The daemon did not answer within 5 seconds.
    TimedOut,
    /// The connection broke before the answer was complete. Its kind is
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the daemon closed it: it has ended, say.
    Lost(io::Error),
    /// The daemon does not answer, or does not go on. All its places may be taken, say, or a watch
    /// reads too slowly.
    Refused {
        /// Why, for programs: one of [`ErrorCode::name`](crate::control::ErrorCode::name)'s, or
        /// another if the daemon is newer.
        code: String,
        /// Why, for people.
        message: String,
    },
    /// The daemon's answer does not fit the question.
    Protocol {
        /// The part that is missing or invalid: a key of the [control protocol](crate::control),
        /// or `line`, `text`, `node` or `end`.
        what: &'static str,
    },
}

/// The advice where the daemon and this program do not understand each other.
const OTHER_VERSION: &str = ": is it of another version? Restart it if foghorn was updated";

impl Error {
    /// Why a connection no longer works, by the error of a call.
    pub(super) fn lost(call: &'static str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            _ if is_refusal(&error) => Self::System { call, error },
            _ => Self::Lost(error),
        }
    }

    /// Whether the daemon refuses to answer for that reason.
    pub(crate) fn refuses(&self, reason: ErrorCode) -> bool {
        matches!(self, Self::Refused { code, .. } if code == reason.name())
    }

    /// Why there is no connection, by the error of a call.
    pub(super) fn unreachable(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::TimedOut,
            _ if is_refusal(&error) => Self::System { call: "connect", error },
            // The kernel looks at the permission before it looks whether that is a socket.
            io::ErrorKind::PermissionDenied if !is_something_else(path) => {
                Self::PermissionDenied { path: path.to_owned() }
            }
            _ => Self::NoDaemon { path: path.to_owned(), tried: vec![] },
        }
    }
}

/// Whether there is a directory, say, and no socket.
fn is_something_else(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.file_type().is_socket())
}

/// Whether a call was refused as such, and not for the socket that it is about.
fn is_refusal(error: &io::Error) -> bool {
    // No permission to use a socket is another error (EACCES), which the standard library does not
    // tell apart.
    const EPERM: i32 = 1;
    error.raw_os_error() == Some(EPERM)
        || matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName { name, reason } => {
                // Not by `{:?}`, which brings tables of Unicode.
                f.write_str("\"")?;
                name.chars().try_for_each(|c| f.write_char(shown(c)))?;
                write!(f, "\" is not a valid node name: {reason}")
            }
            Self::OwnNode { id } => write!(
                f,
                "{id} is announced by this machine itself, which has no address now: see foghorn status"
            ),
            Self::Ended => f.write_str("the watch has ended: watch again"),
            Self::NoDaemon { path, tried } if tried.is_empty() => {
                write!(f, "no daemon answers at {}: start one with foghorn run", path.display())
            }
            Self::NoDaemon { tried, .. } => {
                f.write_str("no daemon answers")?;
                for (number, path) in tried.iter().enumerate() {
                    write!(f, "{}{}", if number == 0 { " at " } else { " or " }, path.display())?;
                }
                f.write_str(places::complaint())?;
                f.write_str(
                    ": start one with foghorn run, or set FOGHORN_CONTROL to the socket of one",
                )
            }
            Self::PermissionDenied { path } => write!(
                f,
                "no permission to use {}: become root, or join the group that owns it",
                path.display()
            ),
            Self::InvalidPath { path, .. } if path.as_os_str().is_empty() => {
                f.write_str("\"\" cannot be a control socket: give its path with --control")
            }
            Self::InvalidPath { path, .. } => {
                let length = path.as_os_str().len();
                write!(
                    f,
                    "{} cannot be a control socket: a socket's path has at most {} bytes, and this has {length}: \
                     give a shorter one with --control",
                    path.display(),
                    places::LONGEST
                )
            }
            Self::System { call, error } => {
                write!(
                    f,
                    "{call} was refused: {error}: does a sandbox or container keep foghorn from it?"
                )
            }
            Self::TimedOut => f.write_str("the daemon does not answer: restart it"),
            Self::Lost(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                f.write_str("the daemon closed the connection: see foghorn doctor")
            }
            Self::Lost(error) => write!(f, "the connection to the daemon was lost: {error}"),
            Self::Refused { .. } if self.refuses(ErrorCode::Slow) => f.write_str(
                "the daemon disconnected this watch: it reads changes more slowly than they happen",
            ),
            Self::Refused { message, .. } => {
                write!(f, "the daemon refused: {message}")?;
                // Requests are valid, so a daemon that does not know one is another version.
                if self.refuses(ErrorCode::BadRequest) || self.refuses(ErrorCode::Version) {
                    f.write_str(OTHER_VERSION)?;
                }
                Ok(())
            }
            Self::Protocol { what } => {
                write!(f, "the daemon's answer has no valid {what}{OTHER_VERSION}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::InvalidPath { error, .. } | Self::System { error, .. } | Self::Lost(error) => {
                Some(error)
            }
            Self::InvalidName { reason, .. } => Some(reason),
            _ => None,
        }
    }
}
