//! The duties of process 1 of a container.
//!
//! The kernel sends it only signals that it has a handler for, and makes it the parent of each
//! process whose own parent has ended.

use nix::errno::Errno;
use nix::libc::{self, c_int};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid};

fn is_first() -> bool {
    getpid().as_raw() == 1
}

/// Makes signals end process 1 as they end any other process, and reaps ended children.
pub(crate) fn act_as_first_process() {
    if !is_first() {
        return;
    }
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM] {
        let before = handle(signal, SigHandler::Handler(end));
        // A signal that this process was told to ignore ends no other process either.
        if before.is_ok_and(|before| matches!(before.handler(), SigHandler::SigIgn)) {
            let _ = handle(signal, SigHandler::SigIgn);
        }
    }
    let _ = handle(Signal::SIGCHLD, SigHandler::Handler(reap));
}

#[expect(unsafe_code, reason = "no library has a handler that ends the process or reaps children")]
fn handle(signal: Signal, handler: SigHandler) -> nix::Result<SigAction> {
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: both handlers make system calls alone that a handler may make, and leave errno as it
    // was.
    unsafe { sigaction(signal, &action) }
}

/// Ends the process with the exit code that a shell gives for one that was ended by the signal.
#[expect(unsafe_code, reason = "no library has this function")]
extern "C" fn end(signal: c_int) {
    // SAFETY: the call does not return, and runs nothing of this process.
    unsafe { libc::_exit(128 + signal) }
}

extern "C" fn reap(_: c_int) {
    let errno = Errno::last_raw();
    while waitpid(None, Some(WaitPidFlag::WNOHANG))
        .is_ok_and(|ended| ended != WaitStatus::StillAlive)
    {}
    Errno::set_raw(errno);
}

/// Starts a child, and waits for its end.
///
/// # Errors
///
/// The child cannot be started. The inner result says how it ended.
pub(crate) fn run_child(
    start: impl FnOnce() -> nix::Result<Pid>,
) -> nix::Result<nix::Result<WaitStatus>> {
    // The end of the child is waited for here, not in the handler.
    let signal = SigSet::from(Signal::SIGCHLD);
    signal.thread_block()?;
    let ended = start().map(wait_for);
    signal.thread_unblock()?;
    ended
}

/// Waits for the end of a child. Process 1 also reaps other children that end before it.
fn wait_for(child: Pid) -> nix::Result<WaitStatus> {
    let which = if is_first() { None } else { Some(child) };
    loop {
        let ended = waitpid(which, None)?;
        if ended.pid() == Some(child) {
            return Ok(ended);
        }
    }
}
