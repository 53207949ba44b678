//! The system call that sets a timer: rustix makes it.
//!
//! On a big-endian MIPS musl pads a time before the nanoseconds, and rustix takes the padding for
//! them. There the C library's own type is used.

#[cfg(not(all(target_arch = "mips", target_endian = "big", target_env = "musl")))]
pub(crate) use rustix::time::timerfd_settime;

#[cfg(all(target_arch = "mips", target_endian = "big", target_env = "musl"))]
pub(crate) use self::padded::timerfd_settime;

#[cfg(all(target_arch = "mips", target_endian = "big", target_env = "musl"))]
mod padded {
    use std::os::fd::{AsRawFd as _, OwnedFd};

    use nix::libc;
    use nix::sys::time::TimeSpec;
    use rustix::io::Errno;
    use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec};

    pub(crate) fn timerfd_settime(
        fd: &OwnedFd,
        flags: TimerfdTimerFlags,
        time: &Itimerspec,
    ) -> Result<(), Errno> {
        let time = libc::itimerspec {
            it_interval: of_libc(time.it_interval)?,
            it_value: of_libc(time.it_value)?,
        };
        let flags = flags.bits().try_into().map_err(|_| Errno::INVAL)?;
        #[allow(unsafe_code)]
        // SAFETY: the kernel reads a time that lives until the call returns. It is told to write
        // none.
        let result = unsafe {
            libc::timerfd_settime(fd.as_raw_fd(), flags, &raw const time, std::ptr::null_mut())
        };
        nix::errno::Errno::result(result).map(drop).map_err(of_rustix)
    }

    fn of_libc(time: Timespec) -> Result<libc::timespec, Errno> {
        let secs = time.tv_sec.try_into().map_err(|_| Errno::OVERFLOW)?;
        Ok(*TimeSpec::new(secs, time.tv_nsec).as_ref())
    }

    fn of_rustix(errno: nix::errno::Errno) -> Errno {
        Errno::from_raw_os_error(errno as i32)
    }
}
