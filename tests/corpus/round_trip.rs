//! Any announcement, emitted into buffers of every size and parsed back. The first two bytes are
//! its port, the rest its `NodeID`.

use core::num::NonZeroU16;

use foghorn::limits::ANNOUNCEMENT_CAPACITY;
use foghorn::wire::v1::{self, BufferTooSmall};
use foghorn::wire::{Announcement, NodeId};

pub(crate) fn check(bytes: &[u8]) {
    let Some((port, id)) = bytes.split_first_chunk() else { return };
    let (Some(port), Ok(id)) = (NonZeroU16::new(u16::from_be_bytes(*port)), NodeId::new(id)) else {
        return;
    };
    let expected = 8 + id.as_str().len() + 4;
    let announcement = Announcement { id, port };
    for size in 0..=ANNOUNCEMENT_CAPACITY {
        let mut buffer = [0xa5; ANNOUNCEMENT_CAPACITY];
        let (room, beyond) = buffer.split_at_mut(size);
        let emitted = v1::emit(&announcement, room);
        assert!(beyond.iter().all(|byte| *byte == 0xa5));
        if size < expected {
            assert_eq!(emitted, Err(BufferTooSmall));
        } else {
            assert_eq!(emitted, Ok(expected));
            let (datagram, unused) = room.split_at(expected);
            assert!(unused.iter().all(|byte| *byte == 0xa5));
            assert_eq!(v1::parse(datagram).as_ref(), Ok(&announcement));
        }
    }
}
