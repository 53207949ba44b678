//! The hosts file that foghorn keeps. It is replaced as a whole: a reader finds all of it.

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use nix::libc::O_NOFOLLOW;

use super::taken::directory_of;
use crate::cli::Failure;
use crate::host::open_regular;

/// The first line. A file that begins otherwise is somebody else's.
pub(super) const HEAD: &str = "# kept by foghorn hosts --follow: what is changed here is lost\n";

/// Everybody may read it: name servers seldom run as root.
const MODE: u32 = 0o644;

/// A file at a path, whoever has put it there.
pub(super) struct HostsFile {
    path: PathBuf,
}

impl fmt::Display for HostsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// Why the file can't be kept.
pub(super) enum Trouble {
    /// For now: the disk is full.
    Passing(Failure),
    /// Until a person does something about it.
    Lasting(Failure),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Passing(failure) | Trouble::Lasting(failure) => failure,
        }
    }
}

impl HostsFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// What the file contains, but no more bytes than that. Nothing if there is none, in a directory that is there.
    pub(super) fn read(&self, most: u64) -> Result<Vec<u8>, Trouble> {
        let mut text = vec![];
        match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::metadata(directory_of(&self.path)).map_err(|error| self.because(&error))?;
                return Ok(text);
            }
            Ok(metadata) if metadata.is_dir() => {
                return Err(self.unusable("is a directory: give the path of a file in it with --follow"));
            }
            Ok(metadata) if !metadata.is_file() => {
                return Err(self.unusable("is not a file: give another path with --follow"));
            }
            _ => {}
        }
        open_regular(&self.path, File::options().read(true), O_NOFOLLOW)
            .and_then(|file| file.take(most).read_to_end(&mut text))
            .map_err(|error| self.because(&error))?;
        if !is_ours(&text) {
            return Err(self.unusable("is not foghorn's: give another path with --follow"));
        }
        Ok(text)
    }

    /// Has the file contain this text, which begins with [`HEAD`]. False if it did before.
    pub(super) fn replace(&self, text: &str) -> Result<bool, Trouble> {
        // One byte more than there should be.
        if self.read(text.len() as u64 + 1)? == text.as_bytes() {
            return Ok(false);
        }
        // Name servers pass over files whose names begin with a dot.
        let name = self.path.file_name().unwrap_or_default();
        let new = self.path.with_file_name(format!(".{}.new", name.display()));
        // What a foghorn left that was ended just then.
        let _ = fs::remove_file(&new);
        let mut replaced = File::create_new(&new)
            .and_then(|file| write(file, text))
            .and_then(|()| fs::rename(&new, &self.path));
        if let Err(error) = &replaced {
            let _ = fs::remove_file(&new);
            if matches!(
                error.kind(),
                ErrorKind::ResourceBusy | ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied
            ) && let Some(written) = self.write_in_place(text)
            {
                replaced = written;
            }
        }
        replaced.map(|()| true).map_err(|error| self.because(&error))
    }

    /// Writes where nothing else can take the file's place: it is mounted by itself, or its directory can't be written. A reader may
    /// find a part of it. None if there is no file that can be written.
    fn write_in_place(&self, text: &str) -> Option<io::Result<()>> {
        let mut file = open_regular(&self.path, File::options().read(true).write(true), O_NOFOLLOW).ok()?;
        let mut head = vec![];
        (&mut file).take(HEAD.len() as u64).read_to_end(&mut head).ok()?;
        is_ours(&head).then(|| {
            file.set_len(0)?;
            io::Seek::rewind(&mut file)?;
            file.write_all(text.as_bytes())
        })
    }

    fn unusable(&self, why: &str) -> Trouble {
        Trouble::Lasting(Failure::failed(format!("{self} {why}")))
    }

    fn because(&self, error: &io::Error) -> Trouble {
        let (trouble, advice): (fn(Failure) -> Trouble, _) = match error.kind() {
            ErrorKind::NotFound => {
                (Trouble::Lasting, ": make its directory first, or give another path with --follow")
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (Trouble::Passing, ""),
            _ => (Trouble::Lasting, ""),
        };
        trouble(Failure::failed(format!("cannot write {self}: {error}{advice}")))
    }
}

/// An empty file is nobody's.
fn is_ours(text: &[u8]) -> bool {
    text.is_empty() || text.starts_with(HEAD.as_bytes())
}

fn write(mut file: File, text: &str) -> io::Result<()> {
    // Whatever the umask.
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(text.as_bytes())
}
