//! The names that are not free, since other hosts files have them.
//!
//! A name server that reads those answers with both addresses. It reads `/etc/hosts`, and all that
//! lies beside the file that foghorn keeps; `--keep-out` names what else there is.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, RawDir};

use super::lines::{HostsLine, find};
use super::listed;
use crate::host::{directory_of, open_file, open_regular};

const SYSTEM: &str = "/etc/hosts";

/// Where to find the names of others.
pub(super) struct Taken {
    pub(super) keep_out: Vec<PathBuf>,
    /// The file that foghorn keeps, if it does.
    pub(super) target: Option<PathBuf>,
}

/// A file that can't be read. Any name may be in it.
pub(super) struct Unreadable {
    path: PathBuf,
    error: io::Error,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot read {} for names to keep out: {}", self.path.display(), self.error)
    }
}

impl Taken {
    /// Marks the lines whose names are in other files. An error names one file that can't be read;
    /// all others were read.
    pub(super) fn mark(&self, lines: &mut [HostsLine<'_>]) -> Result<(), Unreadable> {
        let mut unreadable = Ok(());
        self.each(&mut |path, file| {
            let read = file.and_then(|_| {
                let mut file = open_regular(path, OFlags::RDONLY)?;
                listed::for_each(&mut file, &mut |name| {
                    if let Some(line) = find(lines, name) {
                        line.is_taken = true;
                    }
                })
            });
            if let Err(error) = read
                // A file that was found in the directory may have been removed since.
                && (error.kind() != ErrorKind::NotFound || self.is_named(path))
            {
                unreadable = Err(Unreadable { path: path.to_owned(), error });
            }
        });
        unreadable
    }

    /// A number that changes whenever one of the files changes.
    pub(super) fn stamp(&self) -> u64 {
        let mut stamp = 0u64;
        self.each(&mut |_, file| {
            let Ok(file) = file else { return };
            // Every change of a file updates that time.
            let changed = file.ctime().wrapping_mul(1_000_000_000).wrapping_add(file.ctime_nsec());
            let number = (file.ino() ^ changed.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            // The sum does not depend on the order in a directory.
            stamp = stamp.wrapping_add(number);
        });
        stamp
    }

    /// Calls `visit` with each file, or with the error of looking at it.
    fn each(&self, visit: &mut dyn FnMut(&Path, io::Result<Metadata>)) {
        let target = self.target.as_deref();
        // The file that foghorn wrote has no names of others, by whatever path it is found.
        let own = target.and_then(|path| fs::metadata(path).ok()).map(|own| (own.dev(), own.ino()));
        let mut look = |path: &Path, is_named: bool, file: io::Result<Metadata>| match file {
            Ok(file) if own == Some((file.dev(), file.ino())) => {}
            // Name servers read only regular files.
            Ok(file) if !is_named && !file.is_file() => {}
            file => visit(path, file),
        };
        look(Path::new(SYSTEM), false, fs::metadata(SYSTEM));
        for path in &self.keep_out {
            look(path, true, fs::metadata(path));
        }
        let Some(target) = target else { return };
        // Without a directory there is nothing beside the file.
        let directory = directory_of(target).unwrap_or(Path::new("."));
        let listed = open_file(directory, OFlags::RDONLY).and_then(|listing| {
            // The standard library's function would link musl's allocator, 6 kB.
            let mut buffer = [const { MaybeUninit::uninit() }; 2048];
            let mut entries = RawDir::new(listing, &mut buffer);
            while let Some(entry) = entries.next() {
                let entry = entry?;
                let name = entry.file_name().to_bytes();
                if !is_passed_over(name) {
                    let path = directory.join(OsStr::from_bytes(name));
                    look(&path, false, fs::metadata(&path));
                }
            }
            Ok(())
        });
        if let Err(error) = listed {
            look(directory, false, Err(error));
        }
    }

    fn is_named(&self, path: &Path) -> bool {
        self.keep_out.iter().any(|named| named.as_os_str() == path.as_os_str())
    }
}

/// Whether dnsmasq passes over a file of that name in a directory.
fn is_passed_over(name: &[u8]) -> bool {
    name.starts_with(b".") || name.ends_with(b"~") || name.starts_with(b"#") && name.ends_with(b"#")
}
