//! Writes to a descriptor without ever waiting for its reader.
//!
//! Other processes share what standard error was opened to, and would notice if that were made
//! non-blocking. So a socket is asked with each message not to wait, and a pipe or a terminal is
//! opened once more. Where that is not allowed, it gets as much as it should have room for, and the
//! write is given up when it waits all the same: another writer may have taken the room, or
//! somebody has just stopped the terminal. A file and a device have no reader that makes a writer
//! wait.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{Mode, makedev};

use crate::host::errors::reason::refused;
use crate::host::time::time_limit;

/// A pipe that can be written to has room for this; pipe(7).
const ROOM_IN_PIPE: usize = 4096;

/// A terminal that can be written to may have room for the text of a line, and none for its end.
const ROOM_IN_TERMINAL: usize = 1;

/// How long [`Outlet::write_patiently`] waits for a reader that takes nothing, in milliseconds.
const PATIENCE: u16 = 1000;

/// A descriptor to write messages to.
#[derive(Debug)]
pub(crate) struct Outlet {
    file: File,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// Writing never waits.
    Write,
    /// A socket, asked not to wait.
    Send,
    /// A shared pipe or terminal: at most so many bytes, and only when it can be written to.
    WhenReady(usize),
}

impl Outlet {
    /// Standard error, as it is now.
    pub(crate) fn stderr() -> io::Result<Self> {
        let file =
            io::stderr().as_fd().try_clone_to_owned().map_err(|error| refused("fcntl", error))?;
        let file = File::from(file);
        let metadata = file.metadata()?;
        let (kind, is_terminal) = (metadata.file_type(), file.is_terminal());
        if kind.is_socket() {
            return Ok(Self::socket(file));
        }
        if !kind.is_fifo() && !is_terminal {
            return Ok(Self::file(file));
        }
        let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        // The master's side of a pseudoterminal is another one each time it is opened.
        if metadata.rdev() != makedev(5, 2)
            && let Ok(own) = open(c"/proc/self/fd/2", flags, Mode::empty()).map(File::from)
            && own
                .metadata()
                .is_ok_and(|own| (own.dev(), own.ino()) == (metadata.dev(), metadata.ino()))
        {
            return Ok(Self::file(own));
        }
        time_limit::prepare().map_err(|errno| refused("rt_sigaction", errno))?;
        let room = if is_terminal { ROOM_IN_TERMINAL } else { ROOM_IN_PIPE };
        Ok(Self { file, way: Way::WhenReady(room) })
    }

    /// A file, or anything else that was opened with `O_NONBLOCK` for this process alone.
    pub(crate) fn file(file: impl Into<OwnedFd>) -> Self {
        Self { file: file.into().into(), way: Way::Write }
    }

    /// A connected socket.
    pub(crate) fn socket(socket: impl Into<OwnedFd>) -> Self {
        Self { file: socket.into().into(), way: Way::Send }
    }

    /// Writes a whole text. Gives up when the reader takes nothing for a second.
    pub(crate) fn write_patiently(&mut self, text: &str) -> io::Result<()> {
        let (mut rest, mut has_waited) = (text.as_bytes(), false);
        while !rest.is_empty() {
            match self.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    rest = rest.get(count..).unwrap_or_default();
                    has_waited = false;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && !has_waited => {
                    has_waited = true;
                    self.is_ready(PATIENCE.into());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether it can be written to. A broken descriptor can: writing to it then returns the
    /// reason.
    fn is_ready(&self, timeout: PollTimeout) -> bool {
        poll(&mut [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)], timeout) != Ok(0)
    }
}

impl Write for Outlet {
    /// Writes as much as possible at once. If that is nothing, the error is
    /// [`ErrorKind::WouldBlock`].
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.way {
            Way::Write => self.file.write(bytes),
            Way::Send => {
                let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                Ok(send(self.file.as_raw_fd(), bytes, flags)?)
            }
            Way::WhenReady(_) if !self.is_ready(PollTimeout::ZERO) => {
                Err(ErrorKind::WouldBlock.into())
            }
            Way::WhenReady(room) => {
                let written =
                    time_limit::limit(|| self.file.write(bytes.get(..room).unwrap_or(bytes)));
                written.map_err(|error| match error.kind() {
                    ErrorKind::Interrupted => ErrorKind::WouldBlock.into(),
                    _ => error,
                })
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
