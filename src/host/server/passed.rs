//! Descriptors that clients pass with their requests.
//!
//! The daemon has no use for them. But when it reads such a message, or closes a connection in
//! which one is unread, it closes what was passed, and that may take as long as the client likes: a
//! TCP socket with `SO_LINGER` waits for its peer. Since Linux 6.16 the kernel refuses to pass any.
//! Before that a signal interrupts the call.

use std::os::fd::AsFd;

use nix::libc::{self, c_int};
use nix::sys::socket::{setsockopt, sockopt};

use crate::host::errors::reason::Reason;
use crate::host::time::time_limit;
use crate::log::{Shown, warn};

/// Whether descriptors can be passed to a Unix socket; unix(7).
const SO_PASSRIGHTS: c_int = match () {
    () if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) => 0x5c,
    () => 83,
};

#[derive(Clone, Copy)]
struct PassRights;

nix::setsockopt_impl!(PassRights, libc::SOL_SOCKET, SO_PASSRIGHTS, bool, sockopt::SetBool);

/// Keeps passed descriptors from blocking the daemon.
#[derive(Clone, Copy)]
pub(super) struct Guard {
    /// Whether the kernel passes descriptors on, so that calls must be interrupted.
    interrupts: bool,
}

impl Guard {
    /// Has the kernel refuse descriptors for the clients of a listener, if it can.
    pub(super) fn new(listener: &impl AsFd) -> Self {
        if setsockopt(listener, PassRights, &false).is_ok() {
            return Self { interrupts: false };
        }
        let prepared = time_limit::prepare();
        if let Err(errno) = prepared {
            warn!("a control client can block the daemon: {}", Shown(&Reason::new(&errno.into())));
        }
        Self { interrupts: prepared.is_ok() }
    }

    /// Makes a call that reads from a client or closes its connection.
    pub(super) fn limit<T>(self, call: impl FnOnce() -> T) -> T {
        if self.interrupts { time_limit::limit(call) } else { call() }
    }

    /// Limits all calls from now on.
    pub(super) fn limit_all(self) {
        if self.interrupts {
            time_limit::limit_all();
        }
    }
}
