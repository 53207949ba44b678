//! The daemon: a single-threaded event loop around the
//! [`Discoverer`](crate::discoverer::Discoverer).
//!
//! ```text
//! daemon.rs      the loop: wait, take one kind of input, drain the core, repeat
//! links/         the interfaces in use, each with its UDP socket
//! interfaces/    the interfaces of this machine, as the kernel describes them
//! server/        the control socket and its clients
//! host_name.rs   the node that is called as this machine is
//! memory/        room for all that is kept
//! log/           log messages on their way out
//! process/       this process, those that it starts, and those beside it
//! files/         files, the one of the registry among them
//! time/          the clock, the timer, and a limit for calls that could wait
//! errors/        why something fails, and saying so once
//! ```
//!
//! Everything is allocated before the loop starts. From then on a datagram, a timer, a control
//! request or a change of the interfaces allocates nothing. Work for each wake-up is bounded: a
//! flood on one socket starves no other.

mod daemon;
mod entropy;
mod errors;
mod files;
mod host_name;
mod interfaces;
mod links;
mod log;
mod memory;
mod options;
mod process;
mod server;
mod time;

pub use daemon::Daemon;
pub(crate) use errors::outage::Outage;
pub(crate) use errors::reason::is_usage;
pub(crate) use files::regular_file::{open_file, open_regular, read_file};
pub use interfaces::interface::Pattern;
pub(crate) use interfaces::interface::glob_matches;
pub(crate) use interfaces::survey::survey;
pub(crate) use log::journal::is_journal;
#[cfg(any(feature = "log", feature = "defmt"))]
pub use log::log_sink::LogSink;
pub(crate) use log::outlet::Outlet;
pub use memory::Memory;
pub use options::Options;
pub(crate) use process::accounts::group_name;
pub(crate) use process::first_process::{act_as_first_process, run_child};
pub(crate) use process::port_owner::{is_running, lost_socket, port_owner};
pub use process::privileges::User;
pub(crate) use process::privileges::forbidden_port;
pub use process::service_manager::ServiceManager;
pub(crate) use process::signals::survive_file_limit;
pub(crate) use process::spawn::spawn;
pub(crate) use server::{directory_of, make_directory};
pub(crate) use time::clock::wall;
#[cfg(feature = "defmt")]
pub use {crate::log::Level, log::frames::init as init_log};
#[cfg(all(feature = "log", not(feature = "defmt")))]
pub use {::log::Level, log::logger::init as init_log};
