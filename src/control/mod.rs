//! The control protocol: how a program asks the daemon, as bytes.
//!
//! It is spoken over a Unix stream socket, in lines that end with `\n`, and is made to be typed and
//! read by a person too:
//!
//! ```text
//! $ socat - UNIX-CONNECT:/run/foghorn/control.sock
//! lookup nas
//! node id=nas addresses=198.18.0.2:22000 interface=eth0 age_s=3 known_s=120 expires_s=87 heard=4 contested=no
//! ok
//! lookup printer
//! error unknown-node printer is not known
//! ```
//!
//! # Requests
//!
//! One line each, words separated by single spaces, at most
//! [`REQUEST_CAPACITY`](crate::limits::REQUEST_CAPACITY) bytes. Several may be sent without
//! waiting; they are answered in order.
//!
//! | request | reply |
//! | --- | --- |
//! | `version` | `version protocol=1 foghorn=0.1.0` |
//! | `version N` | the same, or `error version` if the daemon does not speak version N of this protocol |
//! | `lookup NODE` | a `node` line, or `error unknown-node`, or `error own-node` if the daemon announces it itself |
//! | `list` | an `own` line for each node that the daemon announces, then a `node` line for each that it has heard, in no order |
//! | `watch` | a `known` line for each node, then a `found`, `moved`, `contested` or `lost` line for each change, without end; a `contested` line has the other address as `rival` |
//! | `status` | a `daemon`, a `registry`, a `datagrams` and a `rejected` line, an `own` line for each node that is announced, a `rival` line behind it while another host announces it, too, a `host_name` line while the machine's name is to be announced and can't be, an `interface` line for each interface in use, an `expected` line for each node that a place is kept for, and a `contested` line for each node that speaks at several addresses |
//!
//! The daemon disconnects a client that asks nothing, or does not read its reply, after 30 seconds.
//! A client that watches may be silent for ever. When changes come faster than it reads them, its
//! watch ends with `error slow`, behind a whole line: it has missed changes. It may connect and
//! watch again, which begins with all nodes. After a line that is no request the daemon looks at
//! the next a tenth of a second later. So it does with the rest of a request that comes in more
//! than four pieces. Neither keeps a client from being disconnected.
//!
//! When all places are taken, a client that asks nothing, or does not read what it is told, gives
//! way to a newcomer: one of the user who has most places, and of these the one without a sign of
//! life for longest. If there is none, the newcomer is told `error busy`; but if another user has
//! more places than the newcomer's user would have, that user's longest idle client is told so,
//! whatever it does, and gives way. By the same rule all clients but one may watch: the last place
//! is for those who ask. Newcomers are taken in as fast as a fortieth of a processor allows.
//!
//! # Replies
//!
//! A reply is any number of data lines and then one that ends it: `ok`, or `error CODE MESSAGE` for
//! people to read. A data line is a word for what it is and then `key=value` pairs. Values contain
//! no white space; they may contain `=`. What is not known by a reader is to be passed over: later
//! versions may add kinds of lines and keys.
//!
//! An `own` line in the reply to `list` has the form of a `node` line, with `own=yes` behind it. It
//! tells of a node of this machine's own: where it can be reached is at the machine's own
//! addresses, and it is never heard, so `age_s`, `expires_s` and `heard` are 0. While the machine
//! has no address there is none. `lookup` of such a node stays an error, which readers of version
//! 0.1.0 expect: who wants its addresses asks for the list.
//!
//! The kernel drops datagrams of other programs before the daemon receives them. The `dropped` of
//! an `interface` line counts these, those with a wrong checksum, and, when more came than the
//! daemon takes, those for which there was no room: the kernel does not tell them apart. In the
//! `rejected` line all that was dropped since the start is a part of `foreign`.
//!
//! A `rival` line names the other host that was heard last. The line goes when none was heard for
//! three intervals.
//!
//! `known` lines come in the order of places in the registry, and changes are told between them. A
//! change to a node whose `known` line is still to come is not told: that line will say how it
//! ended.

mod form;
mod reply;
mod request;

pub use form::ValueType;
#[cfg(feature = "client")]
pub(crate) use reply::split;
pub use reply::{
    ErrorCode, Fields, Line, change, contested, error, expected, host_name, interface, known, node,
    ok, own, own_node, rival, status, version,
};
pub use request::{InvalidRequest, Request};

/// The version of this protocol.
pub const VERSION: u16 = 1;
