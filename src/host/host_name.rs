//! The node named after this machine's host name.

use core::fmt;
use std::num::NonZeroU16;
use std::os::unix::ffi::OsStrExt as _;

use heapless::Vec;
use nix::sys::utsname::uname;

use crate::discoverer::{AnnounceError, Discoverer};
use crate::host::errors::outage::Outage;
use crate::host::errors::reason::Reason;
use crate::log::{Shown, info, warn};
use crate::time::Instant;
use crate::wire::{Announcement, InvalidNodeId, NodeId};

/// The longest host name that Linux allows, in bytes.
const CAPACITY: usize = 64;

/// A host name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name(Vec<u8, CAPACITY, u8>);

/// Why a host name is not announced.
#[derive(Debug, PartialEq, Eq)]
enum Unfit {
    /// The default name of a machine that has no name of its own.
    Placeholder,
    Invalid(InvalidNodeId),
    Refused(AnnounceError),
}

impl Name {
    /// The name of this machine.
    fn read() -> nix::Result<Self> {
        let name = uname()?;
        Ok(Self(Vec::from_slice(name.nodename().as_bytes()).unwrap_or_default()))
    }

    /// The name without its domain.
    fn first_label(&self) -> &[u8] {
        self.0.split(|byte| *byte == b'.').next().unwrap_or_default()
    }

    fn node_id(&self) -> Result<NodeId, Unfit> {
        match self.first_label() {
            b"" | b"(none)" => Err(Unfit::Placeholder),
            label if label.eq_ignore_ascii_case(b"localhost") => Err(Unfit::Placeholder),
            label => NodeId::new(label).map_err(Unfit::Invalid),
        }
    }
}

impl fmt::Display for Name {
    /// Safe to show, and one word: a question mark replaces each byte that is not printable ASCII.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.0.iter().try_for_each(|byte| {
            f.write_char(if byte.is_ascii_graphic() { char::from(*byte) } else { '?' })
        })
    }
}

/// Announces this machine under its host name, and follows changes of the name.
#[derive(Default)]
pub(super) struct HostName {
    /// None if the daemon does not announce the host name.
    port: Option<NonZeroU16>,
    /// The name at the last reading.
    name: Option<Name>,
    is_announced: bool,
    reading: Outage,
}

impl HostName {
    pub(super) fn new(port: Option<NonZeroU16>) -> Self {
        Self { port, ..Self::default() }
    }

    /// The host name, if the daemon cannot announce it.
    pub(super) fn unfit(&self) -> Option<&Name> {
        self.name.as_ref().filter(|_| !self.is_announced)
    }

    /// Reads the host name again, and announces it if it is new. True while the machine has no name
    /// that can be announced.
    pub(super) fn update(&mut self, now: Instant, discoverer: &mut Discoverer<'_>) -> bool {
        let Some(port) = self.port else { return false };
        match Name::read() {
            Ok(name) => {
                self.reading.end();
                self.adopt(now, &name, port, discoverer);
            }
            Err(errno) => {
                if self.reading.begin() {
                    let reason = Reason::new(&errno.into());
                    warn!(
                        "cannot read the host name: {}; still trying, or give --id",
                        Shown(&reason)
                    );
                }
            }
        }
        !self.is_announced
    }

    fn adopt(
        &mut self,
        now: Instant,
        name: &Name,
        port: NonZeroU16,
        discoverer: &mut Discoverer<'_>,
    ) {
        if self.name.as_ref() == Some(name) {
            return;
        }
        let before = self.name.replace(name.clone()).filter(|_| self.is_announced);
        let before = before.and_then(|name| name.node_id().ok());
        let id = name.node_id();
        if let (Some(before), Ok(id)) = (&before, &id)
            && before == id
        {
            return;
        }
        if let Some(before) = before {
            info!("the host name is now {}: stopped announcing {}", Shown(name), before);
            discoverer.withdraw(&before);
        }
        let announced = id.and_then(|id| {
            let node = Announcement { id: id.clone(), port };
            discoverer.announce(now, node).map_err(Unfit::Refused).map(|()| id)
        });
        self.is_announced = announced.is_ok();
        let interval = discoverer.interval().secs();
        match announced {
            Ok(id) if id.as_str().len() < name.0.len() => {
                let name = Shown(name);
                info!(
                    "announcing {} at port {} every {} s: the first part of the host name {}; \
                     --id overrides it",
                    id, port, interval, name
                );
            }
            Ok(id) => info!("announcing {} at port {} every {} s", id, port, interval),
            Err(Unfit::Placeholder) => {
                let name = Shown(name);
                warn!(
                    "the host name is {}: waiting for a real name to announce, or give --id",
                    name
                );
            }
            Err(Unfit::Invalid(reason)) => refuse(name, &reason),
            Err(Unfit::Refused(reason)) => refuse(name, &reason),
        }
    }
}

fn refuse(name: &Name, reason: &dyn fmt::Display) {
    let (name, reason) = (Shown(name), Shown(reason));
    warn!("cannot announce the host name {}: {}; waiting for another, or give --id", name, reason);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discoverer::Config;
    use crate::registry::Storage;

    fn name(text: &str) -> Name {
        Name(Vec::from_slice(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_placeholder_is_not_a_node_name() {
        for placeholder in [
            "",
            "(none)",
            "localhost",
            "localhost.localdomain",
            "LocalHost.lan",
            "localhost.",
            ".",
            ".lan",
        ] {
            assert_eq!(name(placeholder).node_id(), Err(Unfit::Placeholder), "{placeholder}");
        }
        for real in ["nas", "localhost-2", "none", "OpenWrt"] {
            assert_eq!(name(real).node_id().unwrap().as_str(), real);
        }
    }

    #[test]
    fn the_first_label_of_a_name_with_a_domain_is_announced() {
        assert_eq!(name("nas.example.org").node_id().unwrap().as_str(), "nas");
        assert_eq!(name("nas.").node_id().unwrap().as_str(), "nas");
    }

    #[test]
    fn an_invalid_name_is_not_a_node_name_and_is_shown_as_one_word() {
        assert_eq!(name("a b").node_id(), Err(Unfit::Invalid(InvalidNodeId::NotPrintable)));
        assert_eq!(name("\x1b[2J \u{e9}").to_string(), "?[2J???");
    }

    #[test]
    fn this_machine_has_a_name() {
        assert_eq!(Name::read().unwrap().0, nix::unistd::gethostname().unwrap().as_bytes());
    }

    /// The announced nodes after reading each of these names in turn.
    fn announced(others: &[&str], names: &[&str]) -> std::vec::Vec<(std::vec::Vec<String>, bool)> {
        let mut storage = Storage::<4>::new();
        let mut discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut storage);
        let mut host_name = HostName::new(Some(NonZeroU16::MIN));
        let port = NonZeroU16::MIN;
        for id in others {
            discoverer
                .announce(Instant::ZERO, Announcement { id: NodeId::try_from(*id).unwrap(), port })
                .unwrap();
        }
        let read = |text: &&str| {
            host_name.adopt(Instant::ZERO, &name(text), port, &mut discoverer);
            let own = discoverer.own().iter().map(|own| own.id.to_string()).collect();
            (own, host_name.unfit().is_some())
        };
        names.iter().map(read).collect()
    }

    #[test]
    fn the_node_is_renamed_with_the_machine() {
        let names = ["(none)", "(none)", "nas", "nas.lan", "pi.lan", "localhost", "a b", "pi"];
        let expected = [
            (&[][..], true),
            (&[], true),
            (&["nas"], false),
            (&["nas"], false),
            (&["pi"], false),
            (&[], true),
            (&[], true),
            (&["pi"], false),
        ];
        for ((name, now), (own, waits)) in names.iter().zip(announced(&[], &names)).zip(expected) {
            assert_eq!(
                (now.0.iter().map(String::as_str).collect::<std::vec::Vec<_>>(), now.1),
                (own.to_vec(), waits),
                "{name}"
            );
        }
    }

    #[test]
    fn a_new_host_name_does_not_withdraw_other_announced_nodes() {
        let nodes = announced(&["nas"], &["nas", "pi", "nas"]);
        let own = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<std::vec::Vec<_>>();
        assert_eq!(
            nodes,
            [(own(&["nas"]), true), (own(&["nas", "pi"]), false), (own(&["nas"]), true)]
        );
    }

    #[test]
    fn without_a_port_the_host_name_is_neither_announced_nor_awaited() {
        let mut storage = Storage::<4>::new();
        let mut discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut storage);
        let mut host_name = HostName::new(None);
        assert!(!host_name.update(Instant::ZERO, &mut discoverer));
        assert!(host_name.unfit().is_none() && discoverer.own().is_empty());
    }
}
