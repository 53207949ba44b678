//! The one timer: a `timerfd` that also counts the time the machine sleeps.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::clock;
use crate::time::{Duration, Instant};

pub(super) struct Timer {
    fd: TimerFd,
    /// When it will fire; none if it has fired or was never set.
    armed: Option<Instant>,
}

impl Timer {
    pub(super) fn new() -> io::Result<Self> {
        // The same clock that `clock::now` reads.
        let fd = TimerFd::new(ClockId::CLOCK_BOOTTIME, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        Ok(Self { fd, armed: None })
    }

    /// Makes it fire at `due` or before. Due times mostly move later, as known nodes are heard again: then it is left
    /// alone, since to wake once for nothing is cheaper than a system call for each datagram.
    pub(super) fn wake_by(&mut self, due: Instant) -> io::Result<()> {
        if self.armed.is_some_and(|armed| armed <= due) {
            return Ok(());
        }
        // The time 0 would disarm it.
        let due = due.max(clock::BOOT + Duration::from_millis(1));
        self.fd.set(Expiration::OneShot(clock::to_timespec(due)), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
        self.armed = Some(due);
        Ok(())
    }

    pub(super) fn has_fired(&mut self) {
        self.armed = None;
    }

    pub(super) fn raw_fd(&self) -> RawFd {
        self.fd.as_fd().as_raw_fd()
    }
}
