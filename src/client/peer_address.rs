//! The address of a node, as a program's configuration has it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use super::{Client, Error};
use crate::wire::NodeId;

/// The word for an address that is to be looked up.
const DYNAMIC: &str = "dynamic";

/// How a node is to be reached, as a program's configuration has it: `198.18.0.2:22000`, or
/// `dynamic` if the daemon is to be asked.
///
/// A host name is neither: it is refused when the configuration is read, and nothing is ever looked
/// up in DNS.
///
/// ```
/// use foghorn::client::{Client, PeerAddress};
/// use foghorn::wire::NodeId;
///
/// let nas = NodeId::try_from("nas")?;
/// let fixed: PeerAddress = "198.18.0.2:22000".parse()?;
/// // No daemon is asked.
/// assert_eq!(fixed.resolve(&nas, Client::connect)?, Some("198.18.0.2:22000".parse()?));
/// assert_eq!("dynamic".parse(), Ok(PeerAddress::Dynamic));
/// assert!("nas.local:22000".parse::<PeerAddress>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAddress {
    /// It is always there.
    Fixed(SocketAddr),
    /// It is where the daemon says.
    Dynamic,
}

/// A text is no [`PeerAddress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPeerAddress;

impl PeerAddress {
    /// Where the node with that name is; `None` if that is not known now. Only for a
    /// [`Dynamic`](Self::Dynamic) address it `connect`s and asks: by [`Client::connect`], or as the
    /// program was told to.
    ///
    /// # Errors
    ///
    /// The daemon gives no answer. For a [`Fixed`](Self::Fixed) address there is none.
    pub fn resolve(
        self,
        id: &NodeId,
        connect: impl FnOnce() -> Result<Client, Error>,
    ) -> Result<Option<SocketAddr>, Error> {
        match self {
            Self::Fixed(address) => Ok(Some(address)),
            Self::Dynamic => {
                Ok(connect()?.lookup(id)?.and_then(|node| node.addresses.first().copied()))
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
        let address = text.parse().ok().filter(|address: &SocketAddr| address.port() != 0);
        address.map(Self::Fixed).ok_or(InvalidPeerAddress)
    }
}

/// As it is read.
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
        f.write_str("an address is like 198.18.0.2:22000, or the word dynamic; host names are not looked up")
    }
}

impl std::error::Error for InvalidPeerAddress {}
