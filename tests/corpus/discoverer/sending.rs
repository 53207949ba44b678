//! The datagrams to send, and their times.

#![expect(clippy::unwrap_used, reason = "a check must fail on the unexpected")]

use core::net::{IpAddr, Ipv4Addr};
use std::collections::{BTreeMap, HashSet};

use foghorn::discoverer::Protocol;
use foghorn::limits::ANNOUNCEMENT_CAPACITY;
use foghorn::net::LinkId;
use foghorn::speaker::v1::{
    ALL_ANSWERS_BURST, ALL_ANSWERS_PERIOD, ALONE_PERIOD, ANSWER_BURST, ANSWER_PERIOD,
};
use foghorn::time::Duration;
use foghorn::wire::Announcement;
use foghorn::wire::v1::{self, BufferTooSmall};

use super::{Session, datagram};

impl Session<'_> {
    /// Announces all nodes, with room for the first datagram that may be too small.
    pub(super) fn announce_with(&mut self, size: usize) {
        self.discoverer.announce_now(self.now);
        self.pass();
        let everyone = self.links.keys().map(|link| self.origins.everyone(*link).len());
        let due = everyone.sum::<usize>() * self.own.len();
        let mut buffer = [0xa5; ANNOUNCEMENT_CAPACITY];
        let (room, _) = buffer.split_at_mut(size);
        let first = self.discoverer.poll_transmit(room).map(|transmit| transmit.length);
        match self.own.first().map(|node| datagram(node).len()) {
            Some(length) if due > 0 && length > size => {
                assert_eq!(first, Err(nb::Error::Other(BufferTooSmall)));
            }
            Some(length) if due > 0 => {
                assert_eq!(first, Ok(length));
                self.counts.sent += 1;
            }
            _ => return assert_eq!(first, Err(nb::Error::WouldBlock)),
        }
        let rest =
            (0..due).take_while(|_| self.discoverer.poll_transmit(&mut buffer).is_ok()).count();
        assert_eq!(rest, due - 1);
        self.counts.sent += u64::try_from(rest).unwrap();
        self.links.values_mut().for_each(|link| link.tell(self.now));
    }

    /// Handles each timeout at its time, as a host does.
    pub(super) fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.discoverer.poll_at().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.timeout();
        }
        self.now = end;
        // All hosts on every link got our nodes within the longest interval.
        let oldest = end - self.discoverer.interval() - self.sixteenths(1);
        assert!(self.own.is_empty() || self.links.values().all(|link| link.told >= Some(oldest)));
    }

    pub(super) fn timeout(&mut self) {
        let was_due = self.discoverer.poll_at().is_some_and(|due| due <= self.now);
        let answers = self.discoverer.stats().answers.get();
        self.discoverer.handle_timeout(self.now);
        let events = self.events();
        let rounds = self.drain_links();
        assert!(was_due || (rounds.is_empty() && events.is_empty()));
        self.expire(events);
        assert!(self.discoverer.poll_at().is_none_or(|due| due > self.now));

        let answers = self.discoverer.stats().answers.get() - answers;
        if answers > 0 {
            self.answers_full = self.answers_full.max(self.now) + ALL_ANSWERS_PERIOD.times(answers);
            assert!(
                self.answers_full <= self.now + ALL_ANSWERS_PERIOD.times(ALL_ANSWERS_BURST.into())
            );
        }
        if u64::try_from(rounds.len()).unwrap() == answers {
            for id in rounds {
                let link = self.links.get_mut(&id).unwrap();
                // The burst, and one single answer each second beyond the limit in the long run.
                let period = Duration::from_millis(
                    ANSWER_PERIOD.millis() * ALONE_PERIOD.millis()
                        / (ANSWER_PERIOD.millis() + ALONE_PERIOD.millis()),
                );
                link.answers_full = link.answers_full.max(self.now) + period;
                assert!(link.answers_full <= self.now + period.times(u64::from(ANSWER_BURST) + 2));
            }
        } else {
            // The announcements were due, and a host that waits for an answer gets them with all
            // others.
            assert_eq!((rounds.len(), answers), (self.links.len(), 0));
            let shortest = self.discoverer.interval().millis() - self.sixteenths(1).millis();
            assert!(self.announced.is_none_or(|last| self.now.since(last).millis() >= shortest));
            self.announced = Some(self.now);
        }
    }

    /// Takes the datagrams to send. Returns the number of links.
    pub(super) fn drain(&mut self) -> usize {
        self.drain_links().len()
    }

    /// Takes the datagrams to send: on each link at most one round of all our nodes. Returns the
    /// links.
    pub(super) fn drain_links(&mut self) -> Vec<LinkId> {
        let mut rounds: BTreeMap<LinkId, Vec<(Ipv4Addr, Announcement)>> = BTreeMap::new();
        let mut buffer = [0xa5; ANNOUNCEMENT_CAPACITY];
        loop {
            let transmit = match self.discoverer.poll_transmit(&mut buffer) {
                Ok(transmit) => transmit,
                Err(error) => break assert_eq!(error, nb::Error::WouldBlock),
            };
            self.counts.sent += 1;
            assert_eq!((transmit.protocol, transmit.to.port()), (Protocol::Foghorn, v1::UDP_PORT));
            let IpAddr::V4(to) = transmit.to.ip() else { unreachable!("{transmit:?}") };
            let node = v1::parse(buffer.split_at(transmit.length).0).unwrap();
            let round = rounds.entry(transmit.link).or_default();
            round.push((to, node));
            let is_for_all = round.first().is_some_and(|(to, _)| to.is_broadcast());
            assert_eq!(transmit.to_group, is_for_all);
        }
        for (id, round) in &rounds {
            let (first, _) = round.first().unwrap();
            let is_for_all = first.is_broadcast();
            let to = if is_for_all { self.origins.everyone(*id) } else { vec![*first] };
            // Each node goes to all hosts, one after the other.
            let nodes = self.own.iter().flat_map(|own| to.iter().map(|to| (*to, own.clone())));
            assert!(nodes.eq(round.iter().cloned()), "{round:?}");
            let link = self.links.get_mut(id).unwrap();
            if is_for_all {
                link.tell(self.now);
            } else {
                // A single other host gets a unicast answer; no host gets the same answer twice.
                assert_eq!(core::mem::take(&mut link.waiting), HashSet::from([*first]));
                assert!(!self.origins.is_ours_on(*id, *first));
            }
        }
        rounds.into_keys().collect()
    }
}
