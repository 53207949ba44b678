//! The size of a program on the disk.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::output;

pub(crate) fn size(file: &Path) -> u64 {
    fs::metadata(file).unwrap().len()
}

/// The size of the file without the parts that only debuggers need.
pub(crate) fn stripped_size(file: &Path) -> u64 {
    let stripped = Path::new("/run/stripped");
    let status = Command::new("strip").arg("-o").args([stripped, file]).status();
    assert!(status.is_ok_and(|status| status.success()), "strip failed");
    size(stripped)
}

/// The files of the shared libraries that are loaded with it, the loader among them.
pub(crate) fn libraries(file: &Path) -> BTreeSet<PathBuf> {
    let told = output("ldd", &[file.to_str().unwrap()]).unwrap();
    // As "libc.so.6 => /lib/libc.so.6 (0x7f...)" or "/lib64/ld-linux-x86-64.so.2 (0x7f...)"; the
    // kernel's has no file.
    let paths =
        told.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    paths.map(|path| fs::canonicalize(path).unwrap()).collect()
}
