//! Saying once which wanted interfaces can't be used, and why.

use std::fmt::Write as _;
use std::io;

use super::Links;
use crate::host::errors::reason::Reason;
use crate::host::interfaces::interface::{InterfaceName, Pattern};
use crate::host::interfaces::query::{BUFFER, Query, retry_while_changing};
use crate::limits::LINKS;
use crate::log::{Shown, error, info, warn};
use crate::time::Instant;

/// Wanted interfaces that can't be used.
#[derive(Default)]
pub(super) struct Unused {
    /// One for which no socket could be opened, and why.
    pub(super) failed: Option<(InterfaceName, io::Error)>,
    /// There are more than slots.
    pub(super) crowded: bool,
}

impl Links {
    /// Warns of each pattern that asks for an interface which there is not, with the names of those
    /// there are. It is no error: an interface may come later.
    pub(crate) fn warn_of_idle_patterns(&self, query: &mut Query, buffer: &mut [u8; BUFFER]) {
        let mut idle: Vec<_> =
            self.patterns.iter().filter(|pattern| !pattern.leaves_out()).collect();
        if idle.is_empty() {
            return;
        }
        let mut names = String::new();
        let asked = retry_while_changing(|| {
            names.clear();
            query.all(buffer, &mut |interface| {
                idle.retain(|pattern| !pattern.matches(interface));
                let comma = if names.is_empty() { "" } else { ", " };
                // Text in memory takes all that is written to it.
                let _ = write!(names, "{comma}{}", interface.name);
            })
        });
        // If the kernel does not tell, the use of the interfaces fails and says so.
        if asked.is_ok() {
            for pattern in idle {
                let (pattern, names) = (Shown(pattern), Shown(&names));
                warn!("--interface {} matches no interface yet; there are {}", pattern, names);
            }
        }
    }

    /// Says what is new about what can't be used.
    pub(super) fn report(&mut self, now: Instant, unused: &Unused) {
        match &unused.failed {
            Some((name, error)) => {
                if self.opening.begin() {
                    let reason = Reason::new(error);
                    let hint = match error.kind() {
                        io::ErrorKind::AddrInUse => {
                            "; another program holds it for itself: see `foghorn doctor`"
                        }
                        io::ErrorKind::PermissionDenied => {
                            "; Linux before 5.7 lets only root bind to an interface, and a sandbox may refuse socket, setsockopt or bind"
                        }
                        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => {
                            "; does a sandbox refuse socket, fcntl, setsockopt or bind?"
                        }
                        _ => "",
                    };
                    let (name, port) = (Shown(name), self.udp_port);
                    error!(
                        "{}: cannot open UDP port {}: {}{}; still trying",
                        name,
                        port,
                        Shown(&reason),
                        hint
                    );
                }
            }
            None => {
                if self.opening.end() {
                    info!("all interfaces can be used again");
                }
            }
        }
        if !unused.crowded {
            self.crowded.end();
        } else if self.crowded.begin() {
            warn!("more than {} interfaces: some are left out; choose with --interface", LINKS);
        }
        if self.iter().next().is_some() {
            self.waiting.end();
        } else if unused.failed.is_none() && self.waiting.begin() && self.changes.claim_line(now) {
            let asked_for = Patterns(&self.patterns);
            info!(
                "no usable interface{}: waiting for one that is up and has an IPv4 address",
                Shown(&asked_for)
            );
        }
    }
}

/// The patterns that were given, as a part of a sentence.
struct Patterns<'a>(&'a [Pattern]);

impl std::fmt::Display for Patterns<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, pattern) in self.0.iter().enumerate() {
            write!(f, "{} {pattern}", if number == 0 { " matches" } else { "," })?;
        }
        Ok(())
    }
}
