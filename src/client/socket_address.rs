//! The address of a Unix socket.

use std::path::Path;

use rustix::io::Errno;
use rustix::net::SocketAddrUnix;

use super::Error;
use super::places::LONGEST;

/// The address of the socket at a path.
pub(crate) fn socket_address(path: &Path) -> Result<SocketAddrUnix, Error> {
    // The kernel takes an empty path as a request to choose an address, and rustix takes one of 108
    // bytes.
    let given = Some(path).filter(|path| (1..=LONGEST).contains(&path.as_os_str().len()));
    // Not by socket2: its error for a long path is text, and to debug-format that brings tables of
    // Unicode.
    given
        .ok_or(Errno::INVAL)
        .and_then(SocketAddrUnix::new)
        .map_err(|errno| Error::InvalidPath { path: path.to_owned(), error: errno.into() })
}
