//! Sockets of netlink(7): requests to the kernel, and its answers.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, sendto, socket,
};
use rustix::net::RecvFlags;
use rustix::net::netlink::SocketAddrNetlink;

use super::rtnetlink::{List, request, result_of, split_message};
use crate::host::errors::reason::refused;
use crate::net::LinkId;

/// Requests and their answers.
pub(super) struct Requester {
    /// None after a failure: the rest of that answer would be taken for the answer to the next
    /// request.
    socket: Option<OwnedFd>,
}

impl Requester {
    pub(super) fn new() -> io::Result<Self> {
        let socket = open().map_err(|errno| refused("socket of AF_NETLINK", errno))?;
        Ok(Self { socket: Some(socket) })
    }

    fn request(&mut self, request: &[u8]) -> io::Result<OwnedFd> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => open()?,
        };
        sendto(socket.as_raw_fd(), request, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
        Ok(socket)
    }

    /// Requests all objects of a kind and hands over the body of each message.
    ///
    /// # Errors
    ///
    /// `Interrupted`: objects changed meanwhile, and some may be missing. Otherwise the error of
    /// the kernel or of `each`.
    pub(super) fn dump(
        &mut self,
        buffer: &mut [u8],
        kind: u16,
        family: i32,
        each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let socket = self.request(&request(kind, libc::NLM_F_DUMP, family, LinkId(0)))?;
        let mut list = List::default();
        loop {
            let (messages, is_whole) = receive(&socket, buffer)?;
            if !is_whole {
                // The rest of the message is lost.
                return Err(Errno::EMSGSIZE.into());
            }
            if list.take(messages, each)? {
                self.socket = Some(socket);
                return if list.is_consistent() {
                    Ok(())
                } else {
                    Err(io::ErrorKind::Interrupted.into())
                };
            }
        }
    }

    /// Requests one interface. Returns the beginning of the answer, as much as the buffer holds.
    /// None if there is no such interface.
    pub(super) fn get<'a>(
        &mut self,
        id: LinkId,
        buffer: &'a mut [u8],
    ) -> io::Result<Option<&'a [u8]>> {
        let socket = self.request(&request(libc::RTM_GETLINK, 0, libc::AF_UNSPEC, id))?;
        let (answer, _) = receive(&socket, buffer)?;
        self.socket = Some(socket);
        match split_message(answer) {
            Some((message, _)) if message.kind == libc::NLMSG_ERROR => {
                match result_of(message.body) {
                    Ok(()) | Err(Errno::ENODEV) => Ok(None),
                    Err(errno) => Err(errno.into()),
                }
            }
            message => Ok(message.map(|(message, _)| message.body)),
        }
    }
}

/// Receives an answer of the kernel. Returns it, and whether all of it is in the buffer. This does
/// not wait: the kernel has answered when the request is sent.
fn receive<'a>(socket: &OwnedFd, buffer: &'a mut [u8]) -> io::Result<(&'a [u8], bool)> {
    loop {
        let (received, length, from) =
            match rustix::net::recvfrom(socket, &mut *buffer, RecvFlags::TRUNC) {
                Err(rustix::io::Errno::INTR) => continue,
                received => received?,
            };
        // Other processes can send to this socket; only the kernel has port 0.
        let from = from.and_then(|from| SocketAddrNetlink::try_from(from).ok());
        if from.is_some_and(|from| from.pid() == 0) {
            return Ok((buffer.get(..received).unwrap_or_default(), length == received));
        }
    }
}

pub(super) fn open() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)
}

/// Sends a message that ends a list to a socket. A process that may configure the network can do
/// so; the kernel refuses it to all others.
#[cfg(test)]
pub(super) fn forge(socket: std::os::fd::RawFd) {
    use nix::sys::socket::{getsockname, recv};

    let port = getsockname::<NetlinkAddr>(socket).unwrap().pid();
    assert_ne!(port, 0);
    let sender = open().unwrap();
    let kind = u16::try_from(libc::NLMSG_DONE).unwrap();
    let message = request(kind, 0, libc::AF_INET, LinkId(0));
    let sent = sendto(sender.as_raw_fd(), &message, &NetlinkAddr::new(port, 0), MsgFlags::empty());
    match sent {
        // It waits.
        Ok(_) => assert_eq!(recv(socket, &mut [0], MsgFlags::MSG_PEEK), Ok(1)),
        Err(errno) => assert_eq!(errno, Errno::EPERM),
    }
}

#[cfg(test)]
impl Requester {
    /// Puts a forged answer into the socket's queue, if the kernel allows it.
    pub(super) fn forge_answer(&self) {
        let socket = self.socket.as_ref().unwrap().as_raw_fd();
        nix::sys::socket::bind(socket, &NetlinkAddr::new(0, 0)).unwrap();
        forge(socket);
    }

    /// Makes the next request fail.
    pub(super) fn break_down(&mut self) {
        self.socket = Some(std::fs::File::open("/dev/null").unwrap().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::interfaces::rtnetlink::parse_link;

    #[test]
    fn an_interface_that_is_not_there_is_no_failure() {
        let mut requester = Requester::new().unwrap();
        let mut answer = [0; 3 * 1024];
        assert_eq!(requester.get(LinkId(i32::MAX.cast_unsigned()), &mut answer).unwrap(), None);
        assert!(requester.get(LinkId(1), &mut answer).unwrap().and_then(parse_link).is_some());
    }
}
