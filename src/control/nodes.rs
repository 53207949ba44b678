//! The lines about nodes and events, as the daemon writes them.

use core::fmt::{Display, Formatter, Result, Write};
use core::net::SocketAddr;

use super::address::Address;
use super::form::{self, fill, line};
use crate::time::Duration;
use crate::wire::NodeId;

/// All addresses of a node: the one with that number, from 0 on, until there are no more. The
/// preferred one comes first.
pub type Addresses<'a> = &'a dyn Fn(usize) -> Option<Address<'a>>;

/// The values of a `node` line: all that the daemon knows of a node.
#[derive(Clone, Copy)]
pub struct NodeLine<'a> {
    /// The node's name.
    pub id: &'a NodeId,
    /// Where it can be reached.
    pub addresses: Addresses<'a>,
    /// How long ago it was last heard.
    pub age: Duration,
    /// For how long it has been known.
    pub known: Duration,
    /// In what time it will be forgotten unless it is heard again.
    pub expires_in: Duration,
    /// How often it was heard since it is known.
    pub heard: u32,
    /// Whether several of its addresses speak.
    pub contested: bool,
    /// Whether the daemon announces it, for this machine itself.
    pub own: bool,
}

impl NodeLine<'_> {
    /// Writes a `node` line, or of an own node an `own` line. A node that has IPv6 addresses alone
    /// has a `node6` or `own6` line. It writes nothing for a node without an address.
    ///
    /// # Errors
    ///
    /// Fails when `out` does.
    pub fn write(&self, out: &mut impl Write) -> Result {
        let [v4, v6] = families(self.addresses);
        let Some(first) = v4.first().or_else(|| v6.first()) else { return Ok(()) };
        let (main, kind) = match (first.socket, self.own) {
            (SocketAddr::V4(_), false) => (&v4, "node"),
            (SocketAddr::V4(_), true) => (&v4, "own"),
            (SocketAddr::V6(_), false) => (&v6, "node6"),
            (SocketAddr::V6(_), true) => (&v6, "own6"),
        };
        let values: [&dyn Display; 9] = [
            self.id,
            main,
            first.interface,
            &self.age.secs(),
            &self.known.secs(),
            &self.expires_in.secs(),
            &self.heard,
            if self.contested { &"yes" } else { &"no" },
            &"yes",
        ];
        // Only own nodes have the last key.
        let count = if self.own { 9 } else { 8 };
        out.write_str(kind)?;
        fill(out, form::NODE, values.get(..count).unwrap_or_default())?;
        if first.socket.is_ipv4() && v6.first().is_some() {
            fill(out, form::ADDRESSES6, &[&v6])?;
        }
        out.write_str("\n")
    }
}

/// The IPv4 addresses and the IPv6 addresses.
const fn families(addresses: Addresses<'_>) -> [List<'_>; 2] {
    [List { addresses, is_v6: false }, List { addresses, is_v6: true }]
}

/// The addresses of one family, with commas between.
struct List<'a> {
    addresses: Addresses<'a>,
    is_v6: bool,
}

impl<'a> List<'a> {
    fn iter(&self) -> impl Iterator<Item = Address<'a>> + use<'a> {
        let (addresses, is_v6) = (self.addresses, self.is_v6);
        let all = (0..).map_while(addresses);
        all.filter(move |address| address.socket.is_ipv6() == is_v6)
    }

    fn first(&self) -> Option<Address<'a>> {
        self.iter().next()
    }
}

impl Display for List<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.iter().enumerate().try_for_each(|(number, address)| {
            write!(f, "{}{address}", if number == 0 { "" } else { "," })
        })
    }
}

/// The values of an event line: something happened to a node.
#[derive(Clone, Copy)]
pub struct EventLine<'a> {
    /// `known`, `found`, `moved`, `contested` or `lost`.
    pub kind: &'a str,
    /// The node's name.
    pub id: &'a NodeId,
    /// Where it is; of a lost one, where it was.
    pub address: Address<'a>,
    /// The other address of a contested one. It is of the same family.
    pub rival: Option<Address<'a>>,
}

impl EventLine<'_> {
    /// Writes the line. A `6` follows its kind if the address is of IPv6.
    ///
    /// # Errors
    ///
    /// Fails when `out` does.
    pub fn write(&self, out: &mut impl Write) -> Result {
        out.write_str(self.kind)?;
        let six = if self.address.socket.is_ipv6() { "6" } else { "" };
        let place = [self.id as &dyn Display, &self.address, self.address.interface];
        match &self.rival {
            None => line(out, six, form::EVENT, &place),
            Some(rival) => {
                let [id, address, interface] = place;
                line(out, six, form::EVENT, &[id, address, interface, rival])
            }
        }
    }
}

/// `contested` in the reply to `status`: a node that speaks at several addresses. It has a line for
/// each family of these.
///
/// # Errors
///
/// Fails when `out` does.
pub fn contested(out: &mut impl Write, id: &NodeId, addresses: Addresses<'_>) -> Result {
    let [v4, v6] = families(addresses);
    for (list, kind) in [(v4, "contested"), (v6, "contested6")] {
        if list.first().is_some() {
            line(out, kind, form::CONTESTED, &[id, &list])?;
        }
    }
    Ok(())
}
