//! The daemon: a single-threaded event loop around the
//! [`Discoverer`](crate::discoverer::Discoverer).
//!
//! ```text
//! daemon.rs      the loop: wait, take one kind of input, drain the core, repeat
//! interfaces/    the interfaces of this machine, as the kernel describes them
//! links/         the interfaces in use, each with its UDP socket
//! memory.rs      room for all that is kept
//! state_file.rs  the registry in a file over a restart;  save_times.rs  when it is saved
//! host_name.rs   the node that is called as this machine is
//! time/          the clock, the timer, and a limit for calls that could wait
//! signals.rs     SIGTERM, SIGINT, SIGHUP as input of the loop
//! privileges.rs  giving up what the daemon does not need once it has started;  accounts.rs  users and groups
//! port_owner.rs  who has the UDP port when it can't be opened, or a socket whose file is gone
//! server/        the control socket and its clients
//! service_manager.rs  telling whoever started the daemon how it is;  unix_socket.rs  how they are reached
//! log/           log messages on their way out
//! outage.rs      saying once that something fails;  reason.rs  why something fails
//! regular_file.rs  opening files, also where others may put something else;  spawn.rs  starting a program, for `--exec`
//! ```
//!
//! Everything is allocated before the loop starts. From then on a datagram, a timer, a control
//! request or a change of the interfaces allocates nothing. Work for each wake-up is bounded: a
//! flood on one socket starves no other.

mod accounts;
#[cfg(test)]
mod budget;
mod daemon;
mod first_process;
mod host_name;
mod interfaces;
mod links;
pub(crate) mod log;
mod memory;
mod outage;
mod port_owner;
mod privileges;
mod reason;
mod regular_file;
mod save_times;
mod server;
mod service_manager;
mod signals;
mod spawn;
mod state_file;
mod time;
mod unix_socket;

pub(crate) use accounts::group_name;
pub use daemon::{Daemon, Options};
pub(crate) use first_process::{act_as_first_process, run_child};
pub use interfaces::interface::Pattern;
pub(crate) use interfaces::interface::glob_matches;
pub(crate) use interfaces::survey::survey;
#[cfg(feature = "defmt")]
pub use log::frames::{Level, init as init_log};
pub(crate) use log::journal::is_journal;
#[cfg(any(feature = "log", feature = "defmt"))]
pub use log::log_sink::LogSink;
pub(crate) use log::outlet::Outlet;
pub use memory::Memory;
pub(crate) use outage::Outage;
pub(crate) use port_owner::{is_running, lost_socket, port_owner};
pub use privileges::User;
pub(crate) use privileges::forbidden_port;
pub(crate) use reason::is_usage;
pub(crate) use regular_file::{open_file, open_regular, read_file};
pub(crate) use server::{directory_of, make_directory};
pub use service_manager::ServiceManager;
pub(crate) use signals::survive_file_limit;
pub(crate) use spawn::spawn;
pub(crate) use time::clock::{awake, wall};
#[cfg(all(feature = "log", not(feature = "defmt")))]
pub use {::log::Level, log::logger::init as init_log};
