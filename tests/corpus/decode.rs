//! Any bytes as a datagram: the result must match the packet diagram and the documentation.

use foghorn::limits::{ANNOUNCEMENT_CAPACITY, NODE_ID_CAPACITY};
use foghorn::wire::{Announcement, Malformed, v1};

pub(crate) fn check(datagram: &[u8]) {
    let parsed = v1::parse(datagram);
    let [magic @ .., p1, p0, l1, l0] = match datagram.first_chunk::<8>() {
        Some(header) => *header,
        None => return assert_eq!(parsed, Err(Malformed::Truncated)),
    };
    if magic != v1::MAGIC.to_be_bytes() {
        return assert_eq!(parsed, Err(Malformed::Foreign));
    }
    let (port, length) = (u16::from_be_bytes([p1, p0]), usize::from(u16::from_be_bytes([l1, l0])));
    let Some(id) = datagram.get(8..8 + length) else {
        return assert_eq!(parsed, Err(Malformed::Truncated));
    };
    match parsed {
        Ok(announcement) => {
            assert_eq!((announcement.id.as_str().as_bytes(), announcement.port.get()), (id, port));
            check_announcement(&announcement);
            // The parser ignores bytes after the NodeID.
            assert_eq!(v1::parse(&[&magic[..], &[p1, p0, l1, l0], id].concat()), Ok(announcement));
        }
        Err(Malformed::EmptyNodeId) => assert_eq!(length, 0),
        Err(Malformed::NodeIdTooLong) => assert!(length > NODE_ID_CAPACITY),
        Err(Malformed::NodeIdNotPrintable) => {
            assert!((1..=NODE_ID_CAPACITY).contains(&length));
            assert!(!id.iter().all(u8::is_ascii_graphic));
        }
        Err(Malformed::NoPort) => {
            assert_eq!(port, 0);
            assert!((1..=NODE_ID_CAPACITY).contains(&length));
        }
        Err(reason @ (Malformed::Truncated | Malformed::Foreign)) => {
            unreachable!("{reason} of {datagram:x?}")
        }
    }
}

fn check_announcement(announcement: &Announcement) {
    let id = announcement.id.as_str();
    assert!((1..=NODE_ID_CAPACITY).contains(&id.len()));
    assert!(!id.chars().any(|c| c.is_whitespace() || c.is_control()), "{id:?}");
    // After a letter, Rust shows such a character as it is, unless it has other reasons to escape
    // it.
    let shown: String = id.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')).collect();
    let behind_a_letter = format!("x{shown}");
    assert_eq!(behind_a_letter.escape_debug().to_string(), behind_a_letter);

    let mut buffer = [0xa5; ANNOUNCEMENT_CAPACITY];
    let emitted =
        v1::emit(announcement, &mut buffer).map(|length| v1::parse(buffer.split_at(length).0));
    assert_eq!(emitted, Ok(Ok(announcement.clone())));
}
