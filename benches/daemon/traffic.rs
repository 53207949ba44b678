//! Datagrams, sent no faster than they are taken.

use std::fs;
use std::hint;
use std::net::{Ipv4Addr, UdpSocket};

use crate::announcement::{announcement, neighbour};
use crate::process::Process;

/// Datagrams sent at once. A socket's buffer holds some 250, foghorn's some 300.
pub(crate) const BURST: u32 = 32;

pub(crate) struct Sender {
    socket: UdpSocket,
    sent_in_burst: u32,
}

impl Sender {
    pub(crate) fn to(port: u16) -> Self {
        Self::between(Ipv4Addr::LOCALHOST, port)
    }

    /// As a host with that address, one of 127.0.0.0/8, would.
    pub(crate) fn between(source: Ipv4Addr, port: u16) -> Self {
        let socket = UdpSocket::bind((source, 0)).unwrap();
        socket.connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        Self { socket, sent_in_burst: 0 }
    }

    pub(crate) fn send(&self, datagram: &[u8]) {
        self.socket.send(datagram).unwrap();
    }

    /// Sends, and after each burst waits until all of it was taken.
    pub(crate) fn send_in_bursts(&mut self, datagram: &[u8], receiver: &Process) {
        self.send(datagram);
        self.sent_in_burst += 1;
        if self.sent_in_burst == BURST {
            wait_until_taken(receiver);
            self.sent_in_burst = 0;
        }
    }
}

/// A receiver on loopback is awake from the moment a datagram is sent to it, and sleeps when it has
/// taken all.
pub(crate) fn wait_until_taken(receiver: &Process) {
    while !receiver.is_asleep() {
        hint::spin_loop();
    }
}

/// Datagrams that the kernel dropped at the sockets with that port: for want of room, and at the
/// daemon's also the foreign ones.
pub(crate) fn dropped(port: u16) -> u64 {
    sockets(port).iter().sum()
}

/// Whether there is a socket with that port.
pub(crate) fn is_open(port: u16) -> bool {
    !sockets(port).is_empty()
}

/// How many datagrams the kernel dropped at each socket with that port.
fn sockets(port: u16) -> Vec<u64> {
    let table = fs::read_to_string("/proc/net/udp").unwrap();
    let local = format!(":{port:04X}");
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[1].ends_with(&local)).map(|row| row[12].parse().unwrap()).collect()
}

/// The announcements of 32 neighbours, as many as may come from one address.
pub(crate) fn neighbours() -> Vec<Vec<u8>> {
    (0..32).map(|number| announcement(&neighbour(number))).collect()
}
