//! A UDP socket on one interface.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};

use super::filter::{self, Dropped};
use crate::host::interfaces::interface::InterfaceName;
use crate::limits::RECEIVE_BUFFER;
use crate::log::{Shown, debug};

/// A socket that receives and sends on one interface only.
pub(crate) struct LinkSocket {
    socket: UdpSocket,
    dropped: Dropped,
}

impl LinkSocket {
    /// Opens a socket for all addresses of the interface. It may need a privilege, see
    /// [`is_permitted`].
    pub(crate) fn open(interface: &InterfaceName, port: u16) -> io::Result<Self> {
        let socket = bound(interface, Ipv4Addr::UNSPECIFIED, port)?;
        Ok(Self { socket: UdpSocket::from_std(socket.into()), dropped: Dropped::default() })
    }

    /// The number of datagrams that the kernel has dropped here.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.get(&self.socket)
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    /// Receives one datagram: returns its length in `buffer`, and its source.
    pub(super) fn receive(
        &mut self,
        buffer: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), io::Error> {
        self.socket.recv_from(buffer).map_err(would_block)
    }

    pub(super) fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> nb::Result<(), io::Error> {
        self.socket.send_to(datagram, to).map(|_| ()).map_err(would_block)
    }
}

/// Whether the process has the privileges for a socket at that port. This opens a socket on
/// loopback, at the broadcast address: all sockets there receive each datagram, so that no other
/// program misses one.
pub(crate) fn is_permitted(port: u16) -> bool {
    let tried =
        InterfaceName::new(b"lo").map(|loopback| bound(&loopback, Ipv4Addr::BROADCAST, port));
    !tried.is_some_and(|tried| {
        tried.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    })
}

/// A socket bound to a device receives what arrives there and broadcasts there whatever the routes
/// say, and other processes on this machine may receive the same. Since Linux 5.7 that needs no
/// privilege.
fn bound(interface: &InterfaceName, address: Ipv4Addr, port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    // Before the socket is bound, so that no foreign datagram is queued.
    if filter::attach(&socket).is_err() {
        debug!(
            "{}: this kernel does not filter foreign datagrams; foghorn rejects them itself",
            Shown(interface)
        );
    }
    socket.bind(&SocketAddrV4::new(address, port).into())?;
    Ok(socket)
}

fn would_block(error: io::Error) -> nb::Error<io::Error> {
    if error.kind() == io::ErrorKind::WouldBlock {
        nb::Error::WouldBlock
    } else {
        nb::Error::Other(error)
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket as Sender;

    use super::*;

    #[test]
    fn the_queue_is_bounded_and_datagrams_without_room_are_counted() {
        const SENT: u64 = 5000;
        let mut socket = LinkSocket::open(&InterfaceName::new(b"lo").unwrap(), 0).unwrap();
        let to = (Ipv4Addr::LOCALHOST, socket.socket.local_addr().unwrap().port());
        let sender = Sender::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        for _ in 0..SENT {
            sender.send_to(b"\x00\x12\x10\x25\x55\xf0\x00\x02pi", to).unwrap();
        }
        let mut waited = 0;
        while socket.receive(&mut [0; 64]).is_ok() {
            waited += 1;
        }
        assert!((200..2000).contains(&waited), "{waited} were queued");
        // An emulator may not report the number.
        let dropped = socket.dropped();
        assert!(
            dropped == SENT - waited || dropped == 0,
            "{waited} were queued, {dropped} were dropped"
        );
    }
}
