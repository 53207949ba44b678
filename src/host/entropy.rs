//! Random bytes from the kernel.

// For one system call: see fill_randomly.
#![expect(
    unsafe_code,
    reason = "rustix asks the C library for the call on MIPS, which takes 27 kB"
)]

use std::io::{self, Read as _};
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use rustix::fs::OFlags;

use super::errors::reason::refused;
use super::files::regular_file::open_file;

/// Fills a few bytes with values that nobody can guess. It does not wait until the kernel has
/// gathered entropy: a booting router has little.
pub(super) fn fill_randomly(bytes: &mut [u8]) -> io::Result<()> {
    // SAFETY: the kernel writes at most the length it is given, and that is the slice's.
    let count =
        unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), libc::GRND_NONBLOCK) };
    // Linux has the call since 3.17. The file is older, but some containers lack it. The kernel
    // never returns a part of so few bytes.
    Errno::result(count).map(|_| ()).or_else(|errno| {
        let read = open_file(Path::new("/dev/urandom"), OFlags::RDONLY)
            .and_then(|mut file| file.read_exact(bytes));
        read.map_err(|_| refused("getrandom", errno))
    })
}
