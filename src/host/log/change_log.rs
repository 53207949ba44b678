//! Changes of nodes and interfaces, as log lines.

use core::fmt::Display;

use crate::discoverer::{Event, EventKind};
use crate::log::{Shown, debug, info};
use crate::time::{Duration, Instant};
use crate::token_bucket::TokenBucket;

/// This many changes are logged in a burst: a LAN after a power cut.
const BURST: u8 = 64;

/// After a burst, one more change is logged in each such period. Then an endless flood costs less
/// than 100 kB a day.
const PERIOD: Duration = Duration::from_secs(300);

/// Logs changes at a limited rate: a flood of forged nodes must not fill the disk, nor must an
/// interface that goes down and up without end, as a radio can.
pub(crate) struct ChangeLog {
    lines: TokenBucket,
    withheld: u64,
}

impl ChangeLog {
    pub(crate) fn new() -> Self {
        Self { lines: TokenBucket::new(BURST, PERIOD), withheld: 0 }
    }

    /// Logs a change on the interface with that name, or counts it for the next line.
    #[cfg_attr(
        feature = "defmt",
        expect(
            clippy::match_same_arms,
            reason = "the arms differ only in strings, and defmt takes those out of the code"
        )
    )]
    pub(crate) fn log(&mut self, now: Instant, event: &Event, interface: &dyn Display) {
        let Event { kind, id, address, .. } = event;
        let socket = address.socket;
        if !self.claim_line(now) {
            debug!("{} {} at {} on {}", kind.name(), id, socket, Shown(interface));
            return;
        }
        match kind {
            EventKind::Found => info!("found {} at {} on {}", id, socket, Shown(interface)),
            EventKind::Moved => info!("{} is now at {} on {}", id, socket, Shown(interface)),
            EventKind::Contested { rival } => {
                info!(
                    "{} is contested: at {} on {}, and at {}",
                    id,
                    socket,
                    Shown(interface),
                    *rival
                );
            }
            EventKind::Lost => info!("lost {}, last heard at {}", id, socket),
        }
    }

    /// Whether one more change may be logged. If so, this first logs how many were not.
    pub(crate) fn claim_line(&mut self, now: Instant) -> bool {
        if !self.lines.take(now) {
            self.withheld = self.withheld.saturating_add(1);
            return false;
        }
        let withheld = std::mem::take(&mut self.withheld);
        if withheld > 0 {
            info!("{} more changes were not logged: too many at once", withheld);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::NODE_ID_CAPACITY;

    #[test]
    fn a_burst_is_logged_and_then_one_line_of_a_flood_in_five_minutes() {
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
    fn a_day_of_any_flood_takes_at_most_100_kb() {
        // The longest lines: of a change, and of the number that was not logged.
        let line = "foghorn: info:  is contested: at 255.255.255.255:65535 on , \
                    and at 255.255.255.255:65535\n"
            .len()
            + NODE_ID_CAPACITY
            + "wlx0123456789ab".len();
        let withheld =
            "foghorn: info: 18446744073709551615 more changes were not logged: too many at once\n"
                .len();
        // A flood without a pause, or with pauses in which the log recovers.
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
