//! Descriptors that clients pass along with what they say.
//!
//! The daemon has no use for them. But when it reads such a message, or closes a connection in
//! which one is unread, it closes what was passed, and that may take as long as the client likes: a
//! TCP socket with `SO_LINGER` waits for its peer. Since Linux 6.16 the kernel refuses to pass any.
//! Before that a signal interrupts the call.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::libc::{self, c_int};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::socket::{setsockopt, sockopt};

use crate::host::reason::Reason;
use crate::log::{Shown, warn};

/// Whether descriptors can be passed to a Unix socket; unix(7).
const SO_PASSRIGHTS: c_int = match () {
    () if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) => 0x5c,
    () => 83,
};

#[derive(Clone, Copy)]
struct PassRights;

nix::setsockopt_impl!(PassRights, libc::SOL_SOCKET, SO_PASSRIGHTS, bool, sockopt::SetBool);

/// A call that takes this long waits for something.
const LIMIT: libc::timeval = libc::timeval { tv_sec: 0, tv_usec: 1000 };

const NEVER: libc::timeval = libc::timeval { tv_sec: 0, tv_usec: 0 };

/// What keeps passed descriptors from keeping the daemon.
#[derive(Clone, Copy)]
pub(super) struct Guard {
    /// Whether the kernel lets descriptors through, so that calls have to be interrupted.
    interrupts: bool,
}

impl Guard {
    /// Has the kernel refuse descriptors for the clients of a listener, if it can.
    pub(super) fn new(listener: &impl AsFd) -> Self {
        if setsockopt(listener, PassRights, &false).is_ok() {
            return Self { interrupts: false };
        }
        let prepared = prepare();
        if let Err(errno) = prepared {
            warn!("a control client can keep the daemon waiting: {}", Shown(&Reason::new(&errno.into())));
        }
        Self { interrupts: prepared.is_ok() }
    }

    /// Makes a call that reads from a client or closes its connection.
    pub(super) fn limit<T>(self, call: impl FnOnce() -> T) -> T {
        if !self.interrupts {
            return call();
        }
        interrupt_after(LIMIT);
        let result = call();
        interrupt_after(NEVER);
        result
    }

    /// Limits all calls from now on.
    pub(super) fn limit_all(self) {
        if self.interrupts {
            interrupt_after(LIMIT);
        }
    }
}

/// Has SIGALRM do nothing but to interrupt a call.
#[expect(unsafe_code, reason = "no library has a handler that does nothing")]
fn prepare() -> Result<(), Errno> {
    extern "C" fn nothing(_: c_int) {}
    // Without SA_RESTART, by which the kernel would begin the call anew.
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler touches nothing.
    unsafe { sigaction(Signal::SIGALRM, &action) }?;
    SigSet::from(Signal::SIGALRM).thread_unblock()
}

/// Sends SIGALRM in so much time, and again and again: the first may come before the call waits.
#[expect(unsafe_code, reason = "no library has this timer")]
fn interrupt_after(time: libc::timeval) {
    let times = libc::itimerval { it_interval: time, it_value: time };
    // SAFETY: the kernel reads the times, and is asked for no earlier ones.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const times, std::ptr::null_mut()) };
}
