//! The commands, a file or a folder each.

pub(crate) mod connect;
pub(crate) mod doctor;
mod exec;
mod find;
mod host_name;
pub(crate) mod hosts;
pub(crate) mod list;
pub(crate) mod lookup;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod unknown;
pub(crate) mod watch;
