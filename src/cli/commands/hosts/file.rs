//! The hosts file that foghorn keeps. It is replaced as a whole, so that readers always find all of
//! it.

use std::fmt;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use rustix::fs::OFlags;

use crate::cli::failure::Failure;
use crate::host::{directory_of, open_file, open_regular};

/// The first line. A file that begins otherwise is somebody else's.
pub(super) const HEAD: &str = "# kept by foghorn hosts --follow: what is changed here is lost\n";

/// Everybody may read it: name servers seldom run as root.
const MODE: u32 = 0o644;

/// A file at a path. Another program may have made it.
pub(super) struct HostsFile {
    path: PathBuf,
}

impl fmt::Display for HostsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// Why the file can't be kept.
pub(super) struct Trouble {
    pub(super) failure: Failure,
    /// Whether the error may go away by itself, like a full disk.
    pub(super) may_pass: bool,
}

impl HostsFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The content of the file, up to `most` bytes. It is empty if there is no file, but an error
    /// if there is no directory.
    pub(super) fn read(&self, most: usize) -> Result<Vec<u8>, Trouble> {
        let mut text = vec![];
        let file = open_regular(&self.path, OFlags::RDONLY | OFlags::NOFOLLOW);
        let read = file.and_then(|mut file| {
            let length = usize::try_from(file.metadata()?.len()).unwrap_or(most);
            text.resize(length.min(most), 0);
            let length = file.read(&mut text)?;
            text.truncate(length);
            Ok(())
        });
        let why = match read {
            Ok(()) if is_ours(&text) => return Ok(text),
            Ok(()) => "is not foghorn's: choose another path with --follow",
            Err(error) => match error.kind() {
                ErrorKind::NotFound => {
                    let directory =
                        fs::metadata(directory_of(&self.path).unwrap_or(Path::new(".")));
                    return directory.map(|_| text).map_err(|error| self.because(&error));
                }
                ErrorKind::IsADirectory => {
                    "is a directory: give the path of a file in it with --follow"
                }
                ErrorKind::InvalidInput => NO_FILE,
                _ => match error.raw_os_error().map(Errno::from_raw) {
                    // A link, and a socket.
                    Some(Errno::ELOOP | Errno::ENXIO) => NO_FILE,
                    _ => return Err(self.because(&error)),
                },
            },
        };
        Err(Trouble { failure: Failure::failed(format!("{self} {why}")), may_pass: false })
    }

    /// Replaces the content of the file with this text, which begins with [`HEAD`]. False if it is
    /// the same.
    pub(super) fn replace(&self, text: &[u8]) -> Result<bool, Trouble> {
        // One byte more than there should be.
        if self.read(text.len() + 1)? == text {
            return Ok(false);
        }
        // Name servers ignore files whose names begin with a dot.
        let name = self.path.file_name().unwrap_or_default();
        let new = self.path.with_file_name(format!(".{}.new", name.display()));
        // A foghorn that was killed while writing may have left it.
        let _ = fs::remove_file(&new);
        let replaced =
            open_file(&new, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL).and_then(|mut file| {
                // Independent of the umask.
                file.set_permissions(Permissions::from_mode(MODE))?;
                file.write_all(text)?;
                fs::rename(&new, &self.path)
            });
        let Err(error) = replaced else { return Ok(true) };
        let _ = fs::remove_file(&new);
        let can_not =
            [ErrorKind::ResourceBusy, ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied];
        if can_not.contains(&error.kind()) && self.write_in_place(text).is_ok() {
            return Ok(true);
        }
        Err(self.because(&error))
    }

    /// Writes a file that can't be replaced, because it is a mount of its own or its directory is
    /// read-only. A reader may find only a part.
    fn write_in_place(&self, text: &[u8]) -> io::Result<()> {
        let mut file = open_regular(&self.path, OFlags::RDWR | OFlags::NOFOLLOW)?;
        let mut head = [0; HEAD.len()];
        let length = file.read(&mut head)?;
        // Another file may have taken its place.
        if !is_ours(head.get(..length).unwrap_or_default()) {
            return Err(ErrorKind::Other.into());
        }
        file.set_len(0)?;
        file.write_all_at(text, 0)
    }

    fn because(&self, error: &io::Error) -> Trouble {
        let kind = error.kind();
        let advice = match kind {
            ErrorKind::NotFound => {
                ": make its directory first, or choose another path with --follow"
            }
            _ => "",
        };
        Trouble {
            failure: Failure::failed(format!("cannot write {self}: {error}{advice}")),
            may_pass: matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded),
        }
    }
}

const NO_FILE: &str = "is not a file: choose another path with --follow";

/// An empty file may be taken.
fn is_ours(text: &[u8]) -> bool {
    text.is_empty() || text.starts_with(HEAD.as_bytes())
}
