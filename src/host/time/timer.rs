//! The one timer: a `timerfd` of the daemon's clock.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use rustix::time::{Itimerspec, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create};

use super::clock::{self, Clock};
use super::kernel_time::timerfd_settime;
use crate::host::errors::reason::refused;
use crate::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Timer {
    fd: OwnedFd,
    /// When the timer will fire. None if it has fired or was never set.
    armed: Option<Instant>,
}

impl Timer {
    /// A timer of that clock.
    pub(crate) fn new(clock: Clock) -> io::Result<Self> {
        let fd = timerfd_create(clock.id(), TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)
            .map_err(|errno| refused("timerfd_create", errno))?;
        Ok(Self { fd, armed: None })
    }

    /// Makes it fire at `due` or before. Due times mostly move later, as known nodes are heard
    /// again: then it is left alone, since to wake once for nothing is cheaper than a system call
    /// for each datagram.
    pub(crate) fn wake_by(&mut self, due: Instant) -> io::Result<()> {
        if self.armed.is_some_and(|armed| armed <= due) {
            return Ok(());
        }
        // The time 0 would disarm it.
        let due = due.max(clock::BOOT + Duration::from_millis(1));
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: clock::to_timespec(due),
        };
        timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &once)
            .map_err(|errno| refused("timerfd_settime", errno))?;
        self.armed = Some(due);
        Ok(())
    }

    pub(crate) fn mark_fired(&mut self) {
        self.armed = None;
    }

    pub(crate) fn raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    #[test]
    fn it_fires_when_its_clock_says_so_and_not_before() {
        let (clock, mut timer) = Clock::with_timer(Timer::new).unwrap();
        // Parts of a second, too.
        for millis in [1, 20] {
            let due = clock.now().unwrap() + Duration::from_millis(millis);
            timer.wake_by(due).unwrap();
            // Signals for other tests may end it early.
            let fired = &mut [PollFd::new(timer.fd.as_fd(), PollFlags::POLLIN)];
            while poll(fired, PollTimeout::NONE) == Err(Errno::EINTR) {}
            assert!(clock.now().unwrap() >= due);
            timer.mark_fired();
        }
    }
}
