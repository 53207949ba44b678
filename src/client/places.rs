//! The paths that a control socket may have.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The longest path of a socket, in bytes. The kernel has 108, and a zero byte ends the path.
pub(super) const LONGEST: usize = 107;

/// The environment variable that names the socket.
const VARIABLE: &str = "FOGHORN_CONTROL";

/// The environment variable that names the user's own directory, by the XDG Base Directory
/// Specification.
const USER: &str = "XDG_RUNTIME_DIR";

/// The directory in which a daemon of the system listens.
pub(crate) const SYSTEM: &str = "/run/foghorn";

pub(crate) const FILE: &str = "control.sock";

/// The socket that the user named, by option or by environment.
pub(crate) fn asked_for(option: Option<&Path>) -> Option<PathBuf> {
    let variable = || env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    option.map(Path::to_owned).or_else(variable)
}

/// The directories in which a daemon listens by default, the system's before the user's.
pub(crate) fn directories() -> Vec<PathBuf> {
    in_order(env::var_os(USER).as_deref(), Path::new("/"))
}

/// The same with that value of the variable, in a system below `root`, which is `/` but in tests.
fn in_order(of_user: Option<&OsStr>, root: &Path) -> Vec<PathBuf> {
    let mut directories = vec![PathBuf::from(SYSTEM)];
    // The specification says to ignore relative paths.
    let named = of_user.map(Path::new).filter(|path| path.is_absolute()).map(Path::to_owned);
    for of_user in [named, of_session(root)].into_iter().flatten() {
        let directory = of_user.join("foghorn");
        // As bytes: to compare paths by their components takes 500 bytes.
        if directories.iter().all(|known| known.as_os_str() != directory.as_os_str()) {
            directories.push(directory);
        }
    }
    directories
}

/// The user's own directory where nothing names it, as for a cron job. The kernel gives a process's
/// directory to its user.
fn of_session(root: &Path) -> Option<PathBuf> {
    let uid = fs::metadata(root.join("proc/self")).ok()?.uid();
    let directory = root.join(format!("run/user/{uid}"));
    let found = fs::symlink_metadata(&directory).ok()?;
    (found.is_dir() && found.uid() == uid).then_some(directory)
}

/// The complaint about a variable that does not name the user's own directory.
pub(crate) fn complaint() -> &'static str {
    complaint_of(env::var_os(USER).as_deref())
}

fn complaint_of(of_user: Option<&OsStr>) -> &'static str {
    match of_user {
        Some(path) if Path::new(path).is_absolute() => "",
        Some(path) if !path.is_empty() => " (XDG_RUNTIME_DIR is not an absolute path)",
        _ => " (XDG_RUNTIME_DIR is not set)",
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn the_users_own_directory_is_found_with_and_without_the_variable() {
        let root = Scratch::new("places");
        let places = |value: Option<&str>| {
            let places = in_order(value.map(OsStr::new), &root);
            places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>()
        };
        let system = "/run/foghorn";
        assert_eq!(places(None), [system]);

        fs::create_dir_all(root.join("proc/self")).unwrap();
        let uid = fs::metadata(&*root).unwrap().uid();
        let session = root.join(format!("run/user/{uid}"));
        // There is none for this user, or it is not a directory.
        assert_eq!(places(None), [system]);
        fs::create_dir_all(session.parent().unwrap()).unwrap();
        fs::write(&session, "").unwrap();
        assert_eq!(places(None), [system]);
        fs::remove_file(&session).unwrap();
        std::os::unix::fs::symlink(root.join("proc"), &session).unwrap();
        assert_eq!(places(None), [system]);
        fs::remove_file(&session).unwrap();

        fs::create_dir(&session).unwrap();
        let of_session = session.join("foghorn").display().to_string();
        for useless in [None, Some(""), Some("run"), Some("./run"), Some("../run")] {
            assert_eq!(places(useless), [system, &of_session], "{useless:?}");
        }
        assert_eq!(places(Some("/home/pi/run")), [system, "/home/pi/run/foghorn", &of_session]);
        // No place is named twice.
        for same in [session.to_str().unwrap(), &format!("{}/", session.display())] {
            assert_eq!(places(Some(same)).len(), 2, "{same}");
        }
        assert_eq!(places(Some("/run")), [system, &of_session]);
    }

    #[test]
    fn a_variable_without_a_directory_is_told_of() {
        let complaint = |value: Option<&str>| complaint_of(value.map(OsStr::new));
        assert_eq!(complaint(Some("/run/user/1000")), "");
        assert_eq!([None, Some("")].map(complaint), [" (XDG_RUNTIME_DIR is not set)"; 2]);
        assert_eq!(complaint(Some("run")), " (XDG_RUNTIME_DIR is not an absolute path)");
    }
}
