//! Connects to Unix sockets.

use std::ffi::OsStr;
use std::io;

use rustix::net::SocketAddrUnix;
use socket2::{Domain, Socket, Type};

/// Connects to the socket at that path. Writing to it never blocks.
// Kept out of line, since the address takes much of the stack.
#[inline(never)]
pub(crate) fn connect(kind: Type, path: &OsStr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, kind, None)?;
    socket.set_nonblocking(true)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}
