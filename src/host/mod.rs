//! The daemon: a single-threaded event loop around the [`Discoverer`](crate::discoverer::Discoverer).
//!
//! ```text
//! daemon.rs      the loop: wait, take one kind of input, drain the core, repeat
//! links.rs       the interfaces in use, each with its UDP socket (udp.rs)
//! netlink.rs     what the kernel says of interfaces (interface.rs), and that something changed
//! memory.rs      room for all that is kept
//! timer.rs       the one timer;  clock.rs  the one clock
//! signals.rs     SIGTERM, SIGINT, SIGHUP as input of the loop
//! server/        the control socket and its clients
//! logger.rs      log lines on standard error;  change_log.rs, outage.rs  saying enough and no more
//! ```
//!
//! Everything is allocated before the loop starts. From then on a datagram, a timer, a control request or a change of the
//! interfaces allocates nothing. Work for each wake-up is bounded: a flood on one socket starves no other.

#[cfg(test)]
mod budget;
mod change_log;
mod clock;
mod daemon;
mod interface;
mod links;
#[cfg(feature = "log")]
mod logger;
mod memory;
mod netlink;
mod outage;
mod server;
mod signals;
mod timer;
mod udp;

pub use daemon::{Daemon, Options};
pub use interface::Pattern;
#[cfg(feature = "log")]
pub use logger::init as init_logger;
pub use memory::Memory;
