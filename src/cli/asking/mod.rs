//! Asking the daemon, and what to say when it does not answer.

pub(crate) mod absence;
mod error;
mod permission;
pub(crate) mod record;
mod service;
pub(crate) mod session;
pub(crate) mod status;
