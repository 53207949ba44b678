//! How the daemon is to run.

use std::num::NonZeroU16;
use std::path::PathBuf;

use super::interfaces::interface::Pattern;
use super::process::privileges::User;
use crate::net::Network;
use crate::time::Duration;
use crate::wire::{Announcement, NodeId};

/// How the daemon is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The nodes to announce.
    pub announce: Vec<Announcement>,
    /// The port at which a node is announced that is called as this machine is, if one is.
    pub host_name: Option<NonZeroU16>,
    /// The nodes that a place in the registry is kept for.
    pub expect: Vec<NodeId>,
    /// The time between announcements.
    pub interval: Duration,
    /// Which interfaces to use; see [`Pattern`].
    pub interfaces: Vec<Pattern>,
    /// Networks that nodes are heard from besides those of the interfaces; see
    /// [`Discoverer::allow`](crate::discoverer::Discoverer::allow).
    pub allow: Vec<Network>,
    /// The protocol's UDP port.
    pub udp_port: u16,
    /// The control socket.
    pub control: PathBuf,
    /// Whether the control socket's directory is the daemon's own: it is made again when it goes.
    pub own_directory: bool,
    /// Whom the daemon is to run as, if it is to change that once it has
    /// [started](super::Daemon::drop_privileges).
    pub user: Option<User>,
    /// The file that what is known is kept in over a restart.
    pub state: Option<PathBuf>,
}
