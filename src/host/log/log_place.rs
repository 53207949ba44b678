//! The place that `--log-to` names: a file to append to, the Unix stream socket of a program, or
//! syslog at `/dev/log`.
//!
//! The daemon opens it as the user that it runs as. Root opens it for that user only where no other
//! user can have changed the path, as in `/var/log`.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::libc::mode_t;
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, stat};
use nix::unistd::geteuid;
use rustix::fs::{Gid, Uid, fchown};
use socket2::Type;

use super::outlet::Outlet;
use crate::host::errors::reason::{failure, usage};
use crate::host::files::unix_socket;
use crate::host::process::privileges::User;

/// The datagram socket of syslog, wherever there is one.
const SYSLOG: &CStr = c"/dev/log";

/// A path for the log. It is split once, so that opening it again allocates nothing.
#[derive(Debug)]
pub(crate) struct LogPlace {
    path: CString,
    directory: CString,
    name: CString,
    found: Option<Found>,
}

/// The file or socket that was opened last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    device: u64,
    inode: u64,
    is_socket: bool,
}

impl Found {
    #[expect(clippy::useless_conversion, reason = "the types are narrower on some machines")]
    fn new(stat: &FileStat) -> Self {
        let (device, inode) = (stat.st_dev.into(), stat.st_ino.into());
        Self { device, inode, is_socket: kind(stat) == SFlag::S_IFSOCK }
    }
}

impl LogPlace {
    /// Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// No file can have that path.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let bytes = path.as_os_str().as_bytes();
        let (directory, name) = match bytes.iter().rposition(|byte| *byte == b'/') {
            _ if bytes.is_empty() => {
                let message = "\"\" is no place for the log: give the path of a file or a socket with --log-to";
                return Err(usage(message.to_owned()));
            }
            None => (&b"."[..], bytes),
            Some(slash) => bytes.split_at(slash + 1),
        };
        let name = if name.is_empty() { b"." } else { name };
        Ok(Self {
            path: CString::new(bytes)?,
            directory: CString::new(directory)?,
            name: CString::new(name)?,
            found: None,
        })
    }

    /// Whether syslog listens there, or should.
    pub(crate) fn is_syslog(&self) -> bool {
        self.path.as_c_str() == SYSLOG
    }

    /// Opens it as the user that the process runs as, without waiting for a reader or a device.
    /// Where a socket was, no file is created: a program will listen there again.
    pub(crate) fn open(&mut self) -> io::Result<Outlet> {
        let there = stat(self.path.as_c_str());
        let is_socket = match self.found {
            Some(found) => found.is_socket,
            None => self.is_syslog() || there.is_ok_and(|stat| kind(&stat) == SFlag::S_IFSOCK),
        };
        if is_socket {
            let kind = if self.is_syslog() { Type::DGRAM } else { Type::STREAM };
            let socket = unix_socket::connect(kind, OsStr::from_bytes(self.path.to_bytes()))?;
            self.found = Some(Found::new(&there?));
            return Ok(Outlet::socket(socket));
        }
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = open(self.directory.as_c_str(), flags, Mode::empty())?;
        // On an old kernel fstat fails for such a descriptor.
        let stat = fstatat(&directory, c".", AtFlags::empty())?;
        let is_ours = [0, geteuid().as_raw()].contains(&stat.st_uid) && !others_may_write(&stat);
        // In a directory where others can make links, none is followed.
        let no_link = if is_ours { OFlag::empty() } else { OFlag::O_NOFOLLOW };
        Ok(Outlet::file(self.append(&directory, no_link)?))
    }

    /// Opens it as root, and gives the file to the user that the daemon will become. None if that
    /// is not safe, or if it is a link or a socket: then that user must [open](Self::open) it.
    pub(crate) fn open_for(&mut self, user: &User) -> io::Result<Option<Outlet>> {
        // Only root can change `/dev`.
        if self.is_syslog() {
            return self.open().map(Some);
        }
        let Some(directory) = directory_of_root(&self.directory) else { return Ok(None) };
        let there = fstatat(&directory, self.name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
        if there.is_ok_and(|stat| [SFlag::S_IFLNK, SFlag::S_IFSOCK].contains(&kind(&stat))) {
            return Ok(None);
        }
        let file = self.append(&directory, OFlag::O_NOFOLLOW)?;
        // Not a device, nor a file of another user.
        if there.is_ok_and(|stat| kind(&stat) != SFlag::S_IFREG || stat.st_uid != 0) {
            return Ok(Some(Outlet::file(file)));
        }
        // This fails where files have no owners, as on FAT, but the file is open all the same.
        let (uid, gid) = (Uid::from_raw(user.uid()), Gid::from_raw(user.gid()));
        let _ = fchown(&file, Some(uid), Some(gid));
        Ok(Some(Outlet::file(file)))
    }

    fn append(&mut self, directory: &OwnedFd, more: OFlag) -> nix::Result<OwnedFd> {
        // A terminal must not become the daemon's controlling terminal: the daemon would end when
        // it hangs up.
        let flags = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_NONBLOCK;
        let flags = flags | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | more;
        let file = openat(directory, self.name.as_c_str(), flags, Mode::from_bits_truncate(0o644))?;
        self.found = Some(Found::new(&fstat(&file)?));
        Ok(file)
    }

    /// Whether the path no longer leads to the file that was opened last.
    pub(crate) fn leads_elsewhere(&self) -> bool {
        let now = stat(self.path.as_c_str()).ok().map(|stat| Found::new(&stat));
        self.found.is_none() || self.found != now
    }

    /// Whether it is a socket. A broken connection does not come back by itself.
    pub(crate) fn is_socket(&self) -> bool {
        self.found.is_some_and(|found| found.is_socket)
    }

    /// An error with a text that says what to do.
    pub(crate) fn because(&self, error: &io::Error) -> io::Error {
        let advice = match error.kind() {
            _ if self.is_syslog() => "start syslogd first, or leave out --log-to",
            _ if error.raw_os_error() == Some(Errno::ELOOP as i32) => {
                "other users could have made that link: give the path itself with --log-to"
            }
            io::ErrorKind::NotFound => {
                "make its directory first, or choose another path with --log-to"
            }
            io::ErrorKind::PermissionDenied => {
                "let the daemon's user write there, or choose another path with --log-to"
            }
            io::ErrorKind::ConnectionRefused => "start the program that should listen there first",
            io::ErrorKind::WouldBlock => "the program that listens there is too busy to take it",
            _ => "give the path of a file or a socket with --log-to",
        };
        let path = Path::new(OsStr::from_bytes(self.path.to_bytes())).display();
        failure(error.kind(), format!("cannot log to {path}: {error}: {advice}"))
    }
}

/// Opens a directory if only root can have changed its path and its entries.
fn directory_of_root(path: &CStr) -> Option<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let path = path.to_bytes();
    let from = if path.starts_with(b"/") { c"/" } else { c"." };
    let mut directory = open(from, flags, Mode::empty()).ok()?;
    let mut stat = fstat(&directory).ok()?;
    for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
        // In a sticky directory no other user can replace what belongs to root.
        let is_sticky = stat.st_mode & Mode::S_ISVTX.bits() != 0;
        if stat.st_uid != 0 || others_may_write(&stat) && !is_sticky {
            return None;
        }
        directory = openat(&directory, name, flags, Mode::empty()).ok()?;
        stat = fstat(&directory).ok()?;
    }
    (stat.st_uid == 0 && !others_may_write(&stat)).then_some(directory)
}

fn others_may_write(stat: &FileStat) -> bool {
    stat.st_mode & (Mode::S_IWGRP | Mode::S_IWOTH).bits() != 0
}

fn kind(stat: &FileStat) -> SFlag {
    let mode: mode_t = stat.st_mode;
    SFlag::from_bits_truncate(mode) & SFlag::S_IFMT
}
