//! Other hosts that announce a node of our own. Of each own node the rival that was heard last is
//! kept, for three intervals.
//!
//! So rivals take no more room than own nodes. Somebody who forges announcements from many
//! addresses hides a rival behind these, but not that there is one.

use core::net::Ipv4Addr;

use super::Discoverer;
use crate::stats::Rejected;
use crate::time::{Duration, Instant};
use crate::wire::NodeId;

/// Another host that announces a node of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rival {
    /// Where it is.
    pub address: Ipv4Addr,
    /// When it was last heard.
    pub heard: Instant,
    /// Whether it has been [handed out](Discoverer::poll_rival), or one before it that was still
    /// known.
    told: bool,
}

impl Rival {
    /// Whether it is still to be told of.
    fn is_known(&self, now: Instant, lease: Duration) -> bool {
        now < self.heard + lease
    }
}

impl Discoverer<'_> {
    /// The host that announces that node of our own, too. None if no other did for three intervals.
    #[must_use]
    pub fn rival(&self, now: Instant, id: &NodeId) -> Option<Rival> {
        let own = self.own_place(id.as_str().as_bytes())?;
        let rival = self.rivals.get(own).copied().flatten()?;
        // One that was heard before an address became our own is this machine.
        (rival.is_known(now, self.registry.lease()) && !self.is_here(rival.address))
            .then_some(rival)
    }

    /// The next own node that has a rival since there was none, with the address of that.
    #[must_use = "it is handed out once"]
    pub fn poll_rival(&mut self) -> Option<(&NodeId, Ipv4Addr)> {
        let mut both = self.own.iter().zip(&mut self.rivals);
        both.find_map(|(own, rival)| {
            let rival = rival.as_mut().filter(|rival| !rival.told)?;
            rival.told = true;
            Some((&own.id, rival.address))
        })
    }

    /// Whether who has that address may announce the own node at that place: we hear our own
    /// announcements, but another host has the same name.
    pub(super) fn check_own(
        &mut self,
        now: Instant,
        from: Ipv4Addr,
        own: usize,
    ) -> Result<(), Rejected> {
        if self.is_here(from) {
            return Ok(());
        }
        let lease = self.registry.lease();
        if let Some(rival) = self.rivals.get_mut(own) {
            let told = rival.is_some_and(|before| before.told && before.is_known(now, lease));
            *rival = Some(Rival { address: from, heard: now, told });
        }
        Err(Rejected::OwnName)
    }
}
