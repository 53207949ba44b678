//! Signals as input of the loop.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal as Number, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::host::errors::reason::refused;

/// A signal that the daemon handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM or SIGINT: stop.
    Stop,
    /// SIGHUP: look at the interfaces again and announce now.
    Refresh,
}

pub(crate) struct Signals {
    fd: SignalFd,
}

/// Makes a file that has reached the limit of its size (`RLIMIT_FSIZE`) an error of the call that
/// writes to it. Otherwise the kernel would end the process, as it does where this is not allowed.
pub(crate) fn survive_file_limit() {
    let _ = SigSet::from(Number::SIGXFSZ).thread_block();
}

impl Signals {
    /// From now on the loop receives the signals. Earlier ones had their usual effect.
    pub(crate) fn new() -> io::Result<Self> {
        survive_file_limit();
        // A terminal can have jobs in the background stopped when they write there; `stty tostop`.
        SigSet::from(Number::SIGTTOU).thread_block()?;
        let mask = SigSet::from_iter([Number::SIGTERM, Number::SIGINT, Number::SIGHUP]);
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&mask), None)
            .map_err(|errno| refused("rt_sigprocmask", errno))?;
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
        Ok(Self { fd: fd.map_err(|errno| refused("signalfd4", errno))? })
    }

    /// Takes the next waiting signal.
    ///
    /// # Errors
    ///
    /// The kernel does not report signals. Then the daemon must end, since no signal could stop it
    /// any more.
    pub(crate) fn take_next(&self) -> io::Result<Option<Signal>> {
        let info = self.fd.read_signal().map_err(|errno| refused("read", errno))?;
        let hangup = u32::try_from(Number::SIGHUP as i32).ok();
        Ok(info.map(
            |info| if Some(info.ssi_signo) == hangup { Signal::Refresh } else { Signal::Stop },
        ))
    }

    pub(crate) fn raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
