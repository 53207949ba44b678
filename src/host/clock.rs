//! The one place where the time is read.

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use crate::time::Instant;

/// The time since boot. It goes on while the machine sleeps: what expired meanwhile is gone on waking.
pub(super) fn now() -> Instant {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Instant::ZERO, from_timespec)
}

/// The processor time that this thread has used, in nanoseconds.
pub(super) fn processor_time() -> u64 {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0, |time| {
        let [secs, nanos] = [time.tv_sec(), time.tv_nsec()].map(|part| u64::try_from(part).unwrap_or(0));
        secs.saturating_mul(1_000_000_000).saturating_add(nanos)
    })
}

fn from_timespec(time: TimeSpec) -> Instant {
    let secs = u64::try_from(time.tv_sec()).unwrap_or(0);
    let millis = u64::try_from(time.tv_nsec() / 1_000_000).unwrap_or(0);
    Instant::from_millis(secs.saturating_mul(1000).saturating_add(millis))
}

/// The same point in time as the kernel counts it.
pub(super) fn to_timespec(at: Instant) -> TimeSpec {
    std::time::Duration::from_millis(at.millis()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_milliseconds() {
        for millis in [0, 1, 999, 1000, 86_400_123] {
            let at = Instant::from_millis(millis);
            assert_eq!(from_timespec(to_timespec(at)), at);
        }
        assert_eq!(from_timespec(TimeSpec::new(1, 999_999_999)), Instant::from_millis(1999));
        assert_eq!(from_timespec(TimeSpec::new(-1, 0)), Instant::ZERO);
    }

    #[test]
    fn work_takes_processor_time() {
        let before = processor_time();
        while processor_time() == before {}
        assert!(processor_time() > before);
    }

    #[test]
    fn time_passes() {
        let before = now();
        assert!(before > Instant::ZERO);
        assert!(now() >= before);
    }
}
