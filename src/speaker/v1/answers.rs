//! Answers to newcomers on a link.
//!
//! A single newcomer gets its answer alone, after a short time. After a power cut several come at
//! once. These get one answer by broadcast, as soon as no more of them come. It is repeated a few
//! times, since a broadcast may be lost. So a node among a thousand that start together sends
//! hardly more than one among three.

use core::net::Ipv4Addr;

use super::schedule::{
    ALONE_PERIOD, ANSWER_BURST, ANSWER_PERIOD, PATIENCE, PATIENCE_PER_NODE, REPEATS, Schedule,
};
use crate::time::Instant;
use crate::token_bucket::TokenBucket;

/// The answers on one link.
#[derive(Debug)]
pub(super) struct Answers {
    /// How often may be answered here.
    allowance: TokenBucket,
    /// When one newcomer alone may be answered beyond that.
    alone_at: Instant,
    next: Option<Answer>,
}

/// The answer that waits for its time.
#[derive(Clone, Copy, Debug)]
struct Answer {
    due: Instant,
    to: Newcomers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Newcomers {
    One(Ipv4Addr),
    /// More than one, since then. It waits for further ones unless others have begun to answer.
    Many {
        since: Instant,
        gathering: bool,
    },
    /// The newcomers of the last broadcast, with the number of repeats that are left.
    Again(u8),
}

/// The receiver of an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    Everyone,
    One(Ipv4Addr),
}

impl Answers {
    pub(super) fn new() -> Self {
        Self {
            allowance: TokenBucket::new(ANSWER_BURST, ANSWER_PERIOD),
            alone_at: Instant::ZERO,
            next: None,
        }
    }

    /// A newcomer came. `known` is how many nodes there are.
    pub(super) fn newcomer(
        &mut self,
        now: Instant,
        from: Ipv4Addr,
        known: usize,
        schedule: &mut Schedule,
    ) {
        let Some(next) = &mut self.next else {
            self.next = Some(Answer { due: schedule.answer_at(now), to: Newcomers::One(from) });
            return;
        };
        match &mut next.to {
            Newcomers::One(first) if *first == from => {}
            Newcomers::One(_) => {
                let to = Newcomers::Many { since: now, gathering: true };
                *next = Answer { due: schedule.quiet_at(now), to };
            }
            Newcomers::Many { since, gathering: true } => {
                let patience =
                    PATIENCE_PER_NODE.times(u64::try_from(known).unwrap_or(u64::MAX)).max(PATIENCE);
                next.due = schedule.quiet_at(now).min(*since + patience);
            }
            // It gets the same answer as the others.
            Newcomers::Many { .. } => {}
            Newcomers::Again(_) => next.to = Newcomers::Many { since: now, gathering: false },
        }
    }

    /// A known node was heard again long before its time: it answers a newcomer. An answer to
    /// several newcomers waits for no more of them, since nodes that are found from here on are
    /// found by their answers.
    pub(super) fn others_answer(&mut self) {
        if let Some(Answer { to: Newcomers::Many { gathering, .. }, .. }) = &mut self.next {
            *gathering = false;
        }
    }

    /// Drops the answer that waits: all hosts heard an announcement just now, or nothing is
    /// announced any more.
    pub(super) fn clear(&mut self) {
        self.next = None;
    }

    /// When the next answer may be given; never if `None`.
    pub(super) fn due(&self, schedule: &Schedule) -> Option<Instant> {
        let next = self.next?;
        let allowed = match next.to {
            Newcomers::One(_) => self.allowance.ready_at().min(self.alone_at),
            Newcomers::Many { .. } => self.allowance.ready_at(),
            // A repeat does not wait for its allowance: without one it is dropped.
            Newcomers::Again(_) => Instant::ZERO,
        };
        Some(next.due.max(allowed).max(schedule.answers.ready_at()))
    }

    /// Takes the answer that is due.
    pub(super) fn poll(&mut self, now: Instant, schedule: &mut Schedule) -> Option<Recipient> {
        let next = self.next.filter(|next| next.due <= now)?;
        let is_alone = matches!(next.to, Newcomers::One(_));
        if self.allowance.ready_at() > now && !(is_alone && self.alone_at <= now) {
            if matches!(next.to, Newcomers::Again(_)) {
                self.next = None;
            }
            return None;
        }
        if !schedule.answers.take(now) {
            return None;
        }
        // If there is nothing to take, it is given to one alone.
        self.allowance.take(now);
        if is_alone {
            self.alone_at = now + ALONE_PERIOD;
        }
        let (to, again) = match next.to {
            Newcomers::One(address) => (Recipient::One(address), 0),
            Newcomers::Many { .. } => (Recipient::Everyone, REPEATS),
            Newcomers::Again(times) => (Recipient::Everyone, times.saturating_sub(1)),
        };
        let repeat = |schedule: &mut Schedule| Answer {
            due: schedule.repeat_at(now),
            to: Newcomers::Again(again),
        };
        self.next = (again > 0).then(|| repeat(schedule));
        Some(to)
    }
}
