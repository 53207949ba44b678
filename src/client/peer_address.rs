//! The address of a node, as a program's configuration has it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use super::address::in_zone;
use super::{Client, Error};
use crate::control::{InvalidAddress, read_address};

/// The word for an address that the daemon is asked for.
const DYNAMIC: &str = "dynamic";

/// How to reach a node, as a program's configuration has it: `198.18.0.2:22000`,
/// `[2001:db8::2]:22000` or `[fe80::2%eth0]:22000`, or `dynamic` to ask the daemon.
///
/// A host name is none of these. It is an error when the program reads its configuration, and
/// foghorn never looks it up in DNS. The interface of a link-local address has to exist at that
/// time.
///
/// ```
/// use foghorn::client::{Client, PeerAddress};
///
/// let fixed: PeerAddress = "198.18.0.2:22000".parse()?;
/// // No daemon is asked.
/// assert_eq!(fixed.resolve("nas", Client::connect)?, Some("198.18.0.2:22000".parse()?));
/// assert_eq!("dynamic".parse(), Ok(PeerAddress::Dynamic));
/// assert!("nas.local:22000".parse::<PeerAddress>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAddress {
    /// It is always at this address.
    Fixed(SocketAddr),
    /// It is where the daemon knows it to be.
    Dynamic,
}

/// Why text is not a [`PeerAddress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidPeerAddress {
    /// It does not have the form of one.
    Form,
    /// It is a link-local IPv6 address that does not name its interface.
    NoInterface,
    /// The interface that it names does not exist now.
    UnknownInterface,
}

impl PeerAddress {
    /// Where the node with that name is; `None` if it is not known now. Only for a
    /// [`Dynamic`](Self::Dynamic) address it calls `connect`, like [`Client::connect`], and asks.
    ///
    /// # Errors
    ///
    /// As [`Client::lookup`]. A [`Fixed`](Self::Fixed) address is never an error.
    pub fn resolve(
        self,
        name: &str,
        connect: impl FnOnce() -> Result<Client, Error>,
    ) -> Result<Option<SocketAddr>, Error> {
        match self {
            Self::Fixed(address) => Ok(Some(address)),
            Self::Dynamic => {
                Ok(connect()?.lookup(name)?.and_then(|node| node.addresses.first().copied()))
            }
        }
    }
}

impl FromStr for PeerAddress {
    type Err = InvalidPeerAddress;

    fn from_str(text: &str) -> Result<Self, InvalidPeerAddress> {
        if text == DYNAMIC {
            return Ok(Self::Dynamic);
        }
        let (address, zone) = read_address(text).map_err(|invalid| match invalid {
            InvalidAddress::Form => InvalidPeerAddress::Form,
            InvalidAddress::NoZone => InvalidPeerAddress::NoInterface,
        })?;
        let address = in_zone(address, zone).ok().flatten();
        address.map(Self::Fixed).ok_or(InvalidPeerAddress::UnknownInterface)
    }
}

/// As it is read. An interface is written as its number.
impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(address) => address.fmt(f),
            Self::Dynamic => f.pad(DYNAMIC),
        }
    }
}

impl fmt::Display for InvalidPeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => {
                "an address is like 198.18.0.2:22000 or [2001:db8::2]:22000, or the word dynamic; \
                 host names are not looked up"
            }
            Self::NoInterface => {
                "a link-local address needs its interface, like [fe80::2%eth0]:22000"
            }
            Self::UnknownInterface => {
                "the interface of this address does not exist: ip link shows those that do"
            }
        })
    }
}

impl std::error::Error for InvalidPeerAddress {}
