//! The interfaces of this machine, as the kernel describes them.
//!
//! ```text
//! interface.rs   an interface, and which interfaces the user wants
//! attributes.rs  the attributes in the kernel's messages
//! rtnetlink.rs   the kernel's messages about interfaces, read and written
//! netlink.rs     the sockets that carry these messages
//! query.rs     the interfaces that the kernel lists, with their addresses
//! monitor.rs     a socket by which the kernel says that something changed
//! survey.rs      the interfaces for people
//! ```

mod attributes;
pub(super) mod interface;
pub(super) mod monitor;
mod netlink;
pub(super) mod query;
mod rtnetlink;
pub(super) mod survey;
