//! Where a daemon puts its control socket.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, lchown};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use super::Failure;
use crate::client::places::{FILE, SYSTEM, asked_for, directories};
use crate::host::User;

/// The socket for a daemon to listen at. The directory of a default one is made if it is missing, for the user that the daemon will
/// run as if one is given.
pub(super) fn for_daemon(option: Option<&Path>, user: Option<&User>) -> Result<PathBuf, Failure> {
    if let Some(path) = asked_for(option) {
        return Ok(path);
    }
    let usable = directories().into_iter().find(|directory| is_usable(directory, user));
    usable.map(|directory| directory.join(FILE)).ok_or_else(|| {
        Failure::failed(format!(
            "no place for the control socket: {SYSTEM} can't be written and XDG_RUNTIME_DIR names no directory that can; \
             give a path with --control"
        ))
    })
}

fn is_usable(directory: &Path, user: Option<&User>) -> bool {
    // It may be there already, so only what comes of it counts. Who could read it could also lock it, and keep the daemon out.
    let _ = DirBuilder::new().mode(0o710).create(directory);
    // Also one that a foghorn of root has left.
    if let Some(user) = user
        && fs::symlink_metadata(directory).is_ok_and(|directory| directory.uid() == 0)
    {
        let _ = lchown(directory, Some(user.uid()), Some(user.gid()));
    }
    access(directory, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}
