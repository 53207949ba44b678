//! Foghorn finds the nodes on a LAN by name.
//!
//! It announces nodes by UDP broadcast in Syncthing's first local discovery protocol, hears the
//! announcements of others, keeps who is where in a registry of fixed size, and answers queries
//! through a Unix socket.
//!
//! # Two ways to use it
//!
//! *Ask the daemon* that runs on the machine. [`client`] is for programs that want to know where
//! other nodes are. That takes a few lines:
//!
//! ```no_run
//! # #[cfg(feature = "client")] {
//! use foghorn::client::Client;
//!
//! if let Some(nas) = Client::connect()?.lookup("nas")? {
//!     let stream = std::net::TcpStream::connect(&nas.addresses[..])?;
//! }
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Such a program needs only the client, not the daemon:
//!
//! ```toml
//! [dependencies]
//! foghorn = { version = "0.1", default-features = false, features = ["client"] }
//! ```
//!
//! *Embed the [`Discoverer`](discoverer::Discoverer)* in a program that has an event loop of its
//! own, or that runs without an operating system. It hears and announces by itself, and needs no
//! daemon. [The contract](#the-contract) below is all there is to know. The core alone is `no_std`:
//!
//! ```toml
//! [dependencies]
//! foghorn = { version = "0.1", default-features = false }
//! ```
//!
//! Three examples are whole programs with tests: `examples/ask.rs` asks the daemon,
//! `examples/mio.rs` embeds the discoverer in a loop of `mio`, and `examples/smoltcp` runs it over
//! a network stack for microcontrollers.
//!
//! # Two halves
//!
//! The *core* is a state machine that bytes and times are handed to. It has no clock, does no I/O,
//! allocates nothing, and runs on Linux as on a microcontroller. The *host* drives it on Linux.
//! Each layer uses only those below it:
//!
//! ```text
//! main          arguments in, exit code out; allocator.rs is for static binaries    \
//! cli           the commands that a person types                                     > host
//! host          the mio loop, UDP sockets, timer, signals, control socket           |
//! client        asking the daemon, for the commands and for other programs          /
//! control       the control protocol: requests and replies as bytes                 \
//! state         what the registry knows, as bytes that outlive the process          |
//! discoverer    the state machine, and the seam to whatever carries its datagrams   |
//! speaker       one for each protocol: what it says and when, and what it hears     |
//! registry      the bounded table: who is where                                      > core
//! stats         what was counted                                                    |
//! wire          bytes to messages and back                                          |
//! net           addresses, networks and links                                       |
//! limits, time  every capacity; points in time in milliseconds                      |
//! random, token_bucket  numbers that spread times; a few at once, then one a period /
//! ```
//!
//! A datagram goes one way through them:
//!
//! ```text
//! datagram -> Discoverer -> speaker of its protocol -> wire::parse -> Claim -> Registry -> Event
//! time     -> Discoverer -> each speaker that is due -> Transmit, with its destination
//! ```
//!
//! # The contract
//!
//! Put in one thing, drain what came of it, wait. [`discoverer`] says it in full.
//!
//! ```
//! use foghorn::discoverer::{Config, Discoverer, EventKind, Protocol, Received};
//! use foghorn::limits::ANNOUNCEMENT_CAPACITY;
//! use foghorn::net::{Link, LinkId, Medium};
//! use foghorn::registry::Storage;
//! use foghorn::time::Instant;
//! use foghorn::wire::{Announcement, NodeId};
//! use std::num::NonZeroU16;
//!
//! let eth0 = LinkId(2);
//! let now = Instant::from_millis(5_000);
//! let mut storage = Storage::<64>::new();
//! // Both numbers should be random, the second one secret.
//! let mut discoverer = Discoverer::new(&Config::new(1, [2; 16]), &mut storage);
//! discoverer.announce(now, Announcement { id: NodeId::try_from("nas")?, port: NonZeroU16::MIN })?;
//!
//! // Put in: an interface that can be used.
//! discoverer.link_up(now, Link::new(eth0, Medium::Shared, &["198.18.0.1/24".parse()?]))?;
//! // Drain: what is to be sent.
//! let mut buffer = [0; ANNOUNCEMENT_CAPACITY];
//! let transmit = discoverer.poll_transmit(&mut buffer).unwrap();
//! assert_eq!(&buffer[..transmit.length], b"\x00\x12\x10\x25\x00\x01\x00\x03nas\0\0\0\0");
//!
//! // Put in: a datagram from a neighbour. Drain: what happened.
//! let datagram = b"\x00\x12\x10\x25\x55\xf0\x00\x02pi";
//! let from = "198.18.0.7:21025".parse()?;
//! let received =
//!     Received { protocol: Protocol::Foghorn, link: eth0, from, to_group: true };
//! discoverer.handle_datagram(now, &received, datagram)?;
//! assert_eq!(discoverer.poll_event().unwrap().kind, EventKind::Found);
//! assert_eq!(discoverer.lookup(now, "pi").unwrap().address().to_string(), "198.18.0.7:22000");
//!
//! // Wait: until the answer to the newcomer is due.
//! assert!(discoverer.poll_at().unwrap() < Instant::from_millis(5_200));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ## Two traps
//!
//! A program that embeds the discoverer on Linux has sockets of its own, and these meet two traps:
//!
//! - *The port is in use* (`EADDRINUSE`) where a daemon runs. Ask that daemon then. `SO_REUSEADDR`
//!   does not help: two sockets can share the port and both hear broadcasts, but the kernel gives a
//!   datagram to a single address, like an answer to a newcomer, to one of them alone.
//! - *The network is unreachable* (`ENETUNREACH`) where there is no default route: a datagram to
//!   255.255.255.255 needs one. Send it to the broadcast address of each network instead, see
//!   [`Network::broadcast`](net::Network::broadcast), or bind the socket to the interface, as
//!   the daemon does. The socket needs `SO_BROADCAST` either way.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `client` | yes, by `host` | [`client`]; needs `std` and a Unix. Without it the library is `no_std` |
//! | `host` | yes | the daemon and the command line; needs Linux |
//! | `log` | yes | log statements go to the `log` facade; without it and `defmt` they compile to nothing |
//! | `defmt` | no | the core's types implement `defmt::Format`; with `host`, log statements become frames for `defmt-print`, whether `log` is on or not |
//!
//! A daemon that logs in frames brings defmt's global logger. It is linked for a fixed address,
//! with GNU ld or lld; where that is done statically, as for musl, it takes
//! `-Crelocation-model=static` in `RUSTFLAGS`. `defmt-print` needs the symbols of the very build
//! that runs, so keep the program as it was linked and install a stripped copy:
//!
//! ```sh
//! CARGO_PROFILE_RELEASE_STRIP=none cargo build --release --features defmt
//! strip -o foghorn target/release/foghorn
//! ./foghorn run --log-to frames
//! defmt-print -e target/release/foghorn < frames
//! ```
//!
//! Capacities are set when foghorn is built, see [`limits`].
//!
//! # What a version promises
//!
//! Versions follow [Semantic Versioning](https://semver.org/). Before 1.0.0 a new minor version may
//! change what follows, and CHANGELOG.md says how:
//!
//! - the public items on these pages, and the features;
//! - the [control protocol](control), which has a version of its own, and the file of [`state`];
//! - the command line: commands, options, exit codes, JSON and the lines of `watch`.
//!
//! The modules `cli` and `host` are no part of this. They are public for the program `foghorn` and
//! its tests alone, and these pages leave them out. Messages for people and log lines may change at
//! any time.
//!
//! Foghorn needs Rust 1.88. A version that needs a newer Rust is at least a new minor version.
//!
#![cfg_attr(feature = "client", doc = "[`client`]: crate::client")]
#![cfg_attr(not(feature = "client"), doc = "[`client`]: #features")]
// docs.rs shows which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(any(feature = "client", test)), no_std)]
// The core has none, as its build alone proves. In the host it is denied but where a module says
// why it is needed.
#![cfg_attr(not(feature = "host"), forbid(unsafe_code))]

#[cfg(feature = "host")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
pub mod control;
pub mod discoverer;
#[cfg(feature = "host")]
#[doc(hidden)]
pub mod host;
#[cfg(feature = "host")]
mod kernel_clock;
pub mod limits;
#[cfg(feature = "host")]
mod log;
pub mod net;
mod random;
pub mod registry;
#[cfg(test)]
#[cfg(feature = "client")]
mod scratch;
pub mod speaker;
pub mod state;
pub mod stats;
pub mod time;
mod token_bucket;
pub mod wire;
