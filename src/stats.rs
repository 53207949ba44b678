//! What was counted. Counters saturate: they stand still rather than start again.

use core::fmt;

use crate::wire::Malformed;

/// Why a datagram did not touch the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// It has fewer than 8 bytes, or ends before its `NodeID` does.
    Truncated,
    /// It starts with another magic number.
    Foreign,
    /// Its `NodeID` has no bytes.
    EmptyNodeId,
    /// Its `NodeID` is longer than this build keeps.
    NodeIdTooLong,
    /// Its `NodeID` is not printable UTF-8, or contains white space.
    NodeIdNotPrintable,
    /// Its port is 0.
    NoPort,
    /// It does not come from a unicast address.
    BadSource,
    /// It is in order, but the registry is full of nodes that were heard again and again.
    RegistryFull,
}

impl Rejected {
    /// Every reason, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Truncated,
        Self::Foreign,
        Self::EmptyNodeId,
        Self::NodeIdTooLong,
        Self::NodeIdNotPrintable,
        Self::NoPort,
        Self::BadSource,
        Self::RegistryFull,
    ];

    /// The reason's name in `foghorn status` and in the control protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Foreign => "foreign",
            Self::EmptyNodeId => "empty_node_id",
            Self::NodeIdTooLong => "node_id_too_long",
            Self::NodeIdNotPrintable => "node_id_not_printable",
            Self::NoPort => "no_port",
            Self::BadSource => "bad_source",
            Self::RegistryFull => "registry_full",
        }
    }
}

impl From<Malformed> for Rejected {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Truncated => Self::Truncated,
            Malformed::Foreign => Self::Foreign,
            Malformed::EmptyNodeId => Self::EmptyNodeId,
            Malformed::NodeIdTooLong => Self::NodeIdTooLong,
            Malformed::NodeIdNotPrintable => Self::NodeIdNotPrintable,
            Malformed::NoPort => Self::NoPort,
        }
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
pub struct Counter(u64);

impl Counter {
    /// Counts one more.
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
    /// Known nodes that were heard at a new address.
    pub moved: Counter,
    /// Nodes that expired or gave way to a newcomer.
    pub lost: Counter,
    rejected: [Counter; Rejected::ALL.len()],
}

impl Stats {
    /// Datagrams that were rejected for that reason.
    #[must_use]
    pub fn rejected(&self, reason: Rejected) -> u64 {
        self.rejected.get(reason as usize).copied().unwrap_or_default().get()
    }

    pub(crate) fn reject(&mut self, reason: Rejected) {
        if let Some(counter) = self.rejected.get_mut(reason as usize) {
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
        for (times, reason) in Rejected::ALL.into_iter().enumerate() {
            for _ in 0..times {
                stats.reject(reason);
            }
        }
        for (times, reason) in Rejected::ALL.into_iter().enumerate() {
            assert_eq!(stats.rejected(reason), times as u64, "{reason}");
        }
    }

    #[test]
    fn a_counter_stands_still_at_its_end() {
        let mut counter = Counter(u64::MAX - 1);
        counter.increment();
        counter.increment();
        assert_eq!(counter.get(), u64::MAX);
    }
}
