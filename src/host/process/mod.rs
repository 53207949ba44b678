//! This process, those that it starts, and those beside it.
//!
//! ```text
//! signals.rs          SIGTERM, SIGINT and SIGHUP as input of the loop
//! privileges.rs       giving up what the daemon needs only to start
//! accounts.rs         users and groups
//! service_manager.rs  telling the service manager how the daemon is doing
//! first_process.rs    being the first process of a container
//! spawn.rs            starting a program, for `--exec`
//! port_owner.rs       the process that has the UDP port, or a socket whose file is gone
//! ```

pub(super) mod accounts;
pub(super) mod first_process;
pub(super) mod port_owner;
pub(super) mod privileges;
pub(super) mod service_manager;
pub(super) mod signals;
pub(super) mod spawn;
