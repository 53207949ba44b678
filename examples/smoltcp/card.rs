//! A network card, as smoltcp likes them: it hands out tokens, each good for one frame.

use heapless::{Deque, Vec};
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// The longest Ethernet frame, without its checksum.
const FRAME_CAPACITY: usize = 1514;

/// Frames that wait in a card.
pub(crate) type Queue = Deque<Vec<u8, FRAME_CAPACITY>, 8>;

/// A card whose cable is whoever moves frames from the one queue to the other card's.
#[derive(Default)]
pub(crate) struct Card {
    pub(crate) received: Queue,
    pub(crate) sent: Queue,
}

impl Device for Card {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _: Instant) -> Option<(RxToken, TxToken<'_>)> {
        Some((RxToken(self.received.pop_front()?), TxToken(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        (!self.sent.is_full()).then_some(TxToken(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_CAPACITY;
        capabilities
    }
}

pub(crate) struct RxToken(Vec<u8, FRAME_CAPACITY>);

impl phy::RxToken for RxToken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

pub(crate) struct TxToken<'a>(&'a mut Queue);

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = Vec::new();
        // smoltcp knows from the capabilities how long a frame can be.
        let _ = frame.resize(length, 0);
        let result = write(&mut frame);
        // There is room, but not always for what smoltcp replies by itself to a frame that came in.
        // That may be lost.
        let _ = self.0.push_back(frame);
        result
    }
}
