//! The replies to a request, part by part, and the events of a watch.

use super::connection::{Output, reply};
use super::{View, answers};
use crate::control::{self, ErrorCode, Request, VERSION};
use crate::registry::{self, Place};

/// The replies that are left to compose for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    None,
    /// Our own nodes from this one on, and then all others.
    Own(usize),
    /// All nodes that were heard, after this place.
    List(Option<Place>),
    /// Our own nodes and the interfaces, from this line on.
    Status(usize),
    /// The nodes that are expected, after that place.
    Expected(Option<Place>),
    /// The nodes that are contested, after that place.
    Contested(Option<Place>),
    /// As `List`, and then each change. A change of a node up to this place is written at once.
    Snapshot(Option<Place>),
    /// Each change.
    Watch,
}

impl Job {
    /// Answers a request, or begins to. Returns the job that is left; none if the output has no
    /// room.
    pub(super) fn begin(request: &Request, view: &View<'_, '_>, out: &mut Output) -> Option<Self> {
        match request {
            Request::List => return Some(Self::Own(0)),
            Request::Watch => return Some(Self::Snapshot(None)),
            Request::Status => {
                reply(out, |out| answers::status(out, view))?;
                return Some(Self::Status(0));
            }
            Request::Lookup(id) if view.discoverer.announces(id) => reply(out, |out| {
                let has_address = view.discoverer.links().addresses().next().is_some();
                let problem =
                    if has_address { "" } else { ", which has no address now: see foghorn status" };
                let message = format_args!("{id} is announced by this machine itself{problem}");
                control::error(out, ErrorCode::OwnNode, message)
            }),
            Request::Lookup(id) => {
                reply(out, |out| match view.discoverer.lookup(view.now, id.as_str()) {
                    Some(entry) => {
                        answers::node(out, entry, view.links)?;
                        control::ok(out)
                    }
                    None => control::error(
                        out,
                        ErrorCode::UnknownNode,
                        format_args!("{id} is not known"),
                    ),
                })
            }
            Request::Version(Some(asked)) if *asked != VERSION => reply(out, |out| {
                let message = format_args!(
                    "this daemon speaks version {VERSION} of the protocol, not {asked}"
                );
                control::error(out, ErrorCode::Version, message)
            }),
            Request::Version(_) => reply(out, |out| {
                control::version(out)?;
                control::ok(out)
            }),
        }?;
        Some(Self::None)
    }

    /// Composes the next part. Returns the job that is left; none if there is nothing to compose
    /// now, or no room.
    pub(super) fn advance(self, view: &View<'_, '_>, out: &mut Output) -> Option<Self> {
        let discoverer = view.discoverer;
        let rest = match self {
            Self::None | Self::Watch => return None,
            Self::Own(number) => match discoverer.own().get(number) {
                Some(node) => {
                    reply(out, |out| answers::own_node(out, node, view))?;
                    Self::Own(number + 1)
                }
                None => Self::List(None),
            },
            // Another machine may have had a name before it became our own.
            Self::List(told) => {
                let mut rest = discoverer.iter_after(view.now, told);
                if let Some(entry) = rest.find(|entry| !discoverer.announces(entry.id())) {
                    reply(out, |out| answers::node(out, entry, view.links))?;
                    Self::List(Some(entry.place()))
                } else {
                    reply(out, control::ok)?;
                    Self::None
                }
            }
            Self::Snapshot(told) => match discoverer.iter_after(view.now, told).next() {
                Some(entry) => {
                    reply(out, |out| answers::known(out, entry, view.links))?;
                    Self::Snapshot(Some(entry.place()))
                }
                None => Self::Watch,
            },
            Self::Status(line) => {
                let own = discoverer.own();
                if let Some(node) = own.get(line) {
                    reply(out, |out| answers::announced(out, node, view))?;
                    Self::Status(line + 1)
                } else if let Some(link) = view.links.iter().nth(line - own.len()) {
                    reply(out, |out| answers::interface(out, link, view))?;
                    Self::Status(line + 1)
                } else {
                    Self::Expected(None)
                }
            }
            Self::Expected(told) => match discoverer.registry().expected_after(told).next() {
                Some((place, id)) => {
                    let is_known = discoverer.lookup(view.now, id.as_str()).is_some();
                    reply(out, |out| control::expected(out, id, is_known))?;
                    Self::Expected(Some(place))
                }
                None => Self::Contested(None),
            },
            Self::Contested(told) => {
                let mut rest = discoverer.iter_after(view.now, told);
                if let Some(entry) = rest.find(registry::Entry::is_contested) {
                    reply(out, |out| answers::contested(out, entry, view.links))?;
                    Self::Contested(Some(entry.place()))
                } else {
                    reply(out, control::ok)?;
                    Self::None
                }
            }
        };
        Some(rest)
    }

    pub(super) fn is_watch(self) -> bool {
        matches!(self, Self::Snapshot(_) | Self::Watch)
    }

    /// Whether a change of the node in that place concerns the client now.
    pub(super) fn includes(self, place: Place) -> bool {
        match self {
            Self::Watch => true,
            Self::Snapshot(told) => told.is_some_and(|told| place <= told),
            Self::None
            | Self::Own(_)
            | Self::List(_)
            | Self::Status(_)
            | Self::Expected(_)
            | Self::Contested(_) => false,
        }
    }
}
