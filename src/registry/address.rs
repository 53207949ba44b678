//! Where a node was heard.

use core::net::{Ipv4Addr, SocketAddrV4};

use crate::time::{Duration, Instant};

/// Names an interface. The number means nothing to the core; the host uses the kernel's interface
/// index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkId(pub u32);

impl LinkId {
    /// No interface: where a node was heard before the machine booted is not known.
    pub const NONE: Self = Self(u32::MAX);
}

/// Where a node was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Address {
    /// The node's IP address and the TCP port it announced.
    pub socket: SocketAddrV4,
    /// The interface it was last heard on.
    pub link: LinkId,
    /// When it was last heard there.
    pub heard: Instant,
}

/// An address of a node, and how the node has spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sighting {
    /// When it was last heard there.
    pub heard: Instant,
    /// The interface it was last heard on.
    pub link: LinkId,
    /// For how long it has spoken there without missing a lease, in milliseconds. 49 days are the
    /// most.
    pub spoken: u32,
    /// The node's IP address and the TCP port it announced.
    pub socket: SocketAddrV4,
    /// How often it was heard there in that time. 255 are the most.
    pub times: u8,
    /// Whether it spoke beside the address that is looked up, and is not the one.
    pub is_rival: bool,
}

impl Sighting {
    /// No address: that of a node that was never heard.
    pub(super) const NONE: Self = Self {
        heard: Instant::ZERO,
        link: LinkId::NONE,
        spoken: 0,
        socket: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        times: 0,
        is_rival: false,
    };

    /// An address at which a node was heard for the first time.
    pub(crate) const fn first(address: Address) -> Self {
        let Address { socket, link, heard } = address;
        Self { heard, link, spoken: 0, socket, times: 1, is_rival: false }
    }

    /// The address alone.
    #[must_use]
    pub const fn address(&self) -> Address {
        Address { socket: self.socket, link: self.link, heard: self.heard }
    }

    /// The node was heard there again.
    pub(super) fn renew(&mut self, address: Address, lease: Duration) {
        let silent = address.heard.since(self.heard);
        if silent <= lease {
            self.times = self.times.saturating_add(1);
            self.spoken =
                self.spoken.saturating_add(u32::try_from(silent.millis()).unwrap_or(u32::MAX));
        } else if !self.is_established(lease) {
            (self.times, self.spoken) = (1, 0);
        }
        (self.heard, self.link) = (address.heard, address.link);
    }

    /// Whether the node spoke there often and long enough to be known by that address.
    pub(super) fn is_established(&self, lease: Duration) -> bool {
        self.times >= 3 && Duration::from_millis(self.spoken.into()).times(2) >= lease
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(90);

    fn heard_at(secs: &[u64]) -> Sighting {
        let at = |secs: u64| Address {
            socket: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 22),
            link: LinkId(1),
            heard: Instant::from_millis(secs * 1000),
        };
        let mut sighting = Sighting::first(at(secs[0]));
        for secs in &secs[1..] {
            sighting.renew(at(*secs), LEASE);
        }
        sighting
    }

    #[test]
    fn an_address_is_established_when_the_node_spoke_there_three_times_in_half_a_lease() {
        for (secs, expected) in [
            (&[0][..], false),
            (&[0, 45], false),
            (&[0, 0, 0, 44], false),
            (&[0, 30, 44], false),
            (&[0, 30, 45], true),
            // A silence longer than a lease begins anew, but takes nothing from an established
            // address.
            (&[0, 30, 121, 150], false),
            (&[0, 30, 60, 1000], true),
        ] {
            assert_eq!(heard_at(secs).is_established(LEASE), expected, "{secs:?}");
        }
    }

    #[test]
    fn many_years_of_speaking_do_not_overflow() {
        let mut sighting = heard_at(&[0]);
        (sighting.times, sighting.spoken) = (u8::MAX, u32::MAX - 1);
        let later = Address { heard: Instant::from_millis(60_000), ..sighting.address() };
        sighting.renew(later, LEASE);
        assert_eq!((sighting.times, sighting.spoken), (u8::MAX, u32::MAX));
    }

    #[test]
    fn it_takes_no_more_room_than_an_address() {
        assert_eq!(size_of::<Sighting>(), size_of::<Address>());
    }
}
