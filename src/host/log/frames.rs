//! Log messages as frames, which `defmt-print` on any machine reads with the help of the program's
//! symbols.
//!
//! A frame is the number of its message, the time since boot and the arguments, packed by defmt and
//! ended by a zero byte.

#![expect(
    unsafe_code,
    reason = "defmt asks for its logger by an unsafe trait and under fixed symbol names"
)]

use std::cell::RefCell;
use std::io::{Cursor, Write as _};

use defmt::Encoder;

use super::log_sink::{self, LogSink};
use crate::host::time::clock;
use crate::log::{self, Level, warn};

/// Longest frame in bytes. A longer one is dropped: a part of it would mean something else.
const FRAME: usize = 1024;

/// Sends log messages of this level and worse there. The first call counts.
pub fn init(level: Level, sink: LogSink) {
    if log_sink::init(sink) {
        log::want(level);
    }
}

defmt::timestamp!("{=u64:ms}", clock::uptime().millis());

#[defmt::global_logger]
struct Frames;

thread_local! {
    /// Each thread composes a frame of its own: only finished ones meet those of others.
    static CURRENT: RefCell<Frame> = const { RefCell::new(Frame::new()) };
}

// SAFETY: nothing here relies on the order of the calls. Whatever it is and from whichever threads
// they come, each one is safe code that works on what belongs to its thread, and a frame is handed
// on under a lock.
unsafe impl defmt::Logger for Frames {
    fn acquire() {
        if CURRENT.with_borrow(|frame| frame.depth == 0) {
            // This comes first, so that the report stands where the dropped messages would be.
            log_sink::report_dropped();
        }
        CURRENT.with_borrow_mut(Frame::begin);
    }

    unsafe fn write(bytes: &[u8]) {
        CURRENT.with_borrow_mut(|frame| frame.add(bytes));
    }

    unsafe fn release() {
        if CURRENT.with_borrow_mut(Frame::end).is_err() {
            warn!("dropped a message: its frame is longer than {} bytes", FRAME);
        }
    }

    unsafe fn flush() {}
}

/// The frame of a log statement, as it grows.
struct Frame {
    encoder: Encoder,
    bytes: Cursor<[u8; FRAME]>,
    too_long: bool,
    /// How many statements its thread is in. One within an argument of another is left out: it
    /// would be in the midst of a frame.
    depth: u32,
}

impl Frame {
    const fn new() -> Self {
        Self { encoder: Encoder::new(), bytes: Cursor::new([0; FRAME]), too_long: false, depth: 0 }
    }

    fn begin(&mut self) {
        self.depth = self.depth.saturating_add(1);
        let Self { encoder, bytes, too_long, depth: 1 } = self else { return };
        bytes.set_position(0);
        *too_long = false;
        encoder.start_frame(|encoded| *too_long |= bytes.write_all(encoded).is_err());
    }

    fn add(&mut self, data: &[u8]) {
        let Self { encoder, bytes, too_long, depth: 1 } = self else { return };
        encoder.write(data, |encoded| *too_long |= bytes.write_all(encoded).is_err());
    }

    fn end(&mut self) -> Result<(), TooLong> {
        let depth = self.depth;
        self.depth = depth.saturating_sub(1);
        if depth != 1 {
            return Ok(());
        }
        let Self { encoder, bytes, too_long, .. } = self;
        encoder.end_frame(|encoded| *too_long |= bytes.write_all(encoded).is_err());
        if *too_long {
            return Err(TooLong);
        }
        let length = usize::try_from(bytes.position()).unwrap_or(0);
        if let Some(frame) = bytes.get_ref().get(..length) {
            log_sink::send(frame);
        }
        Ok(())
    }
}

struct TooLong;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(frame: &Frame) -> &[u8] {
        &frame.bytes.get_ref()[..usize::try_from(frame.bytes.position()).unwrap()]
    }

    #[test]
    fn a_statement_within_another_does_not_change_that_one() {
        let [mut alone, mut around] = [Frame::new(), Frame::new()];
        for frame in [&mut alone, &mut around] {
            frame.begin();
            frame.add(b"before");
        }
        around.begin();
        around.add(b"within");
        assert!(around.end().is_ok());
        for frame in [&mut alone, &mut around] {
            frame.add(b"after");
            assert!(frame.end().is_ok());
        }
        assert_eq!(bytes(&alone), bytes(&around));
        assert!(bytes(&alone).ends_with(&[0]));
    }

    #[test]
    fn a_frame_that_is_too_long_does_not_affect_the_next() {
        let mut frame = Frame::new();
        for (length, fits) in [(FRAME - 20, true), (FRAME, false), (FRAME + 1, false), (1, true)] {
            frame.begin();
            frame.add(&vec![b'x'; length]);
            assert_eq!(frame.end().is_ok(), fits, "{length}");
        }
        assert!(bytes(&frame).contains(&b'x') && bytes(&frame).len() < 5);
    }

    #[test]
    fn calls_out_of_order_do_no_harm() {
        let mut frame = Frame::new();
        frame.add(b"x");
        assert!(frame.end().is_ok());
        frame.begin();
        frame.add(b"x");
        assert!(frame.end().is_ok());
        assert!(frame.end().is_ok());
        assert!(bytes(&frame).contains(&b'x'));
    }
}
