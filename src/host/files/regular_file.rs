//! Opens files, even in a directory that other users may write to.
//!
//! This does not use the standard library: one of its errors has a text that `{:?}` could show, and
//! that brings tables of Unicode (3 kB).

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::retry_on_intr;

use crate::host::errors::reason::failure;

/// Opens a file. If it is created, everybody may read and write it as far as the umask allows.
pub(crate) fn open_file(path: &Path, flags: OFlags) -> io::Result<File> {
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH;
    Ok(retry_on_intr(|| open(path, flags | OFlags::CLOEXEC, mode))?.into())
}

/// Reads a whole file.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    open_file(path, OFlags::RDONLY)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a regular file, and nothing else. A FIFO in its place does not block the process, and a
/// terminal does not become its controlling terminal.
///
/// # Errors
///
/// The file cannot be opened, or is not a regular file: then the kind is `IsADirectory` or
/// `InvalidInput`.
pub(crate) fn open_regular(path: &Path, flags: OFlags) -> io::Result<File> {
    let file = open_file(path, flags | OFlags::NONBLOCK | OFlags::NOCTTY)?;
    // Only the opened file counts: another may have been at that path before.
    let opened = file.metadata()?.file_type();
    if opened.is_file() {
        return Ok(file);
    }
    let kind = if opened.is_dir() { ErrorKind::IsADirectory } else { ErrorKind::InvalidInput };
    Err(failure(kind, "it is not a regular file".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::{OFlags, Path, open_regular};
    use crate::scratch::Scratch;

    #[test]
    fn only_a_regular_file_is_opened_and_opening_never_blocks() {
        let directory = Scratch::new("regular");
        let [file, fifo, link] = ["file", "fifo", "link"].map(|name| directory.join(name));
        fs::write(&file, "").unwrap();
        mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let read = |path: &Path, flags| open_regular(path, OFlags::RDONLY | flags).map(drop);
        let (any, no_link) = (OFlags::empty(), OFlags::NOFOLLOW);
        assert!(read(&file, no_link).is_ok() && read(&link, any).is_ok());
        assert!(read(&link, no_link).is_err() && read(&directory.join("none"), any).is_err());
        for path in [&*fifo, &*directory, Path::new("/dev/null")] {
            assert_eq!(
                read(path, any).unwrap_err().to_string(),
                "it is not a regular file",
                "{path:?}"
            );
        }
        assert!(open_regular(&fifo, OFlags::WRONLY).is_err());
    }
}
