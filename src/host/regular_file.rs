//! Opening a file in a directory that others may write to.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::libc::{O_NOCTTY, O_NONBLOCK, c_int};

use super::reason::failure;

/// Opens a regular file, and nothing else: a FIFO that somebody has put in its place keeps nobody
/// waiting, and a terminal takes charge of no process. `flags` are added to those of open(2).
///
/// # Errors
///
/// It can't be opened, or is not a regular file: of the kind `IsADirectory` or `InvalidInput`.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions, flags: c_int) -> io::Result<File> {
    let file = options.custom_flags(O_NONBLOCK | O_NOCTTY | flags).open(path)?;
    // Only what was opened counts: whatever was at that path before may have gone.
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

    use nix::libc::O_NOFOLLOW;
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn only_a_regular_file_is_opened_and_nothing_keeps_it_waiting() {
        let directory = std::env::temp_dir().join(format!("foghorn-regular-{}", std::process::id()));
        // A killed run may have left one.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        let [file, fifo, link] = ["file", "fifo", "link"].map(|name| directory.join(name));
        fs::write(&file, "").unwrap();
        mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let read = |path: &Path, flags| open_regular(path, File::options().read(true), flags).map(drop);
        assert!(read(&file, O_NOFOLLOW).is_ok() && read(&link, 0).is_ok());
        assert!(read(&link, O_NOFOLLOW).is_err() && read(&directory.join("none"), 0).is_err());
        for path in [&fifo, &directory, Path::new("/dev/null")] {
            assert_eq!(read(path, 0).unwrap_err().to_string(), "it is not a regular file", "{path:?}");
        }
        assert!(open_regular(&fifo, File::options().write(true), 0).is_err());
        fs::remove_dir_all(directory).unwrap();
    }
}
