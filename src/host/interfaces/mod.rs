//! The interfaces of this machine, as the kernel describes them.
//!
//! ```text
//! interface.rs   an interface, and which interfaces the user wants
//! rtnetlink.rs   the kernel's messages about interfaces, read and written
//! netlink.rs     the sockets that carry these messages
//! survey.rs      the interfaces for people
//! ```

pub(super) mod interface;
pub(super) mod netlink;
pub(super) mod rtnetlink;
pub(super) mod survey;
