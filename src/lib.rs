//! Foghorn tells the nodes on a LAN where the others are.
//!
//! It announces nodes by UDP broadcast in Syncthing's first local discovery protocol, hears the announcements of others, keeps
//! who is where in a registry of fixed size, and answers queries through a Unix socket.
//!
//! # Two halves
//!
//! The *core* is a state machine that bytes and times are handed to. It has no clock, does no I/O, allocates nothing, and runs
//! on Linux as on a microcontroller. The *host* drives it on Linux. Each layer uses only those below it:
//!
//! ```text
//! main         arguments in, exit code out                                          \
//! cli          one file per command that a person types                              > host
//! host         the mio loop, UDP sockets, timer, signals, control socket            /
//! control      the control protocol: requests and replies as bytes                  \
//! discoverer   the state machine: datagrams and times in, datagrams and events out  |
//! registry     the bounded table: who is where                                      |
//! schedule     what is due when                                                     > core
//! stats        what was counted                                                     |
//! transport    the seam to whatever carries datagrams                               |
//! wire         bytes to announcements and back                                      |
//! limits, time every capacity; points in time in milliseconds                       /
//! ```
//!
//! # The contract
//!
//! Put in one thing, drain what came of it, wait. [`discoverer`] says it in full.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `host` | yes | the daemon and the command line; needs `std` and Linux. Without it the library is `no_std` |
//! | `log` | yes | log statements go to the `log` facade; without it they compile to nothing |
//!
//! Capacities are set when foghorn is built, see [`limits`].

#![cfg_attr(not(any(feature = "host", test)), no_std)]

pub mod limits;
pub mod registry;
pub mod time;
pub mod wire;
