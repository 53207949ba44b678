//! The only place that reads the time.
//!
//! A time that cannot be read is an error, never 0: with a clock that stands still, the loop would
//! never sleep and nodes would never expire.

use std::io::{self, Read as _};
use std::num::NonZeroU128;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::time::{ClockId, DynamicClockId, TimerfdClockId, Timespec};

use crate::host::errors::reason::refused;
use crate::host::files::regular_file::open_file;
use crate::kernel_clock::clock_gettime_dynamic;
use crate::log::{Shown, warn};
use crate::state::Moment;
use crate::time::{Duration, Instant};

// Seconds must have 64 bits. On MIPS the time comes from the C library, so its seconds must, too.
#[cfg(all(target_arch = "mips", target_env = "musl"))]
const _: () = assert!(
    size_of::<nix::libc::timespec>() == size_of::<Timespec>(),
    "times end in 2038: build with RUSTFLAGS=--cfg=libc_unstable_time64"
);

/// When the machine booted. This is not 0, since a restored node may have been heard before the
/// boot; 34 years are enough.
pub(crate) const BOOT: Instant = Instant::from_millis(1 << 40);

/// Reads one of the kernel's clocks.
type Read = fn(DynamicClockId<'_>) -> Result<Timespec, Errno>;

/// The daemon's clock, chosen when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// Counts the time that the machine sleeps: nodes that expired meanwhile are gone when it
    /// wakes. Since Linux 2.6.39, and for timers 3.15.
    WithSleep,
    /// Does not count that time.
    WithoutSleep,
}

impl Clock {
    /// Chooses the clock that counts time asleep, or else the other, and makes its timer.
    ///
    /// # Errors
    ///
    /// Neither clock can be read and have a timer. The error's text says what to do.
    pub(crate) fn with_timer<T>(timer: impl Fn(Self) -> io::Result<T>) -> io::Result<(Self, T)> {
        Self::choose(clock_gettime_dynamic, timer)
    }

    fn choose<T>(read: Read, timer: impl Fn(Self) -> io::Result<T>) -> io::Result<(Self, T)> {
        let tried = |clock: Self| clock.now_by(read).and_then(|_| Ok((clock, timer(clock)?)));
        tried(Self::WithSleep).or_else(|error| {
            let other = tried(Self::WithoutSleep)?;
            let error = Shown(&error);
            warn!(
                "the clock stops while the machine sleeps, so after a suspend nodes expire late: {}",
                error
            );
            Ok(other)
        })
    }

    /// The time, counted since boot.
    ///
    /// # Errors
    ///
    /// The kernel no longer reports it. Then the daemon must end: nothing would expire, and its
    /// timer would fire for ever.
    pub(crate) fn now(self) -> io::Result<Instant> {
        self.now_by(clock_gettime_dynamic)
    }

    fn now_by(self, read: Read) -> io::Result<Instant> {
        let id = match self {
            Self::WithSleep => DynamicClockId::Boottime,
            Self::WithoutSleep => DynamicClockId::Known(ClockId::Monotonic),
        };
        read(id)
            .map(|time| BOOT + from_timespec(time))
            .map_err(|errno| refused("clock_gettime", errno))
    }

    /// The clock's number for timers.
    pub(crate) fn id(self) -> TimerfdClockId {
        match self {
            Self::WithSleep => TimerfdClockId::Boottime,
            Self::WithoutSleep => TimerfdClockId::Monotonic,
        }
    }
}

/// The time since boot for the frames of the log, which have no daemon.
#[cfg(feature = "defmt")]
pub(crate) fn uptime() -> Duration {
    let now = Clock::WithSleep.now().or_else(|_| Clock::WithoutSleep.now());
    now.map_or(Duration::ZERO, |now| now.since(BOOT))
}

/// The processor time that this thread has used, in nanoseconds. None if the kernel does not report
/// it.
pub(crate) fn processor_time() -> Option<u64> {
    let time = clock_gettime_dynamic(DynamicClockId::Known(ClockId::ThreadCPUTime)).ok()?;
    let secs = u64::try_from(time.tv_sec).ok()?;
    secs.checked_mul(1_000_000_000)?.checked_add(u64::try_from(time.tv_nsec).ok()?)
}

/// The same point in time on all clocks.
pub(crate) fn moment(boot: Option<NonZeroU128>, now: Instant) -> io::Result<Moment> {
    Ok(Moment { boot, since_boot: now.since(BOOT), wall: wall()? })
}

/// The time since 1970, if the system clock is right.
pub(crate) fn wall() -> io::Result<Duration> {
    Ok(from_timespec(clock_gettime_dynamic(DynamicClockId::Known(ClockId::Realtime))?))
}

/// The number that the kernel gave this boot.
pub(crate) fn boot() -> Option<NonZeroU128> {
    let mut uuid = [0; 36];
    open_file(Path::new("/proc/sys/kernel/random/boot_id"), OFlags::RDONLY)
        .ok()?
        .read_exact(&mut uuid)
        .ok()?;
    from_uuid(&uuid)
}

fn from_uuid(uuid: &[u8]) -> Option<NonZeroU128> {
    let mut digits = uuid.iter().filter(|byte| **byte != b'-');
    let number = digits.try_fold(0, |number: u128, digit| {
        Some(number.checked_mul(16)? | u128::from(char::from(*digit).to_digit(16)?))
    });
    number.and_then(NonZeroU128::new)
}

/// A time before 1970 counts as 1970.
fn from_timespec(time: Timespec) -> Duration {
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    // Less than a second, so 32 bits are enough. A division of 64 bits would take more code.
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::from_millis(secs.saturating_mul(1000).saturating_add((nanos / 1_000_000).into()))
}

/// The same point in time as the kernel counts it.
pub(crate) fn to_timespec(at: Instant) -> Timespec {
    let millis = at.since(BOOT).millis();
    let nanos = i32::try_from(millis % 1000).unwrap_or(0) * 1_000_000;
    Timespec { tv_sec: i64::try_from(millis / 1000).unwrap_or(i64::MAX), tv_nsec: nanos.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timespec(secs: i64, nanos: i32) -> Timespec {
        Timespec { tv_sec: secs, tv_nsec: nanos.into() }
    }

    #[test]
    fn times_keep_their_milliseconds() {
        // The last two are in 2040, and as late as an instant can be.
        for millis in [
            0,
            1,
            999,
            1000,
            86_400_123,
            2_208_988_800_007,
            u64::MAX - BOOT.since(Instant::ZERO).millis(),
        ] {
            let span = Duration::from_millis(millis);
            assert_eq!(from_timespec(to_timespec(BOOT + span)), span);
        }
        assert_eq!(from_timespec(timespec(1, 999_999_999)), Duration::from_millis(1999));
        assert_eq!(from_timespec(timespec(-1, 0)), Duration::ZERO);
        assert_eq!(to_timespec(Instant::ZERO), timespec(0, 0));
    }

    #[test]
    fn clocks_tell_nanoseconds() {
        let read =
            || clock_gettime_dynamic(DynamicClockId::Known(ClockId::Monotonic)).unwrap().tv_nsec;
        assert!((0..1000).any(|_| read() != 0));
        assert!((0..1_000_000_000).contains(&read()));
    }

    #[test]
    fn work_takes_processor_time() {
        let before = processor_time().unwrap();
        while processor_time() == Some(before) {}
        assert!(processor_time().unwrap() > before);
    }

    #[test]
    fn time_passes() {
        let (clock, ()) = Clock::with_timer(|_| Ok(())).unwrap();
        let before = clock.now().unwrap();
        assert!(before > BOOT);
        assert!(clock.now().unwrap() >= before);
        // No clock that is right says less than when this was written.
        assert!(wall().unwrap() > Duration::from_secs(1_767_225_600));
    }

    const WITH_ALL_CLOCKS: Read = |_| Ok(timespec(7, 0));

    /// As before Linux 2.6.39.
    const WITHOUT_BOOTTIME: Read = |id| match id {
        DynamicClockId::Boottime => Err(Errno::INVAL),
        id => WITH_ALL_CLOCKS(id),
    };

    /// As in a sandbox.
    const WITHOUT_CLOCKS: Read = |_| Err(Errno::PERM);

    /// As before Linux 3.15.
    fn no_timer_with_sleep(clock: Clock) -> io::Result<TimerfdClockId> {
        match clock {
            Clock::WithSleep => Err(refused("timerfd_create", Errno::INVAL)),
            Clock::WithoutSleep => Ok(clock.id()),
        }
    }

    #[test]
    fn the_clock_is_one_that_can_be_read_and_has_a_timer() {
        let any_timer = |clock: Clock| Ok(clock.id());
        let choices = [
            (Clock::choose(WITH_ALL_CLOCKS, any_timer), Clock::WithSleep),
            (Clock::choose(WITHOUT_BOOTTIME, any_timer), Clock::WithoutSleep),
            (Clock::choose(WITH_ALL_CLOCKS, no_timer_with_sleep), Clock::WithoutSleep),
            (Clock::choose(WITHOUT_BOOTTIME, no_timer_with_sleep), Clock::WithoutSleep),
        ];
        for (chosen, expected) in choices {
            assert_eq!(chosen.unwrap(), (expected, expected.id()));
        }
        assert_eq!(
            Clock::WithoutSleep.now_by(WITHOUT_BOOTTIME).unwrap(),
            BOOT + Duration::from_secs(7)
        );
    }

    #[test]
    fn a_time_that_can_not_be_read_is_an_error_and_no_time() {
        for clock in [Clock::WithSleep, Clock::WithoutSleep] {
            let error = clock.now_by(WITHOUT_CLOCKS).unwrap_err().to_string();
            assert!(error.starts_with("clock_gettime was refused: permission denied"), "{error}");
        }
        let error = Clock::choose(WITHOUT_CLOCKS, |_| Ok(())).unwrap_err().to_string();
        assert!(error.starts_with("clock_gettime was refused: permission denied"), "{error}");
        let no_timer = |_| Err::<(), _>(refused("timerfd_create", Errno::MFILE));
        let error = Clock::choose(WITH_ALL_CLOCKS, no_timer).unwrap_err().to_string();
        assert!(error.starts_with("timerfd_create was refused: too many open files"), "{error}");
    }

    #[test]
    fn the_kernel_tells_one_boot_from_another() {
        assert_eq!(
            from_uuid(b"01234567-89ab-cdef-0123-456789abcdef").map(NonZeroU128::get),
            Some(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)
        );
        for text in
            ["", "\n", "none", "00000000-0000-0000-0000-000000000000", "0x1", &"f".repeat(33)]
        {
            assert_eq!(from_uuid(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(boot(), boot());
        assert!(boot().is_some());
    }
}
