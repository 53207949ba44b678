//! How long ago something was saved.

use core::num::NonZeroU128;

use crate::time::Duration;

/// Where a boot is not known, its clock and the wall clock show the same boot if the times that
/// they measured differ by no more than this. After another boot they differ by all the time
/// before it.
const AGREEMENT: Duration = Duration::from_secs(5);

/// A point in time by every clock that can later show how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The boot of the machine: a number that no other boot has. None if it is not known.
    pub boot: Option<NonZeroU128>,
    /// The time since that boot, with the time the machine slept.
    pub since_boot: Duration,
    /// The time since 1970 by the clock on the wall. People and programs set it, so it counts only
    /// where no other does.
    pub wall: Duration,
}

impl Moment {
    /// How long before this moment `earlier` was, or longer. None if it can't have been before, by
    /// the clock that counts.
    ///
    /// Within a boot its clock counts. After another boot the wall clock counts, and at least the
    /// time since this boot has passed. If the wall clock stood still while the machine was off,
    /// that time counts as zero. Restored nodes are then older than the machine believes, and
    /// live on for a lease at most.
    ///
    /// The boot is not known where `/proc` is not mounted, as in some containers. Then the longer
    /// of both times counts if they agree, and else it is as after another boot: a daemon that is
    /// started again after seconds knows its nodes, whatever the machine's uptime.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Option<Duration> {
        if self.boot.is_some() && self.boot == earlier.boot {
            return passed(earlier.since_boot, self.since_boot);
        }
        let by_wall = passed(earlier.wall, self.wall)?;
        let is_unknown = self.boot.is_none() || earlier.boot.is_none();
        let within_boot = passed(earlier.since_boot, self.since_boot).filter(|within| {
            is_unknown && within.millis().abs_diff(by_wall.millis()) <= AGREEMENT.millis()
        });
        Some(by_wall.max(within_boot.unwrap_or(self.since_boot)))
    }

    /// Whether both are known to be in the same boot.
    #[must_use]
    pub fn is_in_boot_of(&self, other: &Self) -> bool {
        self.boot.is_some() && self.boot == other.boot
    }
}

fn passed(from: Duration, to: Duration) -> Option<Duration> {
    to.millis().checked_sub(from.millis()).map(Duration::from_millis)
}

#[cfg(feature = "defmt")]
impl defmt::Format for Moment {
    fn format(&self, f: defmt::Formatter<'_>) {
        let boot = self.boot.map_or(0, NonZeroU128::get);
        defmt::write!(
            f,
            "Moment {{ boot: {=u128:x}, since_boot: {}, wall: {} }}",
            boot,
            self.since_boot,
            self.wall
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_counts_within_a_boot_and_the_wall_clock_beyond() {
        for (saved, now, elapsed) in [
            // The boot, the time since, the wall clock, all in seconds.
            ((1, 100, 5000), (1, 100, 5000), Some(0)),
            ((1, 100, 5000), (1, 107, 5007), Some(7)),
            // The wall clock was set forward, or back.
            ((1, 100, 5000), (1, 107, 9999), Some(7)),
            ((1, 100, 5000), (1, 107, 0), Some(7)),
            // The clock of one and the same boot goes back only where another machine's pretends to
            // be it.
            ((1, 100, 5000), (1, 99, 5007), None),
            // Another boot.
            ((1, 100, 5000), (2, 20, 5030), Some(30)),
            ((1, 100, 5000), (2, 200, 5230), Some(230)),
            // Its wall clock stood still while it was off, was not set since, or had never been
            // set.
            ((1, 100, 5000), (2, 20, 5010), Some(20)),
            ((1, 100, 5000), (2, 20, 4999), None),
            ((1, 100, 5000), (2, 20, 0), None),
            ((1, 100, 0), (2, 20, 5000), Some(5000)),
            // A boot that is not known is the same if both clocks agree.
            ((0, 100, 5000), (0, 107, 5007), Some(7)),
            ((0, 100, 5000), (0, 107, 5012), Some(12)),
            ((0, 100, 5000), (0, 107, 5002), Some(7)),
            ((0, 86_400, 5000), (1, 86_407, 5007), Some(7)),
            ((1, 86_400, 5000), (0, 86_407, 5007), Some(7)),
            // The machine was started again, or the wall clock set.
            ((0, 100, 5000), (0, 107, 5013), Some(107)),
            ((0, 100, 5000), (0, 107, 5001), Some(107)),
            ((0, 100, 5000), (0, 20, 5030), Some(30)),
            ((0, 100, 5000), (0, 200, 5230), Some(230)),
            ((0, 100, 5000), (1, 107, 5200), Some(200)),
            ((1, 100, 5000), (0, 107, 4000), None),
            ((0, 100, 5000), (0, 107, 4999), None),
            // Boots that are known to be others are, even so.
            ((1, 100, 5000), (2, 107, 5007), Some(107)),
        ] {
            let moment = |(boot, since_boot, wall)| Moment {
                boot: NonZeroU128::new(boot),
                since_boot: Duration::from_secs(since_boot),
                wall: Duration::from_secs(wall),
            };
            let told = moment(now).since(&moment(saved));
            assert_eq!(told, elapsed.map(Duration::from_secs), "from {saved:?} to {now:?}");
        }
    }
}
