//! Messages on a stream.

use std::io::{self, Write};

/// Writes messages one after the other, each whole or not at all.
#[derive(Debug)]
pub(super) struct Stream<W> {
    out: W,
    /// Whether only a part of the last message was written.
    torn: bool,
}

impl<W: Write> Stream<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, torn: false }
    }

    /// Writes a message. After a partial message, it first writes the byte that ends a message.
    ///
    /// # Errors
    ///
    /// The message was not written as a whole.
    pub(super) fn send(&mut self, message: &[u8]) -> io::Result<()> {
        if self.torn {
            let end = message.last().map(std::slice::from_ref).unwrap_or_default();
            self.write(end).1?;
            self.torn = false;
        }
        let (written, result) = self.write(message);
        self.torn = 0 < written && result.is_err();
        result
    }

    /// Writes as much as possible at once. Returns how much, and why not all.
    fn write(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut written = 0;
        while let Some(rest @ [_, ..]) = bytes.get(written..) {
            match self.out.write(rest) {
                Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (written, Err(error)),
            }
        }
        (written, Ok(()))
    }
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
    fn after_a_partial_message_the_next_starts_on_a_new_line() {
        let mut stream = Stream::new(Nearly { full: vec![], room: 0 });
        for (more_room, message, is_taken) in [
            (3, "one\n", false),
            (0, "two\n", false),
            (1, "three\n", false),
            (4, "four\n", false),
            (99, "five\n", true),
            (0, "six\n", true),
        ] {
            stream.out.room += more_room;
            assert_eq!(stream.send(message.as_bytes()).is_ok(), is_taken, "{message:?}");
        }
        assert_eq!(String::from_utf8(stream.out.full).unwrap(), "one\nfour\nfive\nsix\n");
    }
}
