//! Where a daemon puts its control socket.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use crate::cli::failure::Failure;
use crate::client::places::{FILE, asked_for, complaint, directories};
use crate::client::socket_address::socket_address;
use crate::host::{User, make_directory};

/// The socket that a daemon listens at, and whether it is a default one. The directory of a default
/// socket is created if it is missing, for the user that the daemon will switch to.
pub(crate) fn for_daemon(
    option: Option<&Path>,
    user: Option<&User>,
) -> Result<(PathBuf, bool), Failure> {
    if let Some(path) = asked_for(option) {
        socket_address(&path)?;
        return Ok((path, false));
    }
    let mut tried = String::new();
    for directory in directories() {
        if is_usable(&directory, user) {
            let path = directory.join(FILE);
            socket_address(&path)?;
            return Ok((path, true));
        }
        tried.extend([if tried.is_empty() { "" } else { " or " }, &directory.to_string_lossy()]);
    }
    let complaint = complaint();
    Err(Failure::failed(format!(
        "no place for the control socket: cannot write to {tried}{complaint}; choose a path with --control"
    )))
}

fn is_usable(directory: &Path, user: Option<&User>) -> bool {
    // The directory may exist already, so only the result counts.
    let _ = make_directory(directory);
    // A foghorn that ran as root may have left it.
    if let Some(user) = user
        && fs::symlink_metadata(directory).is_ok_and(|directory| directory.uid() == 0)
    {
        let _ = lchown(directory, Some(user.uid()), Some(user.gid()));
    }
    access(directory, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}
