//! Where the control socket is.

use std::env;
use std::fs;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use super::Failure;
use crate::host::User;

/// The environment variable that names the socket.
const VARIABLE: &str = "FOGHORN_CONTROL";

/// Where a daemon of the system listens.
const SYSTEM: &str = "/run/foghorn";

const FILE: &str = "control.sock";

/// The socket that was asked for, by option or by environment.
fn asked_for(option: Option<&Path>) -> Option<PathBuf> {
    let variable = || env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    option.map(Path::to_owned).or_else(variable)
}

/// Where a daemon listens that was told nothing, the system's before the user's.
fn directories() -> impl Iterator<Item = PathBuf> {
    let of_user = env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty());
    let of_user = of_user.map(|path| PathBuf::from(path).join("foghorn"));
    std::iter::once(PathBuf::from(SYSTEM)).chain(of_user)
}

/// The sockets at which a daemon may listen, in the order in which to try them.
pub(super) fn candidates(option: Option<&Path>) -> Vec<PathBuf> {
    if let Some(path) = asked_for(option) {
        return vec![path];
    }
    directories().map(|directory| directory.join(FILE)).collect()
}

/// The socket for a daemon to listen at. The directory of a default one is made if it is missing, for the user that the daemon will
/// run as if one is given.
pub(super) fn for_daemon(option: Option<&Path>, user: Option<&User>) -> Result<PathBuf, Failure> {
    if let Some(path) = asked_for(option) {
        return Ok(path);
    }
    let usable = directories().find(|directory| is_usable(directory, user));
    usable.map(|directory| directory.join(FILE)).ok_or_else(|| {
        Failure::failed(format!(
            "no place for the control socket: {SYSTEM} can't be written and XDG_RUNTIME_DIR names no directory that can; \
             give a path with --control"
        ))
    })
}

fn is_usable(directory: &Path, user: Option<&User>) -> bool {
    // It may be there already, so only what comes of it counts.
    if fs::create_dir(directory).is_ok()
        && let Some(user) = user
    {
        let _ = lchown(directory, Some(user.uid()), Some(user.gid()));
    }
    access(directory, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}
