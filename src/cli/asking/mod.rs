//! Asking the daemon, and what to say when it does not answer.

pub(crate) mod absence;
pub(crate) mod client;
mod permission;
mod service;
