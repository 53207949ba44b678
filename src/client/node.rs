//! Nodes and events, read from the lines of the daemon's replies.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use super::Error;
use super::address::usable;
use crate::control::{Fields, read_address, split};
use crate::limits::CLIENT_ADDRESSES;
use crate::wire::NodeId;

/// All that the daemon knew of a node when it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// The node's name.
    pub id: NodeId,
    /// Where it can be reached: at the first, else at the others. IPv4 addresses come first, and of
    /// each family the preferred one, then the one heard last.
    ///
    /// A link-local IPv6 address has the number of its interface as its scope. It is left out if
    /// the interface is gone, so there may be no address at all.
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
    /// Whether several of its addresses speak: it has more than one network card, or another host
    /// uses its name.
    pub contested: bool,
    /// Whether the daemon announces it, for this machine itself. It is not heard:
    /// [`age`](Self::age), [`expires_in`](Self::expires_in) and [`heard`](Self::heard) are 0, and
    /// [`known`](Self::known) is for how long the daemon has run.
    pub own: bool,
}

/// An event of a node. A [`Watch`](super::Watch) returns these.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Its kind.
    pub kind: EventKind,
    /// To which node.
    pub id: NodeId,
    /// Where it can be reached; of a lost one, where it was.
    ///
    /// A link-local IPv6 address has the number of its interface as its scope. If the interface is
    /// gone, the scope is 0 in the event of a lost node, and other events are left out.
    pub address: SocketAddr,
    /// The interface it was heard on there; `None` if that is gone.
    pub interface: Option<String>,
}

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// It was known before the watch began.
    Known,
    /// It was not known and now is.
    Found,
    /// It can be reached at another address.
    Moved,
    /// It speaks at two addresses: it has more than one network card, or another host uses its
    /// name.
    Contested {
        /// The address besides the one that it is looked up at.
        rival: SocketAddr,
    },
    /// It was not heard for three intervals, or had to give way to a newcomer.
    Lost,
}

impl Node {
    /// Reads a line of a reply; none if it is of another kind.
    pub(super) fn read(line: &str) -> Result<Option<Self>, Error> {
        let (kind, fields) = &split(line);
        let own = *kind == "own";
        if *kind != "node" && !own {
            return Ok(None);
        }
        let Some(id) = id(fields)? else { return Ok(None) };
        let v4 = get(fields, "addresses")?.split(',').map(|text| usable(text, "addresses"));
        let v6 = fields.get("addresses6").into_iter().flat_map(|texts| texts.split(','));
        let all = v4.chain(v6.map(|text| usable(text, "addresses6"))).take(CLIENT_ADDRESSES);
        let seconds = |key| parsed(fields, key).map(Duration::from_secs);
        Ok(Some(Self {
            id,
            addresses: all.filter_map(Result::transpose).collect::<Result<_, _>>()?,
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

impl Event {
    /// Reads a line of a reply; none if it is of another kind.
    pub(super) fn read(line: &str) -> Result<Option<Self>, Error> {
        let (kind, fields) = &split(line);
        if !["known", "found", "moved", "contested", "lost"].contains(kind) {
            return Ok(None);
        }
        let Some(id) = id(fields)? else { return Ok(None) };
        let usable = |key| usable(get(fields, key)?, key);
        let (mut address, interface) = (usable("address")?, interface(fields)?);
        let kind = match *kind {
            "known" => EventKind::Known,
            "found" => EventKind::Found,
            "moved" => EventKind::Moved,
            "lost" => {
                // That it is gone counts, though its interface may be gone, too.
                address = address.or(read_address(get(fields, "address")?).ok().map(|(a, _)| a));
                EventKind::Lost
            }
            _ => match usable("rival")? {
                Some(rival) => EventKind::Contested { rival },
                None => return Ok(None),
            },
        };
        Ok(address.map(|address| Self { kind, id, address, interface }))
    }
}

/// The name of the node in a line. None if this build does not accept its name: it is too long, or
/// newer than the build's Unicode. Anyone may announce such a node to a daemon of another build, so
/// the client passes over it and reads on.
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

/// The same, read as a value of that type.
fn parsed<T: FromStr>(fields: &Fields<'_>, key: &'static str) -> Result<T, Error> {
    get(fields, key)?.parse().map_err(|_| Error::Protocol { what: key })
}
