//! The name a node goes by.

use core::fmt;
use core::str::FromStr;

use heapless::String;

use super::printable::is_printable;
use crate::limits::NODE_ID_CAPACITY;

/// A node's name: 1 to [`NODE_ID_CAPACITY`] bytes of printable UTF-8 without white space.
///
/// It is shown in terminals and handed to scripts. So a name consists of letters, marks, digits,
/// punctuation and symbols of the scripts in use today, of pictographs and of Han, as Unicode 16
/// has them. It contains no control characters, no blank, invisible or direction-changing ones
/// (U+2800, U+200B, U+202E), none of the joiners and selectors that make one pictograph of several
/// (U+200D, U+FE0F), and none that Unicode has not assigned.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(String<NODE_ID_CAPACITY, u8>);

/// Why bytes are no [`NodeId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum InvalidNodeId {
    /// There are none.
    Empty,
    /// There are more than [`NODE_ID_CAPACITY`].
    TooLong,
    /// They are not UTF-8, or contain white space or characters that are not printable.
    NotPrintable,
}

impl NodeId {
    /// The `NodeID` that these bytes spell.
    ///
    /// # Errors
    ///
    /// [`InvalidNodeId`] says why they spell none.
    pub fn new(bytes: &[u8]) -> Result<Self, InvalidNodeId> {
        if bytes.is_empty() {
            return Err(InvalidNodeId::Empty);
        }
        if bytes.len() > NODE_ID_CAPACITY {
            return Err(InvalidNodeId::TooLong);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| InvalidNodeId::NotPrintable)?;
        // Nearly every NodeID is ASCII, which a pass over all bytes settles; one that may stop
        // early can't be vectorised.
        let is_ascii = bytes.iter().fold(true, |so_far, byte| so_far & byte.is_ascii_graphic());
        if !is_ascii && !text.chars().all(is_printable) {
            return Err(InvalidNodeId::NotPrintable);
        }
        String::try_from(text).map(Self).map_err(|_| InvalidNodeId::TooLong)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for NodeId {
    type Error = InvalidNodeId;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        Self::new(text.as_bytes())
    }
}

impl FromStr for NodeId {
    type Err = InvalidNodeId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text.as_bytes())
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for NodeId {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

impl fmt::Display for InvalidNodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a NodeID can't be empty"),
            Self::TooLong => write!(f, "a NodeID has at most {NODE_ID_CAPACITY} bytes"),
            Self::NotPrintable => {
                f.write_str("a NodeID is printable UTF-8 without white space or control characters")
            }
        }
    }
}

impl core::error::Error for InvalidNodeId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_give_are_accepted() {
        for name in [
            "nas",
            "P56IOI7MZJNU2IQG",
            "büro-nas",
            "リビング",
            "e\u{301}tage",
            "\"quoted\\'",
            "a:b",
            "-x",
        ] {
            assert_eq!(NodeId::try_from(name).unwrap().as_str(), name);
            assert_eq!(name.parse(), NodeId::try_from(name));
        }
        assert!(NodeId::new(&[b'x'; NODE_ID_CAPACITY]).is_ok());
    }

    #[test]
    fn each_fault_has_its_own_error() {
        assert_eq!(NodeId::new(b""), Err(InvalidNodeId::Empty));
        assert_eq!(NodeId::new(&[b'x'; NODE_ID_CAPACITY + 1]), Err(InvalidNodeId::TooLong));
        for bad in [
            "a b", "a\tb", "a\n", "\0", "\x1b[2J", "\x7f", "a\u{85}", "a\u{a0}b", "\u{200b}",
            "\u{202e}", "\u{2028}", "\u{34f}", "\u{feff}", "\u{e000}", "\u{378}", "\u{115f}",
            "\u{1160}", "\u{2800}", "\u{3164}", "\u{ffa0}",
        ] {
            assert_eq!(NodeId::try_from(bad), Err(InvalidNodeId::NotPrintable), "{bad:?}");
            assert_eq!(bad.parse::<NodeId>(), Err(InvalidNodeId::NotPrintable), "{bad:?}");
        }
        assert_eq!(NodeId::new(&[b'a', 0xff]), Err(InvalidNodeId::NotPrintable));
        assert_eq!(NodeId::new(&[0xed, 0xa0, 0x80]), Err(InvalidNodeId::NotPrintable));
    }
}
