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

use crate::cli::Failure;
use crate::cli::asking::client::Record;
use crate::host::{Outlet, is_journal};
use crate::wire::printable::shown;

/// As much as is held before it is written.
const PIECE: usize = 1 << 15;

/// Writes to standard output what is composed, piece by piece: it may be much longer than what it
/// is made of.
pub(crate) fn write(
    compose: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result,
) -> Result<(), Failure> {
    let mut pieces = Pieces { text: String::new(), told: Ok(true) };
    // Nothing but writing can fail, and how that ended is known.
    let _ = compose(&mut pieces);
    if matches!(pieces.told, Ok(true)) {
        pieces.told = tell(&pieces.text);
    }
    pieces.told.map(|_| ())
}

/// Text that goes to standard output as soon as there is a piece of it.
struct Pieces {
    text: String,
    /// How the last piece was written.
    told: Result<bool, Failure>,
}

impl fmt::Write for Pieces {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        if self.text.len() >= PIECE {
            self.told = tell(&self.text);
            self.text.clear();
        }
        if matches!(self.told, Ok(true)) { Ok(()) } else { Err(fmt::Error) }
    }
}

pub(crate) fn print(text: &str) -> Result<(), Failure> {
    tell(text).map(|_| ())
}

/// Writes to standard output at once. False if nobody reads it any more.
pub(crate) fn tell(text: &str) -> Result<bool, Failure> {
    match write_all(stdout(), text) {
        Ok(()) => Ok(true),
        // There is nothing left to do, and no one to tell.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::failed(format!("cannot write to standard output: {error}"))),
    }
}

/// Says on standard error what is no reason to end. Whether anybody listens does not matter, and a
/// reader that has stopped reading keeps no command from going on.
pub(crate) fn note(message: &str) {
    say("<6>", message);
}

/// Says the same way that something does not work.
pub(crate) fn warn(message: &str) {
    say("<4>", message);
}

/// Says the same way why the command ends.
pub(crate) fn fail(message: &str) {
    say("<3>", message);
}

/// Says it by that priority to the journal, and by the name of the program to anybody else.
fn say(priority: &str, message: &str) {
    let mut line = if is_journal() { priority } else { "foghorn: " }.to_owned();
    // A message may quote text from anybody.
    line.extend(message.chars().map(shown));
    line.push('\n');
    let _ = match Outlet::stderr() {
        Ok(mut stderr) => stderr.write_patiently(&line),
        // That there can be no second descriptor may be what is said.
        Err(_) => write_all(stderr(), &line),
    };
}

/// Writes all by that very descriptor, also if another program has made it so that no writer waits.
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

/// What a descriptor is of, as a file without a buffer.
pub(crate) fn plain(descriptor: BorrowedFd<'_>) -> io::Result<File> {
    Ok(descriptor.try_clone_to_owned()?.into())
}

/// A span of time as a person says it: 3 s, 12 min, 5 h, 8 d. It is read from a number of seconds.
pub(crate) fn span(secs: &str) -> String {
    match secs.parse::<u64>() {
        Err(_) => "?".to_owned(),
        Ok(secs @ 0..120) => format!("{secs} s"),
        Ok(secs @ 120..7200) => format!("{} min", secs / 60),
        Ok(secs @ 7200..172_800) => format!("{} h", secs / 3600),
        Ok(secs) => format!("{} d", secs / 86_400),
    }
}

/// How much of a node's lease is left, in percent. None if the daemon does not tell.
pub(crate) fn lease(node: &Record) -> Option<u64> {
    let [age, left] = ["age_s", "expires_s"].map(|key| node.get(key).parse::<u64>().ok());
    let (age, left) = (age?, left?);
    left.saturating_mul(100).checked_div(age.saturating_add(left))
}

/// How many columns of a terminal a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// How many columns a character takes: two for those of East Asia and for pictures, none for one
/// that combines with the one before. By blocks, as terminals mostly do; tables of every single
/// character would take 11 kB.
pub(crate) fn width(character: char) -> usize {
    match character {
        '\u{300}'..='\u{36f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// The longest beginning of a text that takes no more columns than that.
pub(crate) fn beginning(text: &str, room: usize) -> &str {
    let mut columns = 0;
    for (at, c) in text.char_indices() {
        columns += width(c);
        if columns > room {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// The longest end of a text that takes no more columns than that.
pub(crate) fn end(text: &str, room: usize) -> &str {
    let mut ends = text.char_indices().filter_map(|(at, _)| text.get(at..));
    ends.find(|end| columns(end) <= room).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::AsFd as _;
    use std::thread;

    use nix::fcntl::OFlag;
    use nix::unistd::pipe2;

    use super::{ErrorKind, beginning, columns, end, lease, span, write_all};
    use crate::cli::asking::client::Record;

    #[test]
    fn all_is_written_to_a_pipe_that_makes_no_writer_wait() {
        let (reader, writer) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).unwrap();
        // More than a pipe holds: what is beyond that has to wait for a reader.
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

    #[test]
    fn wide_and_combining_characters_are_counted_as_terminals_show_them() {
        let texts = [
            ("nas", 3),
            ("", 0),
            ("näs", 3),
            ("na\u{308}s", 3),
            ("リビング", 8),
            ("한글", 4),
            ("ﾃﾚﾋﾞ", 4),
            ("📺 tv", 5),
        ];
        for (text, expected) in texts {
            assert_eq!(columns(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_beginning_and_an_end_take_no_more_columns_than_they_may() {
        for (text, room, expected) in [
            ("nas", 0, ("", "")),
            ("nas", 1, ("n", "s")),
            ("nas", 3, ("nas", "nas")),
            ("nas", usize::MAX, ("nas", "nas")),
            ("", 3, ("", "")),
            ("リビング", 3, ("リ", "グ")),
            ("リビング", 1, ("", "")),
            ("na\u{308}s", 2, ("na\u{308}", "a\u{308}s")),
        ] {
            assert_eq!((beginning(text, room), end(text, room)), expected, "{text} {room}");
        }
    }

    #[test]
    fn spans_read_well() {
        let spans = ["0", "119", "120", "7199", "7200", "172799", "172800", "?"].map(span);
        assert_eq!(spans, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d", "?"]);
    }

    #[test]
    fn a_lease_is_what_is_left_of_age_and_rest() {
        for (fields, left) in [
            ("age_s=0 expires_s=90", Some(100)),
            ("age_s=30 expires_s=60", Some(66)),
            ("age_s=90 expires_s=0", Some(0)),
            ("age_s=0 expires_s=0", None),
            ("age_s=1", None),
            ("age_s=x expires_s=1", None),
            ("age_s=18446744073709551615 expires_s=18446744073709551615", Some(1)),
        ] {
            let line = format!("node {fields}");
            assert_eq!(lease(&Record::read(&line)), left, "{line}");
        }
    }
}
