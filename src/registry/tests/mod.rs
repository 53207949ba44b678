//! The behaviour of the registry, by subject.

mod admission;
mod contest;
mod expected;
mod known;
mod memory;
mod model;
mod pairs;
mod pauses;
mod rivals;

use core::net::{Ipv4Addr, SocketAddr};
use std::vec::Vec;

use super::*;
use crate::net::{Address, Link, LinkId, Medium};

const LEASE: Duration = Duration::from_secs(90);
const KEY: [u8; 16] = *b"not really secre";
const LINK: LinkId = LinkId(2);

fn at(secs: u64) -> Instant {
    Instant::from_millis(secs * 1000)
}

fn id(number: u32) -> NodeId {
    NodeId::try_from(format!("node-{number}").as_str()).unwrap()
}

fn address(host: u8) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, host), 22000).into()
}

/// Hears a node at an address, and keeps the event for later.
fn hear_at(
    registry: &mut Registry<'_>,
    now: Instant,
    id: &NodeId,
    socket: SocketAddr,
    links: &Links,
) -> Result<Change, Refused> {
    let address = Address { socket, link: LINK, heard: now };
    registry.hear(&Claim { name: Name::New(id), claimant: socket.ip(), address }, links)
}

/// The same at a host of a network that is not ours.
fn hear(registry: &mut Registry<'_>, secs: u64, number: u32, host: u8) -> Result<Change, Refused> {
    hear_at(registry, at(secs), &id(number), address(host), &Links::new())
}

/// Hears an unknown node. The event of the node that gave way precedes its own.
fn displaced(registry: &mut Registry<'_>, secs: u64, number: u32, host: u8) -> Option<NodeId> {
    assert_eq!(hear(registry, secs, number, host), Ok(Change::Added));
    let told = news(registry, at(secs));
    let (last, before) = told.split_last().unwrap();
    assert_eq!((last.kind, &last.id), (EventKind::Found, &id(number)));
    assert!(before.len() <= 1 && before.iter().all(|event| event.kind == EventKind::Lost));
    before.first().map(|lost| lost.id.clone())
}

/// A known node is heard there again.
fn heard_again(registry: &mut Registry<'_>, secs: u64, number: u32, host: u8) {
    let change = hear(registry, secs, number, host).unwrap();
    assert!(matches!(change, Change::Refreshed { .. }), "{change:?}");
}

/// A node is found and heard so long that it is established, if its source has room.
fn establish(registry: &mut Registry<'_>, secs: u64, number: u32, host: u8) {
    for round in [0, 30, 60] {
        hear(registry, secs + round, number, host).unwrap();
    }
    news(registry, at(secs + 60));
}

fn refreshed(silent_secs: u64) -> Change {
    Change::Refreshed { silent: Duration::from_secs(silent_secs) }
}

/// All events of nodes that were heard. Expired nodes are not removed yet.
fn news(registry: &mut Registry<'_>, now: Instant) -> Vec<Event> {
    let mut told = vec![];
    while registry.has_news() {
        told.extend(registry.poll_event(now));
    }
    told
}

/// All that happened until then.
fn events(registry: &mut Registry<'_>, secs: u64) -> Vec<(EventKind, NodeId)> {
    core::iter::from_fn(|| registry.poll_event(at(secs)))
        .map(|event| (event.kind, event.id))
        .collect()
}

/// The nodes that are lost by then, sorted by name, when nothing else is to be told.
fn lost(registry: &mut Registry<'_>, secs: u64) -> Vec<NodeId> {
    let events = events(registry, secs);
    assert!(events.iter().all(|(kind, _)| *kind == EventKind::Lost), "{events:?}");
    let mut lost: Vec<_> = events.into_iter().map(|(_, id)| id).collect();
    lost.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    lost
}

/// Where a node is looked up.
fn looked_up(registry: &Registry<'_>, secs: u64, number: u32) -> Option<SocketAddr> {
    registry.get(at(secs), id(number).as_str()).map(|entry| entry.address())
}

impl Registry<'_> {
    /// The rank of the place of a node.
    fn rank_of(&self, id: &NodeId) -> Rank {
        self.find(id.as_str().as_bytes()).map_or(Rank::Free, |place| self.places.rank(place))
    }
}
