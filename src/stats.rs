//! Counters. They saturate: at the maximum they stay there and do not wrap.

use core::fmt;

use crate::net::Unheard;
use crate::registry::Refused;
use crate::wire::Malformed;

/// Why a datagram did not touch the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Rejected {
    /// It is no announcement.
    Malformed(Malformed),
    /// Its source is not a unicast address.
    BadSource,
    /// Its source is in no network of the interface that received it.
    OffLink,
    /// This machine sent it, and it names a node that is known elsewhere.
    OwnAddress,
    /// Another machine sent it, and it names a node of our own.
    OwnName,
    /// It is in order, but the registry is full of established nodes.
    RegistryFull,
    /// It is in order, but the registry is full, and its source brought more names of late than
    /// those of the nodes that might give way.
    SourceFull,
}

impl Rejected {
    const COUNT: usize = Malformed::ALL.len() + 6;

    /// Every reason, in the order in which they are shown.
    pub fn all() -> impl Iterator<Item = Self> {
        Malformed::ALL.into_iter().map(Self::Malformed).chain([
            Self::BadSource,
            Self::OffLink,
            Self::OwnAddress,
            Self::OwnName,
            Self::RegistryFull,
            Self::SourceFull,
        ])
    }

    /// The reason's name in `foghorn status` and in the control protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed(malformed) => malformed.name(),
            Self::BadSource => "bad_source",
            Self::OffLink => "off_link",
            Self::OwnAddress => "own_address",
            Self::OwnName => "own_name",
            Self::RegistryFull => "registry_full",
            Self::SourceFull => "source_full",
        }
    }
}

impl From<Refused> for Rejected {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => Self::RegistryFull,
            Refused::Share => Self::SourceFull,
        }
    }
}

impl From<Unheard> for Rejected {
    fn from(unheard: Unheard) -> Self {
        match unheard {
            Unheard::NoHost => Self::BadSource,
            Unheard::Elsewhere => Self::OffLink,
        }
    }
}

impl From<Malformed> for Rejected {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl core::error::Error for Rejected {}

/// A number that only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counter(u64);

impl Counter {
    /// Counts one more.
    // Not inlined, like sums of times.
    #[inline(never)]
    pub const fn increment(&mut self) {
        self.0 = self.0.saturating_add(1);
    }

    /// The count.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The counters of a [`Discoverer`](crate::discoverer::Discoverer).
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Stats {
    /// Datagrams that were handed in.
    pub received: Counter,
    /// Announcements among them that named one of our own nodes.
    pub own: Counter,
    /// Datagrams that were handed out.
    pub sent: Counter,
    /// Times that newcomers were answered, one datagram for each node of our own.
    pub answers: Counter,
    /// Nodes that were found.
    pub found: Counter,
    /// Known nodes that were found to be at another address.
    pub moved: Counter,
    /// Nodes that began to speak at two addresses.
    pub contested: Counter,
    /// Nodes that expired or gave way to a newcomer.
    pub lost: Counter,
    /// In the order of [`Rejected::all`].
    rejected: [Counter; Rejected::COUNT],
}

impl Stats {
    /// Datagrams that were rejected, by reason.
    pub fn rejected(&self) -> impl Iterator<Item = (Rejected, u64)> {
        Rejected::all().zip(self.rejected.iter().map(|counter| counter.get()))
    }

    pub(crate) fn reject(&mut self, reason: Rejected) {
        if let Some((_, counter)) =
            Rejected::all().zip(&mut self.rejected).find(|(known, _)| *known == reason)
        {
            counter.increment();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_counter_of_its_own() {
        let mut stats = Stats::default();
        for (times, reason) in Rejected::all().enumerate() {
            for _ in 0..times {
                stats.reject(reason);
            }
        }
        assert!(stats.rejected().map(|(_, count)| count).eq(0..12));
        let mut names: Vec<_> = Rejected::all().map(Rejected::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Rejected::COUNT);
    }

    #[test]
    fn a_counter_saturates() {
        let mut counter = Counter(u64::MAX - 1);
        counter.increment();
        counter.increment();
        assert_eq!(counter.get(), u64::MAX);
    }
}
