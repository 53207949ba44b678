//! Changes of nodes and interfaces, as log lines.

use crate::discoverer::{Event, EventKind};
use crate::host::links::LinkName;
use crate::log::{Shown, debug, info};
use crate::time::{Duration, Instant};
use crate::token_bucket::TokenBucket;

/// Changes that are logged in a burst: a LAN after a power cut.
const BURST: u8 = 64;

/// In what time another change may be logged after a burst. Then a flood that never ends costs less
/// than 100 kB a day.
const PERIOD: Duration = Duration::from_secs(300);

/// Logs changes, but not all of very many: a flood of forged nodes is not to fill the disk, too.
/// Nor is an interface that somebody takes down and up again without end, as a radio can.
pub(crate) struct ChangeLog {
    lines: TokenBucket,
    withheld: u64,
}

impl ChangeLog {
    pub(crate) fn new() -> Self {
        Self { lines: TokenBucket::new(BURST, PERIOD), withheld: 0 }
    }

    /// Logs a change, or counts it for when there may be a line again.
    #[cfg_attr(
        feature = "defmt",
        expect(
            clippy::match_same_arms,
            reason = "defmt takes the strings, in which alone they differ, out of the code"
        )
    )]
    pub(crate) fn log(&mut self, now: Instant, event: &Event, interface: LinkName<'_>) {
        let Event { kind, id, address, .. } = event;
        let socket = address.socket;
        if !self.claim_line(now) {
            debug!("{} {} at {} on {}", kind.name(), id, socket, Shown(&interface));
            return;
        }
        match kind {
            EventKind::Found => info!("found {} at {} on {}", id, socket, Shown(&interface)),
            EventKind::Moved => info!("{} is now at {} on {}", id, socket, Shown(&interface)),
            EventKind::Contested { rival } => {
                info!(
                    "{} is contested: at {} on {}, and at {}",
                    id,
                    socket,
                    Shown(&interface),
                    *rival
                );
            }
            EventKind::Lost => info!("lost {}, last heard at {}", id, socket),
        }
    }

    /// Whether one more change may be logged. If so, it says how many were not before.
    pub(crate) fn claim_line(&mut self, now: Instant) -> bool {
        if !self.lines.take(now) {
            self.withheld = self.withheld.saturating_add(1);
            return false;
        }
        let withheld = std::mem::take(&mut self.withheld);
        if withheld > 0 {
            info!("{} more changes were not logged, they came too fast", withheld);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::NODE_ID_CAPACITY;

    #[test]
    fn a_burst_is_logged_and_of_a_flood_a_line_in_five_minutes() {
        let mut log = ChangeLog::new();
        let at = Instant::from_millis;
        let begin = 1_000_000;
        assert_eq!((0..1000).filter(|_| log.claim_line(at(begin))).count(), usize::from(BURST));
        assert_eq!(log.withheld, 1000 - u64::from(BURST));
        assert!(!log.claim_line(at(begin + PERIOD.millis() - 1)));
        assert!(log.claim_line(at(begin + PERIOD.millis())));
        assert_eq!(log.withheld, 0);
    }

    #[test]
    fn a_day_of_any_flood_takes_100_kb() {
        // The longest lines: of a change, and of how many were not logged.
        let line =
            "foghorn: info:  is contested: at 255.255.255.255:65535 on , and at 255.255.255.255:65535\n"
                .len()
                + NODE_ID_CAPACITY
                + "wlx0123456789ab".len();
        let withheld =
            "foghorn: info: 18446744073709551615 more changes were not logged, they came too fast\n".len();
        // Without a pause, or with pauses in which the log recovers.
        for (on, off) in [(1, 0), (1, 9), (60, 60), (600, 600), (3600, 3600)] {
            let mut log = ChangeLog::new();
            let mut bytes = 0;
            for secs in (0..24 * 3600).filter(|secs| secs % (on + off) < on) {
                for _ in 0..100 {
                    let is_first = log.withheld > 0;
                    if log.claim_line(Instant::from_millis((1_000_000 + secs) * 1000)) {
                        bytes += line + if is_first { withheld } else { 0 };
                    }
                }
            }
            assert!((10_000..100_000).contains(&bytes), "{bytes} bytes");
        }
    }
}
