//! Addresses, networks and links: the ground that all else stands on.

mod address;
mod link;
mod links;
mod network;

pub use address::Address;
pub(crate) use address::mapped;
pub use link::{Link, LinkId, Medium};
pub use links::{Links, TooManyLinks, TooManyNetworks};
pub(crate) use links::{Unheard, is_one_host};
pub(crate) use network::Networks;
pub use network::{InvalidNetwork, Network};
