//! What the daemon tells of nodes, read from the lines of its replies.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use super::Error;
use crate::control::{Fields, split};
use crate::limits::CLIENT_ADDRESSES;
use crate::wire::NodeId;

/// All that the daemon knows of a node, at the time it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// Its name.
    pub id: NodeId,
    /// Where it can be reached: at the first, else at the others, the one heard last first. There
    /// is at least one. In this version all are IPv4.
    pub addresses: Vec<SocketAddr>,
    /// The interface it was last heard on; `None` if that is gone. Of an own node, the one that has
    /// its first address.
    pub interface: Option<String>,
    /// How long ago it was last heard, in whole seconds.
    pub age: Duration,
    /// For how long it has been known, in whole seconds.
    pub known: Duration,
    /// In what time it will be forgotten unless it is heard again, in whole seconds.
    pub expires_in: Duration,
    /// How often it was heard since it is known.
    pub heard: u32,
    /// Whether several of its addresses speak: it has more than one network card, or somebody
    /// claims its name.
    pub contested: bool,
    /// Whether the daemon announces it, for this machine itself. It is not heard:
    /// [`age`](Self::age), [`expires_in`](Self::expires_in) and [`heard`](Self::heard) are 0, and
    /// [`known`](Self::known) is for how long the daemon has run.
    pub own: bool,
}

/// What a [`Watch`](super::Watch) tells of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// To which node.
    pub id: NodeId,
    /// Where it can be reached; of a lost one, where it was.
    pub address: SocketAddr,
    /// The interface it was heard on there; `None` if that is gone.
    pub interface: Option<String>,
}

/// What happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It was known before the watch began.
    Known,
    /// It was not known and now is.
    Found,
    /// It is to be reached at another address.
    Moved,
    /// It speaks at two addresses: it has more than one network card, or somebody claims its name.
    Contested {
        /// The address besides the one that it is looked up at.
        rival: SocketAddr,
    },
    /// It was not heard for three intervals, or had to give way to a newcomer.
    Lost,
}

impl Node {
    /// Reads a line of a reply; none if it tells of something else.
    pub(super) fn read(line: &str) -> Result<Option<Self>, Error> {
        let (kind, fields) = &split(line);
        let own = *kind == "own";
        if *kind != "node" && !own {
            return Ok(None);
        }
        let Some(id) = id(fields)? else { return Ok(None) };
        let addresses = get(fields, "addresses")?.split(',').take(CLIENT_ADDRESSES);
        let addresses = addresses.map(str::parse).collect::<Result<_, _>>();
        let seconds = |key| parsed(fields, key).map(Duration::from_secs);
        Ok(Some(Self {
            id,
            addresses: addresses.map_err(|_| Error::Protocol { what: "addresses" })?,
            interface: interface(fields)?,
            age: seconds("age_s")?,
            known: seconds("known_s")?,
            expires_in: seconds("expires_s")?,
            heard: parsed(fields, "heard")?,
            contested: match get(fields, "contested")? {
                "yes" => true,
                "no" => false,
                _ => return Err(Error::Protocol { what: "contested" }),
            },
            own,
        }))
    }
}

impl Change {
    /// Reads a line of a reply; none if it tells of something else.
    pub(super) fn read(line: &str) -> Result<Option<Self>, Error> {
        let (kind, fields) = &split(line);
        let kind = match *kind {
            "known" => ChangeKind::Known,
            "found" => ChangeKind::Found,
            "moved" => ChangeKind::Moved,
            "contested" => ChangeKind::Contested { rival: parsed(fields, "rival")? },
            "lost" => ChangeKind::Lost,
            _ => return Ok(None),
        };
        let Some(id) = id(fields)? else { return Ok(None) };
        Ok(Some(Self {
            kind,
            id,
            address: parsed(fields, "address")?,
            interface: interface(fields)?,
        }))
    }
}

/// The node that a line tells of. None if its name is none to this build: it is too long, or newer
/// than its Unicode. Anyone may announce such a node to a daemon of another build, so it is passed
/// over and the others are told of.
fn id(fields: &Fields<'_>) -> Result<Option<NodeId>, Error> {
    get(fields, "id").map(|id| NodeId::try_from(id).ok())
}

fn interface(fields: &Fields<'_>) -> Result<Option<String>, Error> {
    get(fields, "interface").map(|name| (name != "-").then(|| name.to_owned()))
}

/// The value of a key, which must be there.
fn get<'a>(fields: &Fields<'a>, key: &'static str) -> Result<&'a str, Error> {
    fields.get(key).ok_or(Error::Protocol { what: key })
}

/// The same, read as what it must be.
fn parsed<T: FromStr>(fields: &Fields<'_>, key: &'static str) -> Result<T, Error> {
    get(fields, key)?.parse().map_err(|_| Error::Protocol { what: key })
}
