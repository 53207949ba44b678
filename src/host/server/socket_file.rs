//! The control socket's place in the file system.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use mio::net::UnixListener;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::{Mode, umask};
use socket2::{Domain, SockAddr, Socket, Type};

/// How often a lock is tried for that another holds, and the pause between.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A listening socket's file. It is removed when this is dropped, unless another has taken its place.
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

/// Listens at `path`, readable and writable for the owner and the group from the first instant.
///
/// What a crashed daemon left is replaced; the socket of a live one is not, nor is anything else.
pub(super) fn bind(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    // Held until this returns: of two daemons that start at once, one sees the other's socket.
    let _lock = lock_directory(path)?;
    remove_stale(path)?;
    // The mode must not be set afterwards: in between, others could connect.
    let before = umask(Mode::from_bits_truncate(0o117));
    let listener = UnixListener::bind(path);
    umask(before);
    let listener = listener.map_err(|error| because(path, "cannot listen at", &error))?;
    let file = SocketFile { path: path.to_owned(), identity: identity(path)? };
    Ok((listener, file))
}

fn lock_directory(path: &Path) -> io::Result<Flock<File>> {
    let directory = match path.parent() {
        None => {
            let message = format!(
                "\"{}\" cannot be a control socket: give the path of a file with --control",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    let mut file =
        File::open(directory).map_err(|error| because(directory, "cannot use the directory", &error))?;
    for _ in 0..LOCK_TRIES {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            // Others hold it for an instant. That is waited for, but not for ever: anyone who may read it may lock it.
            Err((unlocked, Errno::EWOULDBLOCK)) => file = unlocked,
            Err((_, errno)) => return Err(because(directory, "cannot lock the directory", &errno.into())),
        }
        thread::sleep(LOCK_PAUSE);
    }
    Err(io::Error::other(format!("another program keeps {} locked: see `lsof` on it", directory.display())))
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata.map_err(|error| because(path, "cannot look at", &error))?,
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::other(format!(
            "{} is in the way and is no socket: remove it or give another path with --control",
            path.display()
        )));
    }
    match connect(path) {
        // It answers, or its queue is full.
        Ok(()) => Err(already_running(path)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(already_running(path)),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| because(path, "cannot replace the stale socket", &error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(because(path, "cannot tell whether a daemon listens at", &error)),
    }
}

/// Whether somebody listens, without waiting.
fn connect(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

fn already_running(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::AddrInUse,
        format!(
            "a daemon already listens at {}: stop it, or give another path with --control",
            path.display()
        ),
    )
}

fn because(path: &Path, what: &str, error: &io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::NotFound => ": make its directory first, or give another path with --control",
        io::ErrorKind::PermissionDenied => ": become one who may, or give another path with --control",
        _ => "",
    };
    io::Error::new(error.kind(), format!("{what} {}: {error}{advice}", path.display()))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
