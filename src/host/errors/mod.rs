//! Errors of the host.
//!
//! ```text
//! reason.rs   why something fails
//! outage.rs   saying once that something fails, and once that it works again
//! ```

pub(super) mod outage;
pub(super) mod reason;
