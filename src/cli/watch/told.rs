//! What a command was told, so that what it missed can be made good.

use crate::cli::client::Record;
use crate::client::Error;
use crate::limits::CLIENT_LINES;

/// Where a node is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) address: String,
    pub(super) interface: String,
    /// Whether the daemon still knows it.
    is_known: bool,
}

/// The nodes as they were told, sorted by name.
#[derive(Default)]
pub(super) struct Told(Vec<Place>);

impl Told {
    /// Takes in what a watch says of a node. Returns which event that is after what was told
    /// before; none if it is no news. A node that is known at the begin of a later watch was found
    /// meanwhile, or has moved, or is no news.
    ///
    /// # Errors
    ///
    /// There are more nodes than any daemon knows.
    pub(super) fn take<'a>(&mut self, change: &'a Record, is_first: bool) -> Result<Option<&'a str>, Error> {
        let [id, address, interface] = ["id", "address", "interface"].map(|key| change.get(key));
        let event = change.kind.as_str();
        Ok(match (event, self.find(id)) {
            ("contested", _) => Some(event),
            ("lost", Err(_)) => None,
            ("lost", Ok(number)) => {
                self.0.remove(number);
                Some(event)
            }
            (_, Err(number)) => {
                if self.0.len() == CLIENT_LINES {
                    return Err(Error::Protocol { what: "end" });
                }
                let [id, address, interface] = [id, address, interface].map(str::to_owned);
                self.0.insert(number, Place { id, address, interface, is_known: true });
                Some(if is_first { event } else { "found" })
            }
            (_, Ok(number)) => {
                let place = self.0.get_mut(number).filter(|place| {
                    (place.address.as_str(), place.interface.as_str()) != (address, interface)
                });
                place.map(|place| {
                    address.clone_into(&mut place.address);
                    interface.clone_into(&mut place.interface);
                    "moved"
                })
            }
        })
    }

    /// Forgets the nodes that are not among those: calls with each.
    ///
    /// # Errors
    ///
    /// That of the call.
    pub(super) fn lose_all_but<E>(
        &mut self,
        nodes: &[Record],
        lose: impl Fn(&Place) -> Result<(), E>,
    ) -> Result<(), E> {
        for place in &mut self.0 {
            place.is_known = false;
        }
        for node in nodes {
            if let Ok(number) = self.find(node.get("id"))
                && let Some(place) = self.0.get_mut(number)
            {
                place.is_known = true;
            }
        }
        self.0.iter().filter(|place| !place.is_known).try_for_each(lose)?;
        self.0.retain(|place| place.is_known);
        Ok(())
    }

    /// Where a node is among them, or where it belongs.
    fn find(&self, id: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|place| place.id.as_str().cmp(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(told: &mut Told, line: &str, is_first: bool) -> Option<String> {
        told.take(&Record::read(line), is_first).unwrap().map(str::to_owned)
    }

    fn nas(event: &str, host: u8) -> String {
        format!("{event} id=nas address=10.0.0.{host}:22 interface=eth0")
    }

    #[test]
    fn the_first_watch_is_told_as_it_is() {
        let mut told = Told::default();
        for (event, host) in
            [("known", 1), ("moved", 2), ("contested", 2), ("moved", 1), ("lost", 1), ("found", 1)]
        {
            assert_eq!(take(&mut told, &nas(event, host), true).as_deref(), Some(event));
        }
        let elsewhere = "moved id=nas address=10.0.0.1:22 interface=eth1";
        assert_eq!(take(&mut told, elsewhere, true).as_deref(), Some("moved"));
    }

    #[test]
    fn of_a_later_watch_only_what_is_new_is_told() {
        let mut told = Told::default();
        take(&mut told, &nas("known", 1), true);
        assert_eq!(take(&mut told, &nas("known", 1), false), None);
        assert_eq!(take(&mut told, &nas("known", 2), false).as_deref(), Some("moved"));
        assert_eq!(take(&mut told, &nas("moved", 2), false), None);
        let tv = "known id=tv address=10.0.0.9:80 interface=eth0";
        assert_eq!(take(&mut told, tv, false).as_deref(), Some("found"));
        assert_eq!(take(&mut told, tv, false), None);

        let there = [Record::read("node id=zoo addresses=x"), Record::read("node id=tv addresses=y")];
        let lost = std::cell::RefCell::new(vec![]);
        let note = |place: &Place| -> Result<(), ()> {
            lost.borrow_mut().push(format!("{} {}", place.id, place.address));
            Ok(())
        };
        told.lose_all_but(&there, note).unwrap();
        assert_eq!(*lost.borrow(), ["nas 10.0.0.2:22"]);
        assert_eq!(take(&mut told, &nas("lost", 2), false), None);
        assert_eq!(take(&mut told, tv, false), None);
        assert_eq!(take(&mut told, &nas("known", 2), false).as_deref(), Some("found"));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut told = Told::default();
        for number in 0..CLIENT_LINES {
            let id = format!("{number:06}");
            told.0.push(Place { id, address: String::new(), interface: String::new(), is_known: true });
        }
        assert!(told.take(&Record::read(&nas("found", 1)), true).is_err());
    }
}
