//! The names in a hosts file, read piece by piece: a blocklist may have a hundred thousand.

use std::io::{self, ErrorKind, Read};

/// The most bytes of a file that are read. Common blocklists have up to 10 MB.
pub(super) const FILE_CAPACITY: usize = 16 << 20;

/// Longer than any name.
const WORD_CAPACITY: usize = 256;

/// Calls `tell` with each name in a text, in lower case. The text has the form of hosts(5), or one
/// name a line.
///
/// A name with a domain counts as its first label, since name servers add their domain to the names
/// of a hosts file (dnsmasq's `expand-hosts`): with `mail.lan` there, `mail` is taken. On a line
/// that only blocks, with an address of this machine, the whole name counts. The first label of an
/// address is never a valid name of a node.
///
/// # Errors
///
/// The text can't be read, or is longer than [`FILE_CAPACITY`].
pub(super) fn for_each(text: &mut dyn Read, tell: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut words = Words { word: vec![], blocks: None, tell };
    let mut in_comment = false;
    let mut left = FILE_CAPACITY;
    let mut piece = [0; 4096];
    loop {
        let count = match text.read(&mut piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            count => count?,
        };
        let Some(piece) = piece.get(..count).filter(|piece| !piece.is_empty()) else { break };
        left = left.checked_sub(count).ok_or(ErrorKind::FileTooLarge)?;
        for byte in piece {
            match byte {
                b'\n' => {
                    words.end_word();
                    (words.blocks, in_comment) = (None, false);
                }
                _ if in_comment => {}
                b'#' => {
                    words.end_word();
                    in_comment = true;
                }
                b' ' | b'\t' | b'\r' => words.end_word(),
                _ if words.word.len() < WORD_CAPACITY => words.word.push(byte.to_ascii_lowercase()),
                _ => {}
            }
        }
    }
    words.end_word();
    Ok(())
}

/// A line as far as it has been read.
struct Words<'a> {
    /// The word that has begun.
    word: Vec<u8>,
    /// Whether the line only blocks; none before its first word has ended.
    blocks: Option<bool>,
    tell: &'a mut dyn FnMut(&[u8]),
}

impl Words<'_> {
    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let word = self.word.as_slice();
        let blocks = *self.blocks.get_or_insert_with(|| {
            [&b"0."[..], b"127."].iter().any(|start| word.starts_with(start))
                || matches!(word, b"::" | b"::1")
        });
        let label = word.split(|byte| *byte == b'.').next().unwrap_or_default();
        (self.tell)(if blocks { word } else { label });
        self.word.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let mut names = vec![];
        for_each(&mut text.as_bytes(), &mut |name| {
            names.push(String::from_utf8_lossy(name).into_owned());
        })
        .unwrap();
        names
    }

    #[test]
    fn names_are_told_in_either_form() {
        assert_eq!(
            names("# a\n10.0.0.2\tNAS  nas.lan # not pi\n\nfe80::1 tv\r\n"),
            ["10", "nas", "nas", "fe80::1", "tv"]
        );
        assert_eq!(names("mail\nPrinter.lan.\n#no\nlast"), ["mail", "printer", "last"]);
        assert_eq!(names(""), [""; 0]);
        assert_eq!(names("\n \t\r\n#"), [""; 0]);
    }

    #[test]
    fn a_line_that_blocks_takes_no_part_of_a_name() {
        assert_eq!(
            names("0.0.0.0 www.ads.example pi\n127.0.0.1 localhost\n"),
            ["0.0.0.0", "www.ads.example", "pi", "127.0.0.1", "localhost"]
        );
        assert_eq!(
            names(":: tv.example\n::1 nas.example\n"),
            ["::", "tv.example", "::1", "nas.example"]
        );
        assert_eq!(names("10.0.0.1 www.ads.example"), ["10", "www"]);
    }

    #[test]
    fn a_word_of_any_length_is_one_word() {
        let long = "x".repeat(3 * 4096);
        assert_eq!(names(&format!("10.0.0.1 {long} nas")).len(), 3);
        // A name may lie across two pieces.
        assert_eq!(names(&format!("{}\nprinter", " ".repeat(4092))), ["printer"]);
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let refused = for_each(&mut io::repeat(b' '), &mut |_| {}).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::FileTooLarge);
    }
}
