//! The datagrams that neighbours send.

use std::num::NonZeroU16;

use foghorn::limits::ANNOUNCEMENT_CAPACITY;
use foghorn::wire::{Announcement, NodeId, v1};

/// The announcement of a node.
pub(crate) fn announcement(name: &str) -> Vec<u8> {
    let announcement = Announcement {
        id: NodeId::try_from(name).unwrap(),
        port: NonZeroU16::new(22_000).unwrap(),
    };
    let mut buffer = [0; ANNOUNCEMENT_CAPACITY];
    let length = v1::emit(&announcement, &mut buffer).unwrap();
    buffer[..length].to_vec()
}

/// The name of a node that announces itself again and again. It is as long as those of the
/// reference node.
pub(crate) fn neighbour(number: u32) -> String {
    format!("P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZ{number:04}")
}
