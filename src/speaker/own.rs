//! The nodes of our own, and other hosts that announce one of them, too.
//!
//! Of each own node the rival that was heard last is kept, for a lease. So rivals take no more room
//! than own nodes. A host that forges announcements from many addresses hides a rival behind
//! these, but not the fact that there is one.

use core::fmt;
use core::net::IpAddr;

use heapless::Vec;

use crate::limits::OWN_NODES;
use crate::net::Links;
use crate::time::{Duration, Instant};
use crate::wire::{Announcement, NodeId};

/// Why a node can't be announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AnnounceError {
    /// This process announces [`OWN_NODES`] already.
    TooMany,
    /// It is announced already.
    Duplicate,
}

/// Another host that announces a node of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rival {
    /// Where it is.
    pub address: IpAddr,
    /// When it was last heard.
    pub heard: Instant,
    /// Whether it has been [handed out](crate::discoverer::Discoverer::poll_rival), or one before
    /// it that was still known.
    is_handed_out: bool,
}

/// The nodes of our own.
#[derive(Debug, Default)]
pub(crate) struct OwnNodes {
    nodes: Vec<Announcement, OWN_NODES>,
    /// The rival of each, in the same order.
    rivals: Vec<Option<Rival>, OWN_NODES>,
}

impl Rival {
    fn is_known(&self, now: Instant, lease: Duration) -> bool {
        now < self.heard + lease
    }
}

impl OwnNodes {
    pub(crate) fn add(&mut self, node: Announcement) -> Result<(), AnnounceError> {
        if self.position(node.id.as_str().as_bytes()).is_some() {
            return Err(AnnounceError::Duplicate);
        }
        self.nodes.push(node).map_err(|_| AnnounceError::TooMany)?;
        let _ = self.rivals.push(None);
        Ok(())
    }

    /// False if there is no such node.
    pub(crate) fn remove(&mut self, id: &NodeId) -> bool {
        let Some(position) = self.position(id.as_str().as_bytes()) else { return false };
        self.nodes.remove(position);
        self.rivals.remove(position);
        true
    }

    pub(crate) fn nodes(&self) -> &[Announcement] {
        &self.nodes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The position of the node that has that name.
    pub(crate) fn position(&self, id: &[u8]) -> Option<usize> {
        self.nodes.iter().position(|own| own.id.as_str().as_bytes() == id)
    }

    /// The host that announces that node, too. None if no other did for a lease.
    pub(crate) fn rival(
        &self,
        now: Instant,
        id: &NodeId,
        lease: Duration,
        links: &Links,
    ) -> Option<Rival> {
        let position = self.position(id.as_str().as_bytes())?;
        let rival = self.rivals.get(position).copied().flatten()?;
        // One that was heard before an address became our own is this machine.
        (rival.is_known(now, lease) && !links.is_here(rival.address)).then_some(rival)
    }

    /// The next node that has a rival since there was none, with the address of that.
    pub(crate) fn poll_rival(&mut self) -> Option<(&NodeId, IpAddr)> {
        let mut both = self.nodes.iter().zip(&mut self.rivals);
        both.find_map(|(own, rival)| {
            let rival = rival.as_mut().filter(|rival| !rival.is_handed_out)?;
            rival.is_handed_out = true;
            Some((&own.id, rival.address))
        })
    }

    /// Another host announces the node at that position.
    pub(crate) fn set_rival(
        &mut self,
        now: Instant,
        position: usize,
        address: IpAddr,
        lease: Duration,
    ) {
        if let Some(rival) = self.rivals.get_mut(position) {
            let is_handed_out =
                rival.is_some_and(|before| before.is_handed_out && before.is_known(now, lease));
            *rival = Some(Rival { address, heard: now, is_handed_out });
        }
    }
}

impl fmt::Display for AnnounceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(f, "at most {OWN_NODES} nodes can be announced"),
            Self::Duplicate => f.write_str("the node is announced already"),
        }
    }
}

impl core::error::Error for AnnounceError {}
