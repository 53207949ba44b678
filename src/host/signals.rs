//! Signals as input of the loop.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// SIGTERM or SIGINT: end.
    Stop,
    /// SIGHUP: look at the interfaces again and announce now.
    Refresh,
}

pub(super) struct Signals {
    fd: SignalFd,
}

impl Signals {
    /// From here on the signals come to the loop. Those that came earlier had their usual effect.
    pub(super) fn new() -> io::Result<Self> {
        let mask = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
        mask.thread_block()?;
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { fd })
    }

    /// The next signal that waits.
    pub(super) fn next(&self) -> Option<Wish> {
        let info = self.fd.read_signal().ok().flatten()?;
        let hangup = u32::try_from(Signal::SIGHUP as i32).ok() == Some(info.ssi_signo);
        Some(if hangup { Wish::Refresh } else { Wish::Stop })
    }

    pub(super) fn raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
