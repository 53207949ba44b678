//! The one place where the time is read.

use std::fs::File;
use std::io::Read as _;
use std::num::NonZeroU128;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use crate::state::Moment;
use crate::time::{Duration, Instant};

/// When the machine booted. It is not the origin, since a node that is restored may have been heard before; 34 years will do.
pub(super) const BOOT: Instant = Instant::from_millis(1 << 40);

/// The time, counted since boot. It goes on while the machine sleeps: what expired meanwhile is gone on waking.
pub(super) fn now() -> Instant {
    BOOT + read(ClockId::CLOCK_BOOTTIME)
}

/// The processor time that this thread has used, in nanoseconds.
pub(super) fn processor_time() -> u64 {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0, |time| {
        let [secs, nanos] = [time.tv_sec(), time.tv_nsec()].map(|part| u64::try_from(part).unwrap_or(0));
        secs.saturating_mul(1_000_000_000).saturating_add(nanos)
    })
}

/// The same point in time by all clocks.
pub(super) fn moment(boot: Option<NonZeroU128>, now: Instant) -> Moment {
    Moment { boot, since_boot: now.since(BOOT), wall: wall() }
}

/// The time since 1970, as far as the clock on the wall is right.
pub(crate) fn wall() -> Duration {
    read(ClockId::CLOCK_REALTIME)
}

/// The number that the kernel gave this boot.
pub(super) fn boot() -> Option<NonZeroU128> {
    let mut uuid = [0; 36];
    File::open("/proc/sys/kernel/random/boot_id").ok()?.read_exact(&mut uuid).ok()?;
    from_uuid(&uuid)
}

fn from_uuid(uuid: &[u8]) -> Option<NonZeroU128> {
    let mut digits = uuid.iter().filter(|byte| **byte != b'-');
    let number = digits.try_fold(0, |number: u128, digit| {
        Some(number.checked_mul(16)? | u128::from(char::from(*digit).to_digit(16)?))
    });
    number.and_then(NonZeroU128::new)
}

fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, from_timespec)
}

fn from_timespec(time: TimeSpec) -> Duration {
    let secs = u64::try_from(time.tv_sec()).unwrap_or(0);
    let millis = u64::try_from(time.tv_nsec() / 1_000_000).unwrap_or(0);
    Duration::from_millis(secs.saturating_mul(1000).saturating_add(millis))
}

/// The same point in time as the kernel counts it.
pub(super) fn to_timespec(at: Instant) -> TimeSpec {
    std::time::Duration::from_millis(at.since(BOOT).millis()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_milliseconds() {
        for millis in [0, 1, 999, 1000, 86_400_123] {
            let span = Duration::from_millis(millis);
            assert_eq!(from_timespec(to_timespec(BOOT + span)), span);
        }
        assert_eq!(from_timespec(TimeSpec::new(1, 999_999_999)), Duration::from_millis(1999));
        assert_eq!(from_timespec(TimeSpec::new(-1, 0)), Duration::ZERO);
        assert_eq!(to_timespec(Instant::ZERO), TimeSpec::new(0, 0));
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
        assert!(before > BOOT);
        assert!(now() >= before);
    }

    #[test]
    fn the_kernel_tells_one_boot_from_another() {
        assert_eq!(
            from_uuid(b"01234567-89ab-cdef-0123-456789abcdef").map(NonZeroU128::get),
            Some(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)
        );
        for text in ["", "\n", "none", "00000000-0000-0000-0000-000000000000", "0x1", &"f".repeat(33)] {
            assert_eq!(from_uuid(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(boot(), boot());
        assert!(boot().is_some());
    }
}
