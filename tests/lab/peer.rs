//! A node without foghorn: it broadcasts recorded bytes once and prints each datagram that it
//! receives.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;

use crate::common::{TIMEOUT, undisturbed};
use crate::role::Role;

/// The protocol's port.
pub(crate) const PORT: u16 = 21025;

pub(crate) struct Peer(Role);

impl Peer {
    /// Starts `program`, which is this test program in some namespace, and waits until it listens
    /// and has sent `datagram`.
    pub(crate) fn start(program: Command, datagram: &[u8]) -> Self {
        let mut role = Role::start(program, "peer::recorded_node", datagram);
        role.end_input();
        role.lines.wait_for("heard: ready");
        Self(role)
    }

    /// The process id.
    pub(crate) fn process(&self) -> u32 {
        self.0.process()
    }

    /// Waits until it has heard each of these, in any order: a `NodeID` and an IP address.
    pub(crate) fn wait_for_all<const N: usize>(&self, expected: [&str; N]) {
        let mut missing = Vec::from(expected);
        while !missing.is_empty() {
            let line = self.0.lines.wait_for("heard: ");
            missing.retain(|expected| line != format!("heard: {expected}"));
        }
    }
}

#[test]
#[ignore = "no test: the lab runs it as the node of another host"]
fn recorded_node() {
    let mut datagram = vec![];
    std::io::stdin().read_to_end(&mut datagram).unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).unwrap();
    socket.set_broadcast(true).unwrap();
    socket.set_read_timeout(Some(TIMEOUT)).unwrap();
    // It has no route, and needs none for its own network.
    socket.send_to(&datagram, (Ipv4Addr::new(198, 18, 0, 255), PORT)).unwrap();
    println!("heard: ready");
    let mut buffer = [0; 2048];
    while let Ok((length, SocketAddr::V4(from))) = undisturbed(|| socket.recv_from(&mut buffer)) {
        if let Some(id) = node_id(&buffer[..length]) {
            println!("heard: {id} {}", from.ip());
        }
    }
}

/// As the first implementation parses it: the length counts, later bytes do not.
fn node_id(datagram: &[u8]) -> Option<String> {
    let (header, rest) = datagram.split_first_chunk::<8>()?;
    let [0, 0x12, 0x10, 0x25, _, _, high, low] = *header else { return None };
    String::from_utf8(rest.get(..usize::from(u16::from_be_bytes([high, low])))?.to_vec()).ok()
}
