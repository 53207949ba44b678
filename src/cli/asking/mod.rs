//! Asking the daemon, and what to say when it does not answer.

pub(crate) mod absence;
pub(crate) mod client;
mod error;
mod permission;
pub(crate) mod record;
mod service;
pub(crate) mod status;
