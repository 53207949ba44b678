//! The system call that reads a clock, for the daemon and its clients: rustix makes it.
//!
//! On a big-endian MIPS musl pads a time before the nanoseconds, and rustix takes the padding for
//! them. There the C library's own type is used.

use core::time::Duration;

use rustix::io::Errno;
use rustix::time::{ClockId, DynamicClockId};

#[cfg(not(all(target_arch = "mips", target_endian = "big", target_env = "musl")))]
pub(crate) use rustix::time::clock_gettime_dynamic;

#[cfg(all(target_arch = "mips", target_endian = "big", target_env = "musl"))]
pub(crate) use self::padded::clock_gettime_dynamic;

/// The time since boot without time asleep, for commands. The standard library would read it
/// through musl, for 2 kB more.
pub(crate) fn awake() -> Result<Duration, Errno> {
    let time = clock_gettime_dynamic(DynamicClockId::Known(ClockId::Monotonic))?;
    Duration::try_from(time).map_err(|_| Errno::INVAL)
}

#[cfg(all(target_arch = "mips", target_endian = "big", target_env = "musl"))]
mod padded {
    use nix::libc;
    use nix::time::{self, ClockId};
    use rustix::io::Errno;
    use rustix::time::{DynamicClockId, Timespec};

    pub(crate) fn clock_gettime_dynamic(id: DynamicClockId<'_>) -> Result<Timespec, Errno> {
        let id = match id {
            DynamicClockId::Known(id) => id as libc::clockid_t,
            DynamicClockId::Boottime => libc::CLOCK_BOOTTIME,
            _ => return Err(Errno::INVAL),
        };
        let time = time::clock_gettime(ClockId::from_raw(id))
            .map_err(|errno| Errno::from_raw_os_error(errno as i32))?;
        Ok(Timespec { tv_sec: time.tv_sec().into(), tv_nsec: time.tv_nsec() })
    }
}
