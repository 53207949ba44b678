//! The interfaces of this machine, for a person who wonders why one is not used.

use std::io;

use super::interface::shortcoming;
use super::netlink::{BUFFER, Inquiry, Interfaces};

/// Each interface, by its name made safe to show, and why a daemon that was told nothing does not use it, if so.
pub(crate) fn survey(each: &mut dyn FnMut(&str, Option<&'static str>)) -> io::Result<()> {
    let mut inquiry = Inquiry::new()?;
    let mut buffer = [0; BUFFER];
    let mut interfaces = Interfaces::default();
    inquiry.interfaces(&mut buffer, &mut interfaces)?;
    inquiry.links(&mut buffer, &mut |interface| {
        let has_address = interfaces.iter().any(|other| other.id == interface.id);
        let no_address = (!has_address).then_some("it has no IPv4 address");
        each(&interface.name.to_string(), shortcoming(interface.flags).or(no_address));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_seen_and_not_used() {
        let mut seen = vec![];
        survey(&mut |name, reason| seen.push((name.to_owned(), reason))).unwrap();
        assert!(seen.contains(&("lo".to_owned(), Some("it is loopback"))), "{seen:?}");
    }
}
