//! Requests: lines that a client writes and the daemon reads.

use core::fmt;

use crate::wire::{InvalidNodeId, NodeId};

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Request {
    /// Which version the daemon speaks; with a number, whether it speaks that one.
    Version(Option<u16>),
    /// Where a node is.
    Lookup(NodeId),
    /// All nodes.
    List,
    /// All nodes, then each change.
    Watch,
    /// How the daemon is doing.
    Status,
}

/// Why a line is not a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum InvalidRequest {
    /// Its first word is not the name of a request.
    Unknown,
    /// It lacks an argument, or has one too many.
    WrongArguments,
    /// The argument is not a `NodeID`.
    NodeId(InvalidNodeId),
    /// It is longer than any request.
    TooLong,
}

impl Request {
    /// Reads a request from a line without its newline.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`] says what is wrong with the line.
    pub fn parse(line: &[u8]) -> Result<Self, InvalidRequest> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut words = line.splitn(2, |byte| *byte == b' ');
        let word = words.next().unwrap_or_default();
        match (word, words.next()) {
            (b"lookup", Some(id)) => {
                NodeId::new(id).map(Self::Lookup).map_err(InvalidRequest::NodeId)
            }
            (b"list", None) => Ok(Self::List),
            (b"watch", None) => Ok(Self::Watch),
            (b"status", None) => Ok(Self::Status),
            (b"version", None) => Ok(Self::Version(None)),
            (b"version", Some(number)) => {
                let number = core::str::from_utf8(number).ok().and_then(|text| text.parse().ok());
                number
                    .map(|number| Self::Version(Some(number)))
                    .ok_or(InvalidRequest::WrongArguments)
            }
            (b"lookup" | b"list" | b"watch" | b"status", _) => Err(InvalidRequest::WrongArguments),
            _ => Err(InvalidRequest::Unknown),
        }
    }
}

impl fmt::Display for Request {
    /// The request's line, without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(None) => f.write_str("version"),
            Self::Version(Some(number)) => write!(f, "version {number}"),
            Self::Lookup(id) => write!(f, "lookup {id}"),
            Self::List => f.write_str("list"),
            Self::Watch => f.write_str("watch"),
            Self::Status => f.write_str("status"),
        }
    }
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("requests are lookup NODE, list, watch, status, version"),
            Self::WrongArguments => {
                f.write_str("lookup takes a NodeID, version a number, the others nothing")
            }
            Self::NodeId(invalid) => invalid.fmt(f),
            Self::TooLong => f.write_str("the line is too long"),
        }
    }
}

impl core::error::Error for InvalidRequest {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{NODE_ID_CAPACITY, REQUEST_CAPACITY};
    use proptest::prelude::*;

    #[test]
    fn each_kind_of_bad_line_has_its_reason() {
        for (line, reason) in [
            (&b""[..], InvalidRequest::Unknown),
            (b"LIST", InvalidRequest::Unknown),
            (b"lokup nas", InvalidRequest::Unknown),
            (b"\xff\xfe", InvalidRequest::Unknown),
            (b" list", InvalidRequest::Unknown),
            (b"list all", InvalidRequest::WrongArguments),
            (b"lookup", InvalidRequest::WrongArguments),
            (b"version one", InvalidRequest::WrongArguments),
            (b"version 65536", InvalidRequest::WrongArguments),
            (b"version \xff", InvalidRequest::WrongArguments),
            (b"lookup ", InvalidRequest::NodeId(InvalidNodeId::Empty)),
            (b"lookup a b", InvalidRequest::NodeId(InvalidNodeId::NotPrintable)),
            (b"lookup \x1b[2J", InvalidRequest::NodeId(InvalidNodeId::NotPrintable)),
        ] {
            assert_eq!(Request::parse(line), Err(reason), "{line:?}");
        }
    }

    #[test]
    fn a_line_may_end_with_a_carriage_return() {
        assert_eq!(Request::parse(b"list\r"), Ok(Request::List));
    }

    #[test]
    fn the_longest_request_fits() {
        let id = NodeId::new(&[b'x'; NODE_ID_CAPACITY]).unwrap();
        assert!(Request::Lookup(id).to_string().len() < REQUEST_CAPACITY);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(line in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Request::parse(&line);
        }

        #[test]
        fn every_request_survives_the_wire(id in "[!-~é語]{1,21}", number: u16, which in 0..6) {
            let request = match which {
                0 => Request::Lookup(NodeId::try_from(id.as_str()).unwrap()),
                1 => Request::List,
                2 => Request::Watch,
                3 => Request::Status,
                4 => Request::Version(None),
                _ => Request::Version(Some(number)),
            };
            prop_assert_eq!(Request::parse(request.to_string().as_bytes()), Ok(request));
        }
    }
}
