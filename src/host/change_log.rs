//! What happens to nodes, as log lines.

use super::links::LinkName;
use crate::discoverer::{Event, EventKind};
use crate::log::{Shown, debug, info};
use crate::schedule::TokenBucket;
use crate::time::{Duration, Instant};

/// Changes that are logged in a burst: a LAN after a power cut.
const BURST: u8 = 64;

/// In what time another change may be logged after a burst.
const PERIOD: Duration = Duration::from_secs(1);

/// Logs changes, but not all of very many: who floods the LAN with forged nodes is not to fill the disk, too.
pub(super) struct ChangeLog {
    lines: TokenBucket,
    withheld: u64,
}

impl ChangeLog {
    pub(super) fn new() -> Self {
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
    pub(super) fn log(&mut self, now: Instant, event: &Event, interface: LinkName<'_>) {
        let Event { kind, id, address, .. } = event;
        let socket = address.socket;
        if !self.may_log(now) {
            debug!("{} {} at {} on {}", kind.name(), id, socket, Shown(&interface));
            return;
        }
        match kind {
            EventKind::Found => info!("found {} at {} on {}", id, socket, Shown(&interface)),
            EventKind::Moved => info!("{} is now at {} on {}", id, socket, Shown(&interface)),
            EventKind::Contested { rival } => {
                info!("{} is contested: at {} on {}, and at {}", id, socket, Shown(&interface), *rival);
            }
            EventKind::Lost => info!("lost {}, last heard at {}", id, socket),
        }
    }

    fn may_log(&mut self, now: Instant) -> bool {
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

    #[test]
    fn a_burst_is_logged_and_of_a_flood_a_line_a_second() {
        let mut log = ChangeLog::new();
        let at = Instant::from_millis;
        assert_eq!((0..1000).filter(|_| log.may_log(at(5000))).count(), usize::from(BURST));
        assert_eq!(log.withheld, 1000 - u64::from(BURST));
        assert!(!log.may_log(at(5999)));
        assert!(log.may_log(at(6000)));
        assert_eq!(log.withheld, 0);
    }
}
