//! The lines of a reply to `status`, as the daemon writes them; [`contested`](super::contested) is
//! with the other lines that have addresses of nodes.

use core::fmt::{Display, Result, Write};
use core::net::{IpAddr, Ipv4Addr};
use core::num::NonZeroU16;

use super::form::{self, line};
use crate::net::{Network, Networks};
use crate::time::Duration;
use crate::wire::NodeId;

/// The values of the `daemon` line.
#[derive(Clone, Copy, Debug)]
pub struct DaemonLine<'a> {
    /// For how long the daemon has run.
    pub uptime: Duration,
    /// The time between its announcements.
    pub interval: Duration,
    /// The port of the foghorn protocol.
    pub udp_port: u16,
    /// The networks besides those of the interfaces whose nodes are heard.
    pub allowed: &'a [Network],
}

impl DaemonLine<'_> {
    /// Writes the line.
    ///
    /// # Errors
    ///
    /// Fails when `out` does.
    pub fn write(&self, out: &mut impl Write) -> Result {
        let values: [&dyn Display; 5] = [
            &env!("CARGO_PKG_VERSION"),
            &self.uptime.secs(),
            &self.interval.secs(),
            &self.udp_port,
            &Networks(self.allowed),
        ];
        line(out, "daemon", form::DAEMON, &values)
    }
}

/// The values of the `registry` line.
#[derive(Clone, Copy, Debug)]
pub struct RegistryLine {
    /// The places in use.
    pub used: usize,
    /// The places that there are.
    pub capacity: usize,
    /// Nodes that were found.
    pub found: u64,
    /// Known nodes that were found to be at another address.
    pub moved: u64,
    /// Nodes that began to speak at two addresses.
    pub contested: u64,
    /// Nodes that expired or gave way to a newcomer.
    pub lost: u64,
}

impl RegistryLine {
    /// Writes the line.
    ///
    /// # Errors
    ///
    /// Fails when `out` does.
    pub fn write(&self, out: &mut impl Write) -> Result {
        let Self { used, capacity, found, moved, contested, lost } = self;
        line(out, "registry", form::REGISTRY, &[used, capacity, found, moved, contested, lost])
    }
}

/// The values of the `datagrams` line.
#[derive(Clone, Copy, Debug)]
pub struct DatagramsLine {
    /// Datagrams that were received.
    pub received: u64,
    /// Those among them that named one of our own nodes.
    pub own: u64,
    /// Datagrams that were sent.
    pub sent: u64,
    /// Times that newcomers were answered.
    pub answers: u64,
}

impl DatagramsLine {
    /// Writes the line.
    ///
    /// # Errors
    ///
    /// Fails when `out` does.
    pub fn write(&self, out: &mut impl Write) -> Result {
        let Self { received, own, sent, answers } = self;
        line(out, "datagrams", form::DATAGRAMS, &[received, own, sent, answers])
    }
}

/// `rejected`: how many datagrams were rejected for each reason.
///
/// # Errors
///
/// Fails when `out` does.
pub fn rejected<R: Display>(
    out: &mut impl Write,
    reasons: impl Iterator<Item = (R, u64)>,
) -> Result {
    out.write_str("rejected")?;
    for (reason, count) in reasons {
        write!(out, " {reason}={count}")?;
    }
    out.write_str("\n")
}

/// `host_name`: the daemon has to announce this machine by its name, and can't at present.
///
/// # Errors
///
/// Fails when `out` does.
pub fn host_name(out: &mut impl Write, name: impl Display) -> Result {
    line(out, "host_name", form::HOST_NAME, &[&name, &"waiting"])
}

/// `own`: a node that the daemon announces, and its port.
///
/// # Errors
///
/// Fails when `out` does.
pub fn own(out: &mut impl Write, id: &NodeId, port: NonZeroU16) -> Result {
    line(out, "own", form::OWN, &[id, &port])
}

/// `rival`: another host that announces a node which the daemon announces. `age` is how long ago it
/// was last heard.
///
/// # Errors
///
/// Fails when `out` does.
pub fn rival(out: &mut impl Write, id: &NodeId, address: IpAddr, age: Duration) -> Result {
    line(out, "rival", form::RIVAL, &[id, &address, &age.secs()])
}

/// The values of an `interface` line: an interface in use.
#[derive(Clone, Copy)]
pub struct InterfaceLine<'a> {
    /// Its name.
    pub name: &'a dyn Display,
    /// Our own addresses there, each with its network.
    pub networks: &'a [Network],
    /// `up` while it works, else what is wrong.
    pub state: &'a str,
    /// Datagrams that were received there.
    pub received: u64,
    /// Datagrams that the kernel dropped there.
    pub dropped: u64,
    /// Datagrams that were sent there.
    pub sent: u64,
    /// Datagrams that could not be sent there.
    pub send_errors: u64,
}

impl InterfaceLine<'_> {
    /// Writes the line.
    ///
    /// # Errors
    ///
    /// Fails when `out` does.
    pub fn write(&self, out: &mut impl Write) -> Result {
        let first = self.networks.first();
        let values: [&dyn Display; 8] = [
            self.name,
            &first.map_or(Ipv4Addr::UNSPECIFIED, |network| network.address()),
            &Networks(self.networks),
            &self.state,
            &self.received,
            &self.dropped,
            &self.sent,
            &self.send_errors,
        ];
        line(out, "interface", form::INTERFACE, &values)
    }
}

/// `expected`: a node that the daemon reserves a place for, and whether it is known.
///
/// # Errors
///
/// Fails when `out` does.
pub fn expected(out: &mut impl Write, id: &NodeId, is_known: bool) -> Result {
    line(out, "expected", form::EXPECTED, &[id, if is_known { &"known" } else { &"missing" }])
}
