//! What this machine is called.

use nix::sys::utsname::uname;

/// What this machine is called.
pub(crate) fn host_name() -> String {
    uname().map(|system| system.nodename().to_string_lossy().into_owned()).unwrap_or_default()
}
