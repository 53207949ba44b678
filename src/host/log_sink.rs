//! Where log messages go: standard error, a file, or a Unix socket that somebody listens at.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::libc::{O_NOCTTY, O_NONBLOCK};
use socket2::Type;

use super::reason::{failure, refused, usage};
use super::unix_socket;

/// An open place for log messages. Each of them ends with the same byte, by which a reader tells them apart.
#[derive(Debug)]
pub struct LogSink<W = File> {
    out: W,
    /// Whether only a part of the last message was taken.
    torn: bool,
}

impl LogSink {
    /// Standard error, as it is now.
    ///
    /// # Errors
    ///
    /// The process may not have another file descriptor.
    pub fn stderr() -> io::Result<Self> {
        let fd = io::stderr().as_fd().try_clone_to_owned().map_err(|error| refused("fcntl", error))?;
        Ok(Self::to(fd.into()))
    }

    /// A file to append to, which is made if it is missing, or the Unix stream socket at that path. Neither a device nor
    /// somebody at a socket or a pipe who does not read keeps the daemon waiting: what they don't take at once is dropped.
    ///
    /// # Errors
    ///
    /// The error's text says what to do about it.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str().is_empty() {
            let message = "\"\" is no place for the log: give the path of a file or a socket with --log-to";
            return Err(usage(message.to_owned()));
        }
        let is_socket = fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
        let out = if is_socket { connect(path) } else { append_to(path) };
        out.map(Self::to).map_err(|error| because(path, &error))
    }
}

impl<W: Write> LogSink<W> {
    fn to(out: W) -> Self {
        Self { out, torn: false }
    }

    /// Writes a message, or drops what is not taken of it. After a part of one, the next starts afresh.
    pub(super) fn send(&mut self, message: &[u8]) {
        if self.torn {
            let end = message.last().map(std::slice::from_ref).unwrap_or_default();
            self.torn = self.write(end) == 0;
        }
        if !self.torn {
            let written = self.write(message);
            self.torn = 0 < written && written < message.len();
        }
    }

    /// Writes as much as is taken without waiting longer than the place makes its writers wait.
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while let Some(rest @ [_, ..]) = bytes.get(written..) {
            match self.out.write(rest) {
                Ok(0) => break,
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        written
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    // A terminal must not become the daemon's own, else it would end when that hangs up.
    File::options().append(true).create(true).custom_flags(O_NONBLOCK | O_NOCTTY).open(path)
}

fn connect(path: &Path) -> io::Result<File> {
    unix_socket::connect(Type::STREAM, path.as_os_str()).map(|socket| OwnedFd::from(socket).into())
}

fn because(path: &Path, error: &io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => "make its directory first, or give another path with --log-to",
        io::ErrorKind::PermissionDenied => "become one who may, or give another path with --log-to",
        io::ErrorKind::ConnectionRefused => "start the program that is to listen there first",
        io::ErrorKind::WouldBlock => "the program that listens there is too busy to take it",
        _ => "give the path of a file or a socket with --log-to",
    };
    failure(error.kind(), format!("cannot log to {}: {error}: {advice}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes only so many more bytes, like a disk that is nearly full.
    struct Nearly {
        full: Vec<u8>,
        room: usize,
    }

    impl Write for Nearly {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = bytes.len().min(self.room);
            self.full.extend(&bytes[..count]);
            self.room -= count;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn after_a_part_of_a_message_the_next_starts_afresh() {
        let mut sink = LogSink::to(Nearly { full: vec![], room: 0 });
        for (more_room, message) in
            [(3, "one\n"), (0, "two\n"), (1, "three\n"), (4, "four\n"), (99, "five\n"), (0, "six\n")]
        {
            sink.out.room += more_room;
            sink.send(message.as_bytes());
        }
        assert_eq!(String::from_utf8(sink.out.full).unwrap(), "one\nfour\nfive\nsix\n");
    }
}
