//! What the kernel says of the network: which interfaces there are, and that something changed.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use heapless::Vec;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvfrom, sendto, socket,
};

use super::interface::Interface;
use super::reason::refused;
use super::rtnetlink::{dump_request, error_of, parse_address, parse_link, split_message};
use crate::limits::NETWORKS_PER_LINK;
use crate::network::Network;
use crate::registry::LinkId;

/// Interfaces with an IPv4 address that are looked at; more are passed over.
const INTERFACES: usize = 64;

/// Addresses of all of them that are looked at. Few interfaces have more than one.
const ADDRESSES: usize = 64;

/// Addresses of one interface that are looked at: one more than count, to tell that there are too many.
const ADDRESSES_PER_INTERFACE: usize = NETWORKS_PER_LINK + 1;

/// The kernel fills no more than a page or this with messages, unless one alone is longer: a link's takes less than 2 KiB, when its
/// virtual functions are not asked for.
pub(super) const BUFFER: usize = 8 * 1024;

/// All interfaces that have an IPv4 address. It is on the stack, so the addresses, of which most interfaces have one, share their room.
#[derive(Default)]
pub(super) struct Interfaces {
    list: Vec<Interface, INTERFACES>,
    networks: Vec<(LinkId, Network), ADDRESSES>,
}

impl Interfaces {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Interface> {
        self.list.iter()
    }

    /// The addresses of an interface with their networks, in the kernel's order: what is broadcast there comes from the first.
    pub(super) fn networks(&self, id: LinkId) -> Vec<Network, ADDRESSES_PER_INTERFACE, u8> {
        let networks = self.networks.iter().filter(|(link, _)| *link == id);
        networks.map(|(_, network)| *network).take(ADDRESSES_PER_INTERFACE).collect()
    }

    fn add_network(&mut self, id: LinkId, network: Network) {
        let known = self.networks.iter().filter(|(link, _)| *link == id);
        if known.count() < ADDRESSES_PER_INTERFACE {
            let _ = self.networks.push((id, network));
        }
    }
}

/// A socket that becomes readable when a link or an IPv4 address comes, goes or changes.
pub(super) struct Monitor {
    fd: OwnedFd,
}

impl Monitor {
    pub(super) fn new() -> io::Result<Self> {
        let fd = open(SockFlag::SOCK_NONBLOCK).map_err(|errno| refused("socket of AF_NETLINK", errno))?;
        let groups = libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, u32::try_from(groups).unwrap_or(0)))
            .map_err(|errno| refused("bind of AF_NETLINK", errno))?;
        Ok(Self { fd })
    }

    /// Takes in all that waits. True if the kernel said that something changed.
    pub(super) fn drain(&self) -> bool {
        let mut changed = false;
        // The messages themselves do not matter, only that there are some: one byte of each is enough.
        let mut byte = [0];
        loop {
            match recvfrom::<NetlinkAddr>(self.fd.as_raw_fd(), &mut byte) {
                // Other processes can send to this socket; only the kernel has port 0.
                Ok((_, from)) => changed |= from.is_some_and(|from| from.pid() == 0),
                Err(Errno::EAGAIN) => return changed,
                Err(Errno::EINTR) => {}
                // Messages were lost, so something changed.
                Err(Errno::ENOBUFS) => changed = true,
                Err(_) => return true,
            }
        }
    }

    pub(super) fn raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// Asks the kernel for all interfaces that have an IPv4 address.
pub(super) struct Inquiry {
    /// None after a failure: what is left of that answer would be taken for the one to the next question.
    fd: Option<OwnedFd>,
}

impl Inquiry {
    pub(super) fn new() -> io::Result<Self> {
        let fd = open(SockFlag::empty()).map_err(|errno| refused("socket of AF_NETLINK", errno))?;
        Ok(Self { fd: Some(fd) })
    }

    /// Asks, and adds those that there are. The buffer is for what the kernel says.
    pub(super) fn interfaces(
        &mut self,
        buffer: &mut [u8; BUFFER],
        interfaces: &mut Interfaces,
    ) -> io::Result<()> {
        // Few interfaces have addresses, though a container host may have hundreds: addresses first.
        self.dump(buffer, libc::RTM_GETADDR, &mut |body| {
            if let Some((id, network)) = parse_address(body) {
                interfaces.add_network(id, network);
            }
        })?;
        let Interfaces { list, networks } = interfaces;
        self.links(buffer, &mut |interface| {
            if networks.iter().any(|(id, _)| *id == interface.id) {
                let _ = list.push(interface);
            }
        })
    }

    /// Asks, and hands over each interface, also those without an address.
    pub(super) fn links(
        &mut self,
        buffer: &mut [u8; BUFFER],
        each: &mut dyn FnMut(Interface),
    ) -> io::Result<()> {
        self.dump(buffer, libc::RTM_GETLINK, &mut |body| {
            if let Some(interface) = parse_link(body) {
                each(interface);
            }
        })
    }

    /// Asks for all objects of a kind and hands over the body of each message.
    fn dump(
        &mut self,
        buffer: &mut [u8; BUFFER],
        request: u16,
        each: &mut dyn FnMut(&[u8]),
    ) -> io::Result<()> {
        let fd = match self.fd.take() {
            Some(fd) => fd,
            None => open(SockFlag::empty())?,
        };
        sendto(fd.as_raw_fd(), &dump_request(request), &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
        loop {
            let (length, from) = match recvfrom::<NetlinkAddr>(fd.as_raw_fd(), buffer) {
                Err(Errno::EINTR) => continue,
                received => received?,
            };
            if from.is_none_or(|from| from.pid() != 0) {
                continue;
            }
            let mut messages = buffer.get(..length).unwrap_or_default();
            while let Some((kind, body, rest)) = split_message(messages) {
                match i32::from(kind) {
                    libc::NLMSG_DONE => {
                        self.fd = Some(fd);
                        return Ok(());
                    }
                    libc::NLMSG_ERROR => return Err(error_of(body)),
                    _ => each(body),
                }
                messages = rest;
            }
        }
    }
}

fn open(flags: SockFlag) -> nix::Result<OwnedFd> {
    let flags = flags | SockFlag::SOCK_CLOEXEC;
    socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use nix::net::if_::InterfaceFlags;
    use nix::sys::socket::{getsockname, recv};

    /// Sends a message that ends a list to a socket, as a process can that may configure the network. The kernel refuses it to all
    /// others.
    fn forge(socket: RawFd) {
        let port = getsockname::<NetlinkAddr>(socket).unwrap().pid();
        assert_ne!(port, 0);
        let sender = open(SockFlag::empty()).unwrap();
        let message = dump_request(u16::try_from(libc::NLMSG_DONE).unwrap());
        let sent = sendto(sender.as_raw_fd(), &message, &NetlinkAddr::new(port, 0), MsgFlags::empty());
        match sent {
            // It waits.
            Ok(_) => assert_eq!(recv(socket, &mut [0], MsgFlags::MSG_PEEK), Ok(1)),
            Err(errno) => assert_eq!(errno, Errno::EPERM),
        }
    }

    #[test]
    fn only_what_the_kernel_says_is_a_reason_to_look() {
        let monitor = Monitor::new().unwrap();
        forge(monitor.raw_fd());
        assert!(!monitor.drain());
        // It was taken in all the same, and does not make the socket readable for ever.
        assert_eq!(recv(monitor.raw_fd(), &mut [0], MsgFlags::MSG_PEEK), Err(Errno::EAGAIN));
    }

    #[test]
    fn only_what_the_kernel_says_is_an_answer() {
        let mut inquiry = Inquiry::new().unwrap();
        let socket = inquiry.fd.as_ref().unwrap().as_raw_fd();
        bind(socket, &NetlinkAddr::new(0, 0)).unwrap();
        forge(socket);
        let mut interfaces = Interfaces::default();
        inquiry.interfaces(&mut [0; BUFFER], &mut interfaces).unwrap();
        assert!(interfaces.iter().any(|interface| interface.name.as_bytes() == b"lo"));
    }

    #[test]
    fn the_kernel_lists_loopback() {
        let mut interfaces = Interfaces::default();
        Inquiry::new().unwrap().interfaces(&mut [0; BUFFER], &mut interfaces).unwrap();
        let lo = interfaces
            .iter()
            .find(|interface| interface.name.as_bytes() == b"lo")
            .expect("lo has an address");
        assert_eq!(interfaces.networks(lo.id).first(), Some(&"127.0.0.1/8".parse().unwrap()));
        assert!(lo.flags.contains(InterfaceFlags::IFF_LOOPBACK));
    }

    #[test]
    fn after_a_failure_it_asks_anew() {
        let list = |inquiry: &mut Inquiry| {
            let mut interfaces = Interfaces::default();
            inquiry.interfaces(&mut [0; BUFFER], &mut interfaces).map(|()| interfaces.iter().count())
        };
        let mut inquiry = Inquiry::new().unwrap();
        let interfaces = list(&mut inquiry).unwrap();
        // What can't be asked is as good as what does not answer.
        inquiry.fd = Some(std::fs::File::open("/dev/null").unwrap().into());
        list(&mut inquiry).unwrap_err();
        assert_eq!(list(&mut inquiry).unwrap(), interfaces);
    }

    #[test]
    fn an_unprivileged_process_can_watch() {
        assert!(!Monitor::new().unwrap().drain());
    }

    #[test]
    fn an_interface_with_many_addresses_leaves_room_for_others() {
        let mut interfaces = Interfaces::default();
        let network =
            |number: usize| Network::new(Ipv4Addr::new(10, 0, 0, u8::try_from(number).unwrap()), 24);
        for number in 0..2 * ADDRESSES {
            interfaces.add_network(LinkId(1), network(number).unwrap());
        }
        interfaces.add_network(LinkId(2), network(99).unwrap());
        let told: Vec<_, ADDRESSES_PER_INTERFACE, u8> =
            (0..ADDRESSES_PER_INTERFACE).filter_map(network).collect();
        assert_eq!(interfaces.networks(LinkId(1)), told);
        assert_eq!(interfaces.networks(LinkId(2)).len(), 1);
        assert!(interfaces.networks(LinkId(3)).is_empty());
    }
}
