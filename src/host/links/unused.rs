//! Messages, once each, about wanted interfaces that the daemon can't use.

use std::fmt::Write as _;
use std::io;

use super::Links;
use crate::host::errors::reason::Reason;
use crate::host::interfaces::interface::{InterfaceName, Pattern};
use crate::host::interfaces::query::{BUFFER, Query, retry_while_changing};
use crate::limits::LINKS;
use crate::log::{Shown, error, info, warn};
use crate::time::Instant;

/// Wanted interfaces that the daemon can't use.
#[derive(Default)]
pub(super) struct Unused {
    /// An interface whose socket could not be opened, and the error.
    pub(super) failed: Option<(InterfaceName, io::Error)>,
    /// The machine has more of them than slots.
    pub(super) crowded: bool,
}

impl Links {
    /// Warns of each pattern that matches no interface, with the names of all interfaces. It is no
    /// error: an interface may appear later.
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
                // Writing to a string in memory never fails.
                let _ = write!(names, "{comma}{}", interface.name);
            })
        });
        // If the kernel does not answer, `reconcile` fails and logs that.
        if asked.is_ok() {
            for pattern in idle {
                let (pattern, names) = (Shown(pattern), Shown(&names));
                warn!(
                    "--interface {} matches no interface yet; this machine has {}",
                    pattern, names
                );
            }
        }
    }

    /// Logs news about interfaces that the daemon can't use.
    pub(super) fn report(&mut self, now: Instant, unused: &Unused) {
        match &unused.failed {
            Some((name, error)) => {
                if self.opening.begin() {
                    let reason = Reason::new(error);
                    let hint = match error.kind() {
                        io::ErrorKind::AddrInUse => {
                            "; another program uses it exclusively: see `foghorn doctor`"
                        }
                        io::ErrorKind::PermissionDenied => {
                            "; Linux before 5.7 lets only root bind to an interface, and a sandbox \
                             may refuse socket, setsockopt or bind"
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
            warn!("more than {} interfaces: some are not used; choose with --interface", LINKS);
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

/// The patterns from the command line, as a part of a sentence.
struct Patterns<'a>(&'a [Pattern]);

impl std::fmt::Display for Patterns<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, pattern) in self.0.iter().enumerate() {
            write!(f, "{} {pattern}", if number == 0 { " matches" } else { "," })?;
        }
        Ok(())
    }
}
