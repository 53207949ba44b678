//! The hosts file, which is replaced as a whole: who reads it finds all of it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::cli::Failure;

/// The first line. A file that begins otherwise is somebody else's.
const HEAD: &str = "# kept by foghorn hosts --follow: what is changed here is lost\n";

/// Everybody may read it: name servers seldom run as root.
const MODE: u32 = 0o644;

/// Has the file contain these lines. False if it did before.
pub(super) fn replace(path: &Path, lines: &str) -> Result<bool, Failure> {
    let text = format!("{HEAD}{lines}");
    if contains(path, &text)? {
        return Ok(false);
    }
    // Name servers pass over files whose names begin with a dot.
    let new = path.with_file_name(format!(".{}.new", path.file_name().unwrap_or_default().display()));
    // What a foghorn left that was ended just then.
    let _ = fs::remove_file(&new);
    write(&new, &text).and_then(|()| fs::rename(&new, path)).map_err(|error| {
        let _ = fs::remove_file(&new);
        because(path, &error)
    })?;
    Ok(true)
}

/// Whether that is what the file contains. What is not foghorn's stays what it is.
fn contains(path: &Path, text: &str) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Ok(metadata) if !metadata.is_file() => return Err(in_the_way(path, "is no file")),
        _ => {}
    }
    // One byte more than there should be.
    let mut buffer = vec![0; text.len() + 1];
    let length = File::open(path).and_then(|mut file| file.read(&mut buffer));
    buffer.truncate(length.map_err(|error| because(path, &error))?);
    if !buffer.is_empty() && !buffer.starts_with(HEAD.as_bytes()) {
        return Err(in_the_way(path, "is not foghorn's"));
    }
    Ok(buffer == text.as_bytes())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    // Whatever the umask.
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(text.as_bytes())
}

fn in_the_way(path: &Path, what: &str) -> Failure {
    let path = path.display();
    Failure::failed(format!("{path} is in the way and {what}: remove it or give another path with --follow"))
}

fn because(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    let advice = match error.kind() {
        io::ErrorKind::NotFound => ": make its directory first, or give another path with --follow",
        _ => "",
    };
    Failure::failed(format!("cannot write {path}: {error}{advice}"))
}
