//! The interfaces of this machine, for a person who wonders why the daemon does not use one.

use std::io;

use super::interface::shortcoming;
use super::query::{Query, retry_while_changing};

/// Room for all attributes of one interface. Its alternative names are the longest: they take 64
/// KiB at most.
const BUFFER: usize = 128 * 1024;

/// Each interface: its name, made safe to show, and why a daemon without `--interface` does not use
/// it, if so.
pub(crate) fn survey() -> io::Result<Vec<(String, Option<&'static str>)>> {
    let mut query = Query::new()?;
    let mut buffer = vec![0; BUFFER];
    retry_while_changing(|| {
        let (mut with_address, mut seen) = (vec![], vec![]);
        query.with_address(&mut buffer, &mut |id| {
            if with_address.last() != Some(&id) {
                with_address.push(id);
            }
        })?;
        query.all(&mut buffer, &mut |interface| {
            let no_address =
                (!with_address.contains(&interface.id)).then_some("it has no IPv4 address");
            seen.push((interface.name.to_string(), shortcoming(interface.flags).or(no_address)));
        })?;
        Ok(seen)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_seen_and_not_used() {
        let seen = survey().unwrap();
        assert!(seen.contains(&("lo".to_owned(), Some("it is loopback"))), "{seen:?}");
    }
}
