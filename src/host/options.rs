//! The options of the daemon.

use std::num::NonZeroU16;
use std::path::PathBuf;

use super::interfaces::interface::Pattern;
use super::process::privileges::User;
use crate::net::Network;
use crate::time::Duration;
use crate::wire::{Announcement, NodeId};

/// The options of the daemon.
#[derive(Clone, Debug)]
pub struct Options {
    /// The nodes to announce.
    pub announce: Vec<Announcement>,
    /// The port of the node that is named after this machine, if the daemon announces one.
    pub host_name: Option<NonZeroU16>,
    /// The nodes that the registry reserves room for.
    pub expect: Vec<NodeId>,
    /// The time between announcements.
    pub interval: Duration,
    /// Which interfaces to use; see [`Pattern`].
    pub interfaces: Vec<Pattern>,
    /// Networks to accept nodes from, besides those of the interfaces; see
    /// [`Discoverer::allow`](crate::discoverer::Discoverer::allow).
    pub allow: Vec<Network>,
    /// The protocol's UDP port.
    pub udp_port: u16,
    /// The control socket.
    pub control: PathBuf,
    /// Whether the control socket's directory belongs to the daemon, which then creates it again
    /// if it is removed.
    pub own_directory: bool,
    /// The user that the daemon [switches to](super::Daemon::drop_privileges) after the start, if
    /// any.
    pub user: Option<User>,
    /// The file that keeps the known nodes across restarts.
    pub state: Option<PathBuf>,
}
