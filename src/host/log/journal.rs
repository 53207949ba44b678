//! Finds out whether messages go to systemd's journal.

use std::env;

use nix::sys::stat::fstat;
use rustix::stdio::stderr;

/// Whether standard error is systemd's journal. The journal adds the name of the program itself,
/// and reads the priority of a line from a prefix like `<3>`, sd-daemon(3).
///
/// systemd names the stream that it made by device and inode, systemd.exec(5). A program that was
/// started with another standard error inherits the variable all the same.
pub(crate) fn is_journal() -> bool {
    env::var_os("JOURNAL_STREAM").is_some_and(|named| {
        fstat(stderr()).is_ok_and(|stat| named == *format!("{}:{}", stat.st_dev, stat.st_ino))
    })
}
