//! A line of a reply. Keys that this version does not know are kept, too.

use crate::client::Error;
use crate::control::{Fields, split};
use crate::limits::CLIENT_ADDRESSES;

/// A line of a reply: its kind and its pairs, in order. Only the text is kept, since a line may
/// have two thousand pairs.
#[derive(Clone)]
pub(crate) struct Record(Box<str>);

impl Record {
    pub(crate) fn read(line: &str) -> Self {
        Self(line.into())
    }

    /// How many bytes the line has.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn kind(&self) -> &str {
        split(&self.0).0
    }

    /// Whether the line is about a node of the daemon's own machine.
    pub(crate) fn is_own(&self) -> bool {
        self.kind() == "own"
    }

    /// The value of a key. A daemon of another version may leave one out.
    pub(crate) fn find(&self, key: &str) -> Option<&str> {
        self.pairs().get(key)
    }

    /// The same for a person to read.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.find(key).unwrap_or("?")
    }

    pub(crate) fn pairs(&self) -> Fields<'_> {
        split(&self.0).1
    }

    /// The value of a key without which the line says nothing.
    pub(crate) fn require(&self, key: &'static str) -> Result<&str, Error> {
        self.find(key).ok_or(Error::Protocol { what: key })
    }

    /// The addresses of a node, the one to use first.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        let v6 = self.find("addresses6").into_iter().flat_map(|list| list.split(','));
        self.get("addresses").split(',').chain(v6).take(CLIENT_ADDRESSES)
    }

    /// How much of a node's lease is left, in percent; none if the line does not have it.
    pub(crate) fn lease(&self) -> Option<u64> {
        let [age, left] = ["age_s", "expires_s"].map(|key| self.get(key).parse::<u64>().ok());
        let (age, left) = (age?, left?);
        left.saturating_mul(100).checked_div(age.saturating_add(left))
    }
}

/// The IP address in an address, with its zone, and the port.
pub(crate) fn ip_and_port(address: &str) -> (&str, &str) {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let ip = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    (ip.unwrap_or(host), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ip_address_is_shown_without_its_port() {
        for (address, ip, port) in [
            ("198.18.0.2:22", "198.18.0.2", "22"),
            ("[2001:db8::2]:22", "2001:db8::2", "22"),
            ("[fe80::2%eth0]:22", "fe80::2%eth0", "22"),
            ("later", "later", ""),
            ("", "", ""),
        ] {
            assert_eq!(ip_and_port(address), (ip, port));
        }
    }

    #[test]
    fn a_lease_is_what_is_left_of_age_and_rest() {
        for (fields, left) in [
            ("age_s=0 expires_s=90", Some(100)),
            ("age_s=30 expires_s=60", Some(66)),
            ("age_s=90 expires_s=0", Some(0)),
            ("age_s=0 expires_s=0", None),
            ("age_s=1", None),
            ("age_s=x expires_s=1", None),
            ("age_s=18446744073709551615 expires_s=18446744073709551615", Some(1)),
        ] {
            let line = format!("node {fields}");
            assert_eq!(Record::read(&line).lease(), left, "{line}");
        }
    }
}
