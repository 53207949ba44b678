//! The nodes as last reported to a command, to find the changes that it missed.

use crate::cli::asking::record::Record;
use crate::client::Error;
use crate::limits::{CLIENT_LINES, CLIENT_REPLY_CAPACITY};

/// Where a node is.
struct Place {
    /// The last line of a watch about it.
    change: Record,
    /// Whether the daemon still knows it.
    is_known: bool,
}

/// The nodes as they were reported, sorted by name.
#[derive(Default)]
pub(super) struct Reported {
    places: Vec<Place>,
    /// The lengths of their lines.
    bytes: usize,
}

impl Reported {
    /// Records a line of a watch. Returns the event that it means after what was reported before,
    /// or none if nothing changed. A node that is known when a later watch begins was found or has
    /// moved since, or has not changed.
    ///
    /// # Errors
    ///
    /// There are more nodes than a reply may have.
    pub(super) fn take<'a>(
        &mut self,
        change: &'a Record,
        is_first: bool,
    ) -> Result<Option<&'a str>, Error> {
        let event = change.kind();
        let event = match (event, self.find(change.get("id"))) {
            ("contested", _) => Some(event),
            ("lost", Err(_)) => None,
            ("lost", Ok(number)) => {
                self.bytes -= self.places.remove(number).change.len();
                Some(event)
            }
            (_, Err(number)) => {
                self.bytes += change.len();
                self.places.insert(number, Place { change: change.clone(), is_known: true });
                Some(if is_first { event } else { "found" })
            }
            (_, Ok(number)) => {
                let differs = |place: &&mut Place| {
                    ["address", "interface"]
                        .iter()
                        .any(|key| place.change.get(key) != change.get(key))
                };
                self.places.get_mut(number).filter(differs).map(|place| {
                    self.bytes = self.bytes + change.len() - place.change.len();
                    place.change = change.clone();
                    "moved"
                })
            }
        };
        if self.places.len() > CLIENT_LINES || self.bytes > CLIENT_REPLY_CAPACITY {
            return Err(Error::Protocol { what: "end" });
        }
        Ok(event)
    }

    /// Forgets all other nodes, and calls `lose` with each of those.
    ///
    /// # Errors
    ///
    /// That of the call.
    pub(super) fn lose_all_but<E>(
        &mut self,
        nodes: &[Record],
        lose: impl Fn(&Record) -> Result<(), E>,
    ) -> Result<(), E> {
        for place in &mut self.places {
            place.is_known = false;
        }
        for node in nodes {
            if let Ok(number) = self.find(node.get("id"))
                && let Some(place) = self.places.get_mut(number)
            {
                place.is_known = true;
            }
        }
        for place in self.places.iter().filter(|place| !place.is_known) {
            lose(&place.change)?;
        }
        self.places.retain(|place| place.is_known);
        self.bytes = self.places.iter().map(|place| place.change.len()).sum();
        Ok(())
    }

    /// Where a node is among them, or where it belongs.
    fn find(&self, id: &str) -> Result<usize, usize> {
        self.places.binary_search_by(|place| place.change.get("id").cmp(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(reported: &mut Reported, line: &str, is_first: bool) -> Option<String> {
        reported.take(&Record::read(line), is_first).unwrap().map(str::to_owned)
    }

    fn nas(event: &str, host: u8) -> String {
        format!("{event} id=nas address=10.0.0.{host}:22 interface=eth0")
    }

    #[test]
    fn the_first_watch_is_told_as_it_is() {
        let mut reported = Reported::default();
        for (event, host) in
            [("known", 1), ("moved", 2), ("contested", 2), ("moved", 1), ("lost", 1), ("found", 1)]
        {
            assert_eq!(take(&mut reported, &nas(event, host), true).as_deref(), Some(event));
        }
        let elsewhere = "moved id=nas address=10.0.0.1:22 interface=eth1";
        assert_eq!(take(&mut reported, elsewhere, true).as_deref(), Some("moved"));
    }

    #[test]
    fn of_a_later_watch_only_what_is_new_is_told() {
        let mut reported = Reported::default();
        take(&mut reported, &nas("known", 1), true);
        assert_eq!(take(&mut reported, &nas("known", 1), false), None);
        assert_eq!(take(&mut reported, &nas("known", 2), false).as_deref(), Some("moved"));
        assert_eq!(take(&mut reported, &nas("moved", 2), false), None);
        let tv = "known id=tv address=10.0.0.9:80 interface=eth0";
        assert_eq!(take(&mut reported, tv, false).as_deref(), Some("found"));
        assert_eq!(take(&mut reported, tv, false), None);

        let there =
            [Record::read("node id=zoo addresses=x"), Record::read("node id=tv addresses=y")];
        let lost = std::cell::RefCell::new(vec![]);
        let note = |place: &Record| -> Result<(), ()> {
            lost.borrow_mut().push(format!("{} {}", place.get("id"), place.get("address")));
            Ok(())
        };
        reported.lose_all_but(&there, note).unwrap();
        assert_eq!(*lost.borrow(), ["nas 10.0.0.2:22"]);
        assert_eq!(take(&mut reported, &nas("lost", 2), false), None);
        assert_eq!(take(&mut reported, tv, false), None);
        assert_eq!(take(&mut reported, &nas("known", 2), false).as_deref(), Some("found"));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        // Many nodes with short lines, and few whose lines grow.
        let mut reported = Reported::default();
        let node = |number: usize, address: &str| {
            Record::read(&format!("found id={number} address={address}"))
        };
        for number in 0..CLIENT_LINES {
            assert!(reported.take(&node(number, "x"), true).is_ok(), "{number}");
        }
        assert!(reported.take(&node(CLIENT_LINES, "x"), true).is_err());
        let mut reported = Reported::default();
        let long = "x".repeat(CLIENT_REPLY_CAPACITY / 10);
        assert!((0..9).all(|number| reported.take(&node(number, "x"), true).is_ok()));
        assert!((0..9).all(|number| reported.take(&node(number, &long), true).is_ok()));
        assert!(reported.take(&node(9, &long), true).is_err());
        // A lost node leaves room for others.
        reported.lose_all_but(&[], |_| Ok::<_, ()>(())).unwrap();
        assert!((0..9).all(|number| reported.take(&node(number, &long), true).is_ok()));
        assert!(reported.take(&Record::read("lost id=0"), true).is_ok());
        assert!(reported.take(&node(10, &long), true).is_ok());
    }
}
