//! Limits the time that a system call may wait, for calls without a timeout.
//!
//! SIGALRM interrupts the call. It does nothing else.

use nix::errno::Errno;
use nix::libc::{self, c_int};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// A call that takes this long is waiting.
const LIMIT: libc::timeval = libc::timeval { tv_sec: 0, tv_usec: 1000 };

const NEVER: libc::timeval = libc::timeval { tv_sec: 0, tv_usec: 0 };

/// Makes SIGALRM interrupt calls from now on.
#[expect(unsafe_code, reason = "no library has a handler that does nothing")]
pub(crate) fn prepare() -> Result<(), Errno> {
    extern "C" fn nothing(_: c_int) {}
    // Without SA_RESTART, with which the kernel would restart the call.
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler touches nothing.
    unsafe { sigaction(Signal::SIGALRM, &action) }?;
    SigSet::from(Signal::SIGALRM).thread_unblock()
}

/// Makes a call. If it waits for a millisecond, it fails with EINTR. An earlier limit is restored
/// afterwards.
pub(crate) fn limit<T>(call: impl FnOnce() -> T) -> T {
    let before = set(&every(LIMIT));
    let result = call();
    set(&before);
    result
}

/// Limits all calls from now on.
pub(crate) fn limit_all() {
    set(&every(LIMIT));
}

/// The timer repeats, since the first signal may come before the call waits.
const fn every(time: libc::timeval) -> libc::itimerval {
    libc::itimerval { it_interval: time, it_value: time }
}

/// Sets the timer that sends SIGALRM. Returns how it was set before.
#[expect(unsafe_code, reason = "no library has this timer")]
fn set(times: &libc::itimerval) -> libc::itimerval {
    let mut before = every(NEVER);
    // SAFETY: the kernel reads the one and writes the other, which both live until the call
    // returns.
    unsafe { libc::setitimer(libc::ITIMER_REAL, times, &raw mut before) };
    before
}
