//! Standard output and standard error. A reader that stops reading, like `head`, is no failure.
//!
//! Commands write whole lines, which go out at once: the standard library's buffers would be of no
//! use.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::BorrowedFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::Errno;
use rustix::stdio::{stderr, stdout};

use crate::cli::failure::Failure;
use crate::host::{Outlet, is_journal};
use crate::wire::printable::shown;

/// How many bytes are collected before they are written.
const PIECE: usize = 1 << 15;

/// Composes text and writes it to standard output piece by piece, since it may be much longer than
/// the answer that it is made of.
pub(crate) fn write(
    compose: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result,
) -> Result<(), Failure> {
    let mut pieces = Pieces { text: String::new(), ended: Ok(true) };
    // Only writing can fail, and `ended` holds its result.
    let _ = compose(&mut pieces);
    if matches!(pieces.ended, Ok(true)) {
        pieces.ended = try_print(&pieces.text);
    }
    pieces.ended.map(|_| ())
}

/// Text that goes to standard output as soon as there is a piece of it.
struct Pieces {
    text: String,
    /// How the last piece was written.
    ended: Result<bool, Failure>,
}

impl fmt::Write for Pieces {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        if self.text.len() >= PIECE {
            self.ended = try_print(&self.text);
            self.text.clear();
        }
        if matches!(self.ended, Ok(true)) { Ok(()) } else { Err(fmt::Error) }
    }
}

pub(crate) fn print(text: &str) -> Result<(), Failure> {
    try_print(text).map(|_| ())
}

/// Writes to standard output at once. False if nobody reads it any more.
pub(crate) fn try_print(text: &str) -> Result<bool, Failure> {
    match write_all(stdout(), text) {
        Ok(()) => Ok(true),
        // There is nothing left to do.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::failed(format!("cannot write to standard output: {error}"))),
    }
}

/// Writes a message to standard error. The command goes on whether or not anybody reads it.
pub(crate) fn note(message: &str) {
    say("<6>", message);
}

/// Writes a warning the same way.
pub(crate) fn warn(message: &str) {
    say("<4>", message);
}

/// Writes the same way why the command ends.
pub(crate) fn fail(message: &str) {
    say("<3>", message);
}

/// Writes a message, for the journal with its priority, for all others with the name of the
/// program.
fn say(priority: &str, message: &str) {
    let mut line = if is_journal() { priority } else { "foghorn: " }.to_owned();
    // A message may quote text from anybody.
    line.extend(message.chars().map(shown));
    line.push('\n');
    let _ = match Outlet::stderr() {
        Ok(mut stderr) => stderr.write_patiently(&line),
        // The message may be that there are no descriptors left.
        Err(_) => write_all(stderr(), &line),
    };
}

/// Writes all to the descriptor, even if another program has set it to non-blocking.
fn write_all(descriptor: BorrowedFd<'_>, text: &str) -> io::Result<()> {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match rustix::io::write(descriptor, rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::new(descriptor, PollFlags::POLLOUT)], PollTimeout::NONE);
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// The file behind a descriptor, without a buffer.
pub(crate) fn plain(descriptor: BorrowedFd<'_>) -> io::Result<File> {
    Ok(descriptor.try_clone_to_owned()?.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::AsFd as _;
    use std::thread;

    use nix::fcntl::OFlag;
    use nix::unistd::pipe2;

    use super::{ErrorKind, write_all};

    #[test]
    fn all_is_written_to_a_pipe_that_makes_no_writer_wait() {
        let (reader, writer) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).unwrap();
        // More than a pipe holds: the rest has to wait for a reader.
        let text = "0123456789abcde\n".repeat(1 << 16);
        let expected = text.clone();
        let writing = thread::spawn(move || write_all(writer.as_fd(), &text));
        let mut reader = std::fs::File::from(reader);
        let mut read = vec![];
        // It ends with the writer.
        loop {
            match reader.read_to_end(&mut read) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
                end => break assert!(end.is_ok(), "{end:?}"),
            }
        }
        assert!(writing.join().unwrap().is_ok());
        assert!(read == expected.as_bytes(), "{} bytes", read.len());
    }
}
