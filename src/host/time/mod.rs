//! Clocks and timers.
//!
//! ```text
//! clock.rs        the one clock of the daemon
//! timer.rs        the one timer of its loop
//! kernel_time.rs  the system call behind the timer
//! time_limit.rs   a limit for calls that could wait
//! ```

pub(super) mod clock;
pub(super) mod kernel_time;
pub(super) mod time_limit;
pub(super) mod timer;
