//! Where a node was heard, and how it has spoken there.

use core::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::link_slots::{LinkSlot, LinkSlots};
use super::rhythm::Rhythm;
use crate::net::{Address, mapped};
use crate::time::{Duration, Instant};

/// An address of a node, and how the node has spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sighting {
    /// The address, with the link and the time that it was last heard at.
    pub address: Address,
    /// For how long the node has spoken there without missing a lease, in [parts](PARTS) of a
    /// lease. It stands still once the address is established; 255 are the most.
    pub spoken: u8,
    /// How often it was heard there in that time. 3 are the most.
    pub times: u8,
    /// Whether it spoke beside the address that is looked up, and is not the one.
    pub is_rival: bool,
}

/// [`Sighting::spoken`] counts parts of a lease, as many as this in one.
pub const PARTS: u8 = 240;

/// An address is established when the node was heard there so often...
const OFTEN: u8 = 3;

/// ...over so many parts of a lease: half of one.
const LONG: u8 = PARTS / 2;

/// An address that a node is heard at now, in the form in which it is kept.
#[derive(Clone, Copy)]
pub(super) struct Heard {
    pub(super) now: Instant,
    ip: [u8; 16],
    port: u16,
    link: LinkSlot,
}

/// A sighting as a node keeps it: 26 bytes.
///
/// Of the time it was heard it keeps the lower half of the milliseconds, which start again after 49
/// days. The registry forgets each sighting long before that.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    /// An IPv4 address is kept as the IPv6 address that maps to it.
    ip: [u8; 16],
    heard: [u8; 4],
    port: u16,
    link: LinkSlot,
    spoken: u8,
    /// How often it was heard there, in the two lower bits; the next says whether it is a rival.
    times: u8,
    pub(super) rhythm: Rhythm,
}

/// The bit of [`Stored::times`] that says whether the address is a rival.
const RIVAL: u8 = 4;

impl Heard {
    pub(super) fn new(address: Address, slots: &mut LinkSlots) -> Self {
        Self {
            now: address.heard,
            ip: mapped(address.ip()).octets(),
            port: address.socket.port(),
            link: slots.slot(address.link),
        }
    }

    pub(super) fn ip(&self) -> IpAddr {
        Ipv6Addr::from(self.ip).to_canonical()
    }
}

impl Stored {
    /// An address at which a node is heard for the first time.
    pub(super) fn first(heard: &Heard) -> Self {
        let Heard { now, ip, port, link } = *heard;
        let rhythm = Rhythm::default();
        Self { ip, heard: stamp(now), port, link, spoken: 0, times: 1, rhythm }
    }

    /// The data of an earlier run.
    pub(super) fn restored(sighting: &Sighting, slots: &mut LinkSlots) -> Self {
        let first = Self::first(&Heard::new(sighting.address, slots));
        let rival = if sighting.is_rival { RIVAL } else { 0 };
        Self { spoken: sighting.spoken, times: sighting.times.min(OFTEN) | rival, ..first }
    }

    /// The sighting as others see it, when the registry was last touched at `clock`.
    pub(super) fn sighting(&self, clock: Instant, slots: &LinkSlots) -> Sighting {
        let link = slots.link(self.link);
        let socket = match self.ip() {
            IpAddr::V6(ip) if ip.is_unicast_link_local() => {
                SocketAddr::V6(SocketAddrV6::new(ip, self.port, 0, link.0))
            }
            ip => SocketAddr::new(ip, self.port),
        };
        let address = Address { socket, link, heard: self.heard(clock) };
        let is_rival = self.is_rival();
        Sighting { address, spoken: self.spoken, times: self.times & !RIVAL, is_rival }
    }

    pub(super) fn ip(&self) -> IpAddr {
        Ipv6Addr::from(self.ip).to_canonical()
    }

    /// Whether it is that address. Link-local ones are the same on one link only.
    pub(super) fn is_at(&self, heard: &Heard) -> bool {
        (self.port, self.ip) == (heard.port, heard.ip)
            && (self.link == heard.link || !Ipv6Addr::from(self.ip).is_unicast_link_local())
    }

    /// How long ago the node was last heard there.
    pub(super) fn age(&self, clock: Instant) -> Duration {
        let age = low(clock).wrapping_sub(u32::from_ne_bytes(self.heard));
        Duration::from_millis(age.into())
    }

    /// When the node was last heard there.
    pub(super) fn heard(&self, clock: Instant) -> Instant {
        clock - self.age(clock)
    }

    /// Pretends that the node was last heard there at that time.
    pub(super) fn set_heard(&mut self, heard: Instant) {
        self.heard = stamp(heard);
    }

    /// The node is heard there again.
    pub(super) fn renew(&mut self, heard: &Heard, lease: Duration) {
        if !self.is_established() {
            let silent = self.age(heard.now);
            if silent <= lease {
                self.times += u8::from(self.times & !RIVAL < OFTEN);
                let parts = silent.times(PARTS.into()).millis() / lease.millis().max(1);
                self.spoken = self.spoken.saturating_add(u8::try_from(parts).unwrap_or(u8::MAX));
            } else {
                self.times = 1 | self.times & RIVAL;
                self.spoken = 0;
            }
        }
        self.set_heard(heard.now);
        self.link = heard.link;
    }

    /// Whether the node spoke there often and long enough to be known by that address.
    pub(super) fn is_established(&self) -> bool {
        self.times & !RIVAL >= OFTEN && self.spoken >= LONG
    }

    pub(super) fn is_rival(&self) -> bool {
        self.times & RIVAL != 0
    }

    pub(super) fn set_rival(&mut self, is_rival: bool) {
        self.times = self.times & !RIVAL | if is_rival { RIVAL } else { 0 };
    }
}

fn stamp(time: Instant) -> [u8; 4] {
    low(time).to_ne_bytes()
}

/// The lower half of the milliseconds.
fn low(time: Instant) -> u32 {
    let [.., a, b, c, d] = time.millis().to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::LinkId;

    const LEASE: Duration = Duration::from_secs(90);

    fn at(socket: &str, link: u32, secs: u64) -> Address {
        let heard = Instant::from_millis(secs * 1000);
        Address { socket: socket.parse().unwrap(), link: LinkId(link), heard }
    }

    fn heard_at(secs: &[u64], lease: Duration) -> Stored {
        let mut slots = LinkSlots::new();
        let mut heard = |secs| Heard::new(at("10.0.0.1:22", 1, secs), &mut slots);
        let mut sighting = Stored::first(&heard(secs[0]));
        for secs in &secs[1..] {
            sighting.renew(&heard(*secs), lease);
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
            (&[0, 90], false),
            // A silence longer than a lease begins anew, but takes nothing from an established
            // address.
            (&[0, 30, 121, 150], false),
            (&[0, 30, 60, 1000], true),
        ] {
            assert_eq!(heard_at(secs, LEASE).is_established(), expected, "{secs:?}");
        }
    }

    #[test]
    fn the_shortest_and_the_longest_lease_are_saved() {
        for interval in [1, 3600] {
            let lease = Duration::from_secs(3 * interval);
            assert!(!heard_at(&[0, interval], lease).is_established());
            assert!(heard_at(&[0, interval, 2 * interval], lease).is_established());
        }
    }

    #[test]
    fn an_address_of_either_family_is_as_it_was() {
        let mut slots = LinkSlots::new();
        for (text, shown) in [
            ("198.18.0.2:22000", "198.18.0.2:22000"),
            ("[2001:db8::1]:22", "[2001:db8::1]:22"),
            ("[fe80::1]:22", "[fe80::1%7]:22"),
        ] {
            let address = at(text, 7, 50);
            let stored = Stored::first(&Heard::new(address, &mut slots));
            let sighting = stored.sighting(Instant::from_millis(60_000), &slots);
            assert_eq!(sighting.address.socket.to_string(), shown);
            assert_eq!(
                (sighting.address.link, sighting.address.heard),
                (address.link, address.heard)
            );
            let again = Stored::restored(&Sighting { is_rival: true, ..sighting }, &mut slots);
            let again = again.sighting(Instant::from_millis(60_000), &slots);
            assert_eq!(again, Sighting { is_rival: true, ..sighting });
        }
    }

    #[test]
    fn a_link_local_address_is_another_one_on_another_link() {
        let mut slots = LinkSlots::new();
        for (text, is_same) in
            [("[fe80::1]:22", false), ("[2001:db8::1]:22", true), ("10.0.0.1:22", true)]
        {
            let stored = Stored::first(&Heard::new(at(text, 1, 0), &mut slots));
            assert!(stored.is_at(&Heard::new(at(text, 1, 9), &mut slots)));
            assert_eq!(stored.is_at(&Heard::new(at(text, 2, 9), &mut slots)), is_same, "{text}");
        }
    }

    #[test]
    fn a_time_beyond_the_range_of_a_stamp_is_known() {
        let mut slots = LinkSlots::new();
        // The lower half of the milliseconds starts again between the two.
        let heard = Instant::from_millis((1 << 32) - 5);
        let address = Address { heard, ..at("10.0.0.1:22", 1, 0) };
        let stored = Stored::first(&Heard::new(address, &mut slots));
        assert_eq!(stored.heard(Instant::from_millis((1 << 32) + 90_000)), heard);
    }

    #[test]
    fn it_takes_26_bytes() {
        assert_eq!(size_of::<Stored>(), 26);
    }
}
