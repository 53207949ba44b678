//! The control socket's place in the file system.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use mio::net::UnixListener;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, Flock, FlockArg, OFlag, open};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{AccessFlags, Gid, Uid, access, fchownat};
use rustix::fs::OFlags;
use socket2::Type;

use crate::host::errors::reason::{failure, occupied, usage};
use crate::host::files::regular_file::open_file;
use crate::host::files::unix_socket;
use crate::host::process::privileges::User;

/// How often the daemon tries a lock that another process holds, and the pause between attempts.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The mode of a directory that the daemon makes. A user who can read it can also lock it, and so
/// keep the daemon out.
const DIRECTORY_MODE: u32 = 0o710;

/// The file of a listening socket. Dropping this removes the file, unless another has taken its
/// place.
pub(super) struct SocketFile {
    path: PathBuf,
    /// Whether its directory is the daemon's own, to be made if it is missing.
    own_directory: bool,
    identity: (u64, u64),
}

/// Listens at `path`, readable and writable for the owner and the group from the first instant.
/// Then it is made to belong to `user`, if one is given.
///
/// The socket of a crashed daemon is replaced. The socket of a running one is not, nor is any other
/// file.
pub(super) fn bind(
    path: &Path,
    own_directory: bool,
    user: Option<&User>,
) -> io::Result<(UnixListener, SocketFile)> {
    let listener = listen(path, LOCK_TRIES)?;
    let identity =
        identity(path).map_err(|error| because(path, "cannot look (lstat) at", &error))?;
    let file = SocketFile { path: path.to_owned(), own_directory, identity };
    if let Some(user) = user {
        file.hand_over(user).map_err(|error| {
            let path = path.display();
            failure(
                io::ErrorKind::Other,
                format!(
                    "cannot hand {path} over to the user (open, fstat, fchownat): {error}: leave --user out"
                ),
            )
        })?;
    }
    Ok((listener, file))
}

/// Makes the directory of a control socket, for the daemon's user and group alone under any umask.
pub(crate) fn make_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().mode(DIRECTORY_MODE).create(directory)?;
    // The umask may have taken the group's part away.
    fs::set_permissions(directory, Permissions::from_mode(DIRECTORY_MODE))
}

fn listen(path: &Path, lock_tries: u32) -> io::Result<UnixListener> {
    // Held until this returns: of two daemons that start at once, one sees the other's socket.
    let _lock = lock_directory(path, lock_tries)?;
    remove_stale(path)?;
    #[cfg(test)]
    let _umask = crate::scratch::hold_umask();
    // The mode must not be set afterwards: in between, others could connect.
    let before = umask(Mode::from_bits_truncate(0o117));
    let listener = UnixListener::bind(path);
    umask(before);
    listener.map_err(|error| because(path, "cannot listen (socket, bind, listen) at", &error))
}

/// The directory of a path. None if no file can have that path.
pub(crate) fn directory_of(path: &Path) -> Option<&Path> {
    let parent = path.parent()?;
    Some(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

fn lock_directory(path: &Path, tries: u32) -> io::Result<Flock<File>> {
    let Some(directory) = directory_of(path) else {
        let message = format!(
            "\"{}\" cannot be a control socket: give the path of a file with --control",
            path.display()
        );
        return Err(usage(message));
    };
    let mut file = open_file(directory, OFlags::RDONLY | OFlags::DIRECTORY)
        .map_err(|error| because(directory, "cannot open the directory", &error))?;
    for attempt in 0..tries {
        if attempt > 0 {
            thread::sleep(LOCK_PAUSE);
        }
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            // Other daemons hold the lock only for an instant. The daemon waits for that, but not
            // for ever: every user that can read the directory can lock it.
            Err((unlocked, Errno::EWOULDBLOCK)) => file = unlocked,
            Err((_, errno)) => {
                return Err(because(directory, "cannot lock (flock) the directory", &errno.into()));
            }
        }
    }
    Err(failure(
        io::ErrorKind::Other,
        format!("another program keeps {} locked: see `lsof` on it", directory.display()),
    ))
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata.map_err(|error| because(path, "cannot look (lstat) at", &error))?,
    };
    let kind = metadata.file_type();
    if !kind.is_socket() {
        return Err(occupied(path, kind, "socket", "control.sock", "--control"));
    }
    match unix_socket::connect(Type::STREAM, path.as_os_str()) {
        // It answers, or its queue is full.
        Ok(_) => Err(already_running(path)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(already_running(path)),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)
            .map_err(|error| because(path, "cannot remove (unlink) the stale socket", &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            Err(because(path, "cannot tell (socket, connect) whether a daemon listens at", &error))
        }
    }
}

fn already_running(path: &Path) -> io::Error {
    failure(
        io::ErrorKind::AddrInUse,
        format!(
            "a daemon already listens at {}: stop it, or choose another path with --control",
            path.display()
        ),
    )
}

fn because(path: &Path, what: &str, error: &io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => {
            ": make its directory first, or choose another path with --control"
        }
        io::ErrorKind::PermissionDenied => {
            ": run as a user with permission, or choose another path with --control"
        }
        io::ErrorKind::NotADirectory => ": choose another path with --control",
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            if error.raw_os_error().is_some() =>
        {
            ": does a sandbox or container keep foghorn from it?"
        }
        _ => "",
    };
    let text = format!("{what} {}: {error}{advice}", path.display());
    // No call was made: the path is too long for a socket.
    if error.kind() == io::ErrorKind::InvalidInput && error.raw_os_error().is_none() {
        return usage(text);
    }
    failure(error.kind(), text)
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

impl SocketFile {
    /// Makes the file belong to a user. A user that may write to the directory can replace or
    /// rename the file at any time. So this checks and hands over the file through one descriptor,
    /// which no such change reaches.
    fn hand_over(&self, user: &User) -> io::Result<()> {
        // Not by `File::options`: with musl that leaves `O_PATH` out.
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = File::from(open(&self.path, flags, Mode::empty())?);
        let metadata = file.metadata()?;
        if (metadata.dev(), metadata.ino()) != self.identity
            || !metadata.file_type().is_socket()
            || metadata.nlink() != 1
        {
            return Err(failure(
                io::ErrorKind::Other,
                "another program has replaced it".to_owned(),
            ));
        }
        let (uid, gid) = (Uid::from_raw(user.uid()), Gid::from_raw(user.gid()));
        Ok(fchownat(&file, "", Some(uid), Some(gid), AtFlags::AT_EMPTY_PATH)?)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether clients find the socket at its path. True if the file cannot be looked at.
    pub(super) fn is_there(&self) -> bool {
        match identity(&self.path) {
            Ok(identity) => identity == self.identity,
            Err(error) => {
                !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
            }
        }
    }

    /// Listens at the same path again, with the privileges that the process has now, and does not
    /// wait for a lock.
    pub(super) fn bind_again(&mut self) -> io::Result<UnixListener> {
        if self.own_directory
            && let Some(directory) = directory_of(&self.path)
        {
            // If this fails, so does making the socket, and that error says why.
            let _ = make_directory(directory);
        }
        let listener = listen(&self.path, 1)?;
        self.identity = identity(&self.path)?;
        Ok(listener)
    }

    /// Whether this process may remove the file.
    pub(super) fn can_be_removed(&self) -> bool {
        let flags = AccessFlags::W_OK | AccessFlags::X_OK;
        directory_of(&self.path).is_some_and(|directory| access(directory, flags).is_ok())
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
