//! The control protocol: how a program asks the daemon, as bytes.
//!
//! It is spoken over a Unix stream socket. It consists of lines that end with `\n`, so a person can
//! type and read it, too:
//!
//! ```text
//! $ socat - UNIX-CONNECT:/run/foghorn/control.sock
//! lookup nas
//! node id=nas addresses=198.18.0.2:22000 interface=eth0 age_s=3 known_s=9 expires_s=87 ...
//! ok
//! lookup printer
//! error unknown-node printer is not known
//! ```
//!
//! This module knows the bytes alone. The daemon hands it plain values to write, and a client gets
//! words and values from the lines that it reads.
//!
//! # Requests
//!
//! A request is one line of at most [`REQUEST_CAPACITY`](crate::limits::REQUEST_CAPACITY) bytes,
//! with single spaces between its words. A client may send several without waiting. The daemon
//! answers them in order.
//!
//! | request | reply |
//! | --- | --- |
//! | `version` | `version protocol=1 foghorn=0.1.0` |
//! | `version N` | the same, or `error version` if the daemon does not speak version N of this protocol |
//! | `lookup NODE` | a `node` line, or `error unknown-node`, or `error own-node` if the daemon announces it itself |
//! | `list` | an `own` line for each node that the daemon announces, then a `node` line for each that it has heard, in no order |
//! | `watch` | a `known` line for each node, then a `found`, `moved`, `contested` or `lost` line for each change, without end; a `contested` line has the other address as `rival` |
//! | `status` | a `daemon`, a `registry`, a `datagrams` and a `rejected` line; a `host_name` line while the machine's name is to be announced and can't be; an `own` line for each node that is announced, with a `rival` line behind it while another host announces it, too; an `interface` line for each interface in use; an `expected` line for each node that a place is reserved for; a `contested` line for each node that speaks at several addresses |
//!
//! After 30 seconds the daemon disconnects a client that sends no request, or does not read its
//! reply. A client that watches may be silent for ever. When changes come faster than the client
//! reads them, its watch ends with `error slow`, behind a whole line: the client has missed
//! changes. It may connect and watch again, which begins with all nodes.
//!
//! After a line that is not a request the daemon pauses for a tenth of a second before it looks at
//! the next one. It pauses in the same way within a request that comes in more than four pieces. A
//! pause does not extend the 30 seconds.
//!
//! When all places are taken, an idle client gives way to a newcomer. A client is idle that sends
//! no request, or does not read its reply. The daemon chooses the user who has most places, and of
//! that user's idle clients the one without a sign of life for longest. If no client is idle, the
//! daemon refuses the newcomer with `error busy`. But if another user has more places than the
//! newcomer's user would have, that user's longest idle client gets `error busy` and gives way,
//! whatever it does. By the same rule all clients but one may watch: the last place is for clients
//! that ask. The daemon spends at most a fortieth of a processor on newcomers.
//!
//! # Replies
//!
//! A reply is any number of data lines and then one that ends it: `ok`, or `error CODE MESSAGE`.
//! The message is for people. A data line has a word for its kind and then `key=value` pairs.
//! Values contain no white space, but they may contain `=`. A reader passes over the kinds of lines
//! and the keys that it does not know: later versions may add some.
//!
//! An `own` line in the reply to `list` has the form of a `node` line, with `own=yes` behind it. It
//! tells of a node that this machine announces. Its addresses are the machine's own. The daemon
//! does not hear itself, so `age_s`, `expires_s` and `heard` are 0. While the machine has no
//! address, there is no such line. `lookup` of an own node stays an error, as readers of version
//! 0.1.0 expect. A client that wants its addresses asks for the list.
//!
//! The kernel drops datagrams of other programs before the daemon receives them. The `dropped` of
//! an `interface` line counts these, those with a wrong checksum, and, when more came than the
//! daemon takes, those for which there was no room: the kernel does not tell them apart. In the
//! `rejected` line all that was dropped since the start is a part of `foreign`.
//!
//! A `rival` line names the other host that the daemon heard last. The line goes when the daemon
//! has heard none for three intervals.
//!
//! `known` lines come in the order of places in the registry, and changes come between them. A
//! change to a node whose `known` line is still to come has no line of its own: the `known` line
//! will say how it ended.
//!
//! # Addresses
//!
//! An IPv4 address is written `198.18.0.2:22000`, and an IPv6 address `[2001:db8::2]:22000`. A
//! link-local IPv6 address has the name of its interface as its zone: `[fe80::2%eth0]:22000`. The
//! name is `-` if the interface is gone, and such an address can't be used. A comma or a `]` in the
//! name is written `?`.
//!
//! Clients of version 0.1.0 read IPv4 addresses alone. So the lines that they know have no others:
//!
//! - A node with addresses of both families has its IPv4 addresses in `addresses`, and its IPv6
//!   addresses in `addresses6` at the end of the line. A client tries the IPv4 addresses first.
//! - A node with IPv6 addresses alone has a `node6` or `own6` line. In its `addresses` are IPv6
//!   addresses, and it has no `addresses6`. `lookup` has the same lines.
//! - An event with an IPv6 address has a `known6`, `found6`, `moved6`, `contested6` or `lost6`
//!   line. The `rival` of a `contested6` line is an IPv6 address, too. A node that has an IPv4
//!   address is watched at that. When the last of these goes and an IPv6 address stays, the node is
//!   `lost` and then `found6`; the other way round it is `lost6` and then `found`.
//! - In the reply to `status` a `contested` line has the IPv4 addresses of a node, and a
//!   `contested6` line its IPv6 addresses.
//!
//! So a `6` at the end of a line's kind means that the line has IPv6 addresses where the kind
//! without it has IPv4 addresses. Nothing else is different, and [`Line::parse`] takes the `6`
//! away.
//!
//! ```text
//! node id=nas addresses=198.18.0.2:22 ... addresses6=[2001:db8::2]:22,[fe80::2%eth0]:22
//! node6 id=tv addresses=[fe80::7%eth0]:80 interface=eth0 ... contested=no
//! found6 id=tv address=[fe80::7%eth0]:80 interface=eth0
//! ```

mod address;
mod error_code;
mod form;
mod nodes;
mod reader;
mod reply;
mod request;
mod status;
#[cfg(test)]
mod tests;

pub use address::{Address, InvalidAddress, read_address};
pub use error_code::ErrorCode;
pub use form::ValueType;
pub use nodes::{Addresses, EventLine, NodeLine, contested};
#[cfg(feature = "client")]
pub(crate) use reader::split;
pub use reader::{Fields, Line};
pub use reply::{error, ok, version};
pub use request::{InvalidRequest, Request};
pub use status::{
    DaemonLine, DatagramsLine, InterfaceLine, RegistryLine, expected, host_name, own, rejected,
    rival,
};

/// The version of this protocol.
pub const VERSION: u16 = 1;
