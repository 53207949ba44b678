//! Where a control socket may be.

use std::env;
use std::path::{Path, PathBuf};

/// The environment variable that names the socket.
const VARIABLE: &str = "FOGHORN_CONTROL";

/// Where a daemon of the system listens.
pub(crate) const SYSTEM: &str = "/run/foghorn";

pub(crate) const FILE: &str = "control.sock";

/// The socket that was asked for, by option or by environment.
pub(crate) fn asked_for(option: Option<&Path>) -> Option<PathBuf> {
    let variable = || env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    option.map(Path::to_owned).or_else(variable)
}

/// Where a daemon listens that was told nothing, the system's before the user's.
pub(crate) fn directories() -> Vec<PathBuf> {
    let mut directories = vec![PathBuf::from(SYSTEM)];
    if let Some(of_user) = env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty()) {
        directories.push(PathBuf::from(of_user).join("foghorn"));
    }
    directories
}

/// The sockets at which a daemon may listen, in the order in which to try them.
pub(crate) fn candidates(option: Option<&Path>) -> Vec<PathBuf> {
    if let Some(path) = asked_for(option) {
        return vec![path];
    }
    let mut sockets = directories();
    for socket in &mut sockets {
        socket.push(FILE);
    }
    sockets
}
