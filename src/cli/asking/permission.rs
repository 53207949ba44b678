//! The permission to use the control socket.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::host::group_name;

/// The group called nogroup or nobody, for programs that own nothing: no person should be in it.
const NOGROUP: u32 = 65_534;

/// How to get the permission to use a socket.
pub(crate) fn advice(socket: &Path) -> String {
    // Nothing inside a closed directory can be looked at. So the first ancestor that can be looked
    // at is the one that is closed.
    let barrier = socket.ancestors().find_map(|path| fs::metadata(path).ok());
    // A user of a socket needs to write it, a user of a directory to search it.
    let may = |metadata: &fs::Metadata| {
        metadata.mode() & if metadata.is_dir() { 0o010 } else { 0o020 } != 0
    };
    match barrier.filter(|metadata| !matches!(metadata.gid(), 0 | NOGROUP) && may(metadata)) {
        None => "use sudo".to_owned(),
        Some(metadata) => {
            let gid = metadata.gid();
            let group = group_name(gid).unwrap_or_else(|| gid.to_string());
            format!("use sudo, or join its group: sudo adduser $USER {group}, and log in again")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn the_group_that_may_is_named() {
        let directory = Scratch::new("permission");
        let path = directory.join("control.sock");
        let _socket = UnixListener::bind(&path).unwrap();
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        // Only root can give it to a group that nobody is in.
        if chown(&path, None, Some(54_321)).is_ok()
            && chown(&*directory, None, Some(54_322)).is_ok()
        {
            set(&path, 0o660);
            assert!(advice(&path).contains("sudo adduser $USER 54321, and"), "{}", advice(&path));
            set(&path, 0o604);
            assert_eq!(advice(&path), "use sudo");
            set(&path, 0o660);
            chown(&path, None, Some(NOGROUP)).unwrap();
            assert_eq!(advice(&path), "use sudo");
            // One that can't be looked at.
            set(&directory, 0o750);
            assert!(advice(&directory.join("hidden")).contains("$USER 54322,"));
            set(&directory, 0o765);
            assert!(!advice(&directory.join("hidden")).contains("$USER 54322,"));
        }
        chown(&path, None, Some(0)).ok();
        assert_eq!(advice(Path::new("")), "use sudo");
    }
}
