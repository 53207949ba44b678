//! The host name of this machine.

use nix::sys::utsname::uname;

/// The host name of this machine.
pub(crate) fn host_name() -> String {
    uname().map(|system| system.nodename().to_string_lossy().into_owned()).unwrap_or_default()
}
