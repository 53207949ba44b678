//! Addresses as text: `198.18.0.2:22000`, `[2001:db8::2]:22000` and `[fe80::2%eth0]:22000`.
//!
//! A link-local IPv6 address means a host only together with an interface. So it has a zone, the
//! interface's name behind a `%` (RFC 4007, section 11). Other addresses have none.

use core::fmt::{Display, Formatter, Result as Written, Write};
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::num::NonZeroU16;

use crate::limits::LINK_NAME_CAPACITY;

/// The characters that end an address, or its place in a list.
const ENDS: [char; 2] = [',', ']'];

/// An address of a node, with the name of the interface that it is valid on.
#[derive(Clone, Copy)]
pub struct Address<'a> {
    /// The IP address and the port. The scope of an IPv6 address is passed over.
    pub socket: SocketAddr,
    /// The interface's name, or `-` if it is gone.
    pub interface: &'a dyn Display,
}

impl Display for Address<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        match self.socket {
            SocketAddr::V4(socket) => socket.fmt(f),
            SocketAddr::V6(socket) => {
                write!(f, "[{}", socket.ip())?;
                if socket.ip().is_unicast_link_local() {
                    f.write_str("%")?;
                    write!(Zone(f), "{}", self.interface)?;
                }
                write!(f, "]:{}", socket.port())
            }
        }
    }
}

/// Writes an interface's name. The kernel allows nearly every name, so what would end the address
/// becomes a question mark.
struct Zone<'a, 'b>(&'a mut Formatter<'b>);

impl Write for Zone<'_, '_> {
    fn write_str(&mut self, text: &str) -> Written {
        text.chars().try_for_each(|c| self.write_char(c))
    }

    fn write_char(&mut self, c: char) -> Written {
        self.0.write_char(if ENDS.contains(&c) { '?' } else { c })
    }
}

/// Why text is not an address with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum InvalidAddress {
    /// It does not have the form of one.
    Form,
    /// It is a link-local IPv6 address without a zone.
    NoZone,
}

/// Reads an address and its zone. The zone is empty where the address needs none.
///
/// # Errors
///
/// [`InvalidAddress`] says what is wrong with the text.
pub fn read_address(text: &str) -> Result<(SocketAddr, &str), InvalidAddress> {
    // Numbers may have a sign in Rust, but ports have none. Nor is any 0.
    let is_port = |port: &&str| port.bytes().all(|byte| byte.is_ascii_digit());
    let (host, port) = text.rsplit_once(':').ok_or(InvalidAddress::Form)?;
    let port = Some(port).filter(is_port).and_then(|port| port.parse().ok());
    let port = port.map(NonZeroU16::get).ok_or(InvalidAddress::Form)?;
    let Some(rest) = host.strip_prefix('[') else {
        let ip: Ipv4Addr = host.parse().map_err(|_| InvalidAddress::Form)?;
        return Ok((SocketAddr::new(ip.into(), port), ""));
    };
    let host = rest.strip_suffix(']').ok_or(InvalidAddress::Form)?;
    let (ip, zone) = host.split_once('%').map_or((host, None), |(ip, zone)| (ip, Some(zone)));
    let ip: Ipv6Addr = ip.parse().map_err(|_| InvalidAddress::Form)?;
    let zone = match (ip.is_unicast_link_local(), zone) {
        (true, Some(zone)) if is_zone(zone) => zone,
        (true, None) => return Err(InvalidAddress::NoZone),
        (false, None) => "",
        _ => return Err(InvalidAddress::Form),
    };
    Ok((SocketAddr::new(ip.into(), port), zone))
}

/// Whether text can be the name of an interface in an address.
fn is_zone(text: &str) -> bool {
    (1..=LINK_NAME_CAPACITY).contains(&text.len()) && !text.chars().any(|c| ENDS.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(socket: &str, interface: &str) -> String {
        Address { socket: socket.parse().unwrap(), interface: &interface }.to_string()
    }

    #[test]
    fn an_address_has_a_zone_only_if_it_is_link_local() {
        for (socket, expected, zone) in [
            ("198.18.0.2:22", "198.18.0.2:22", ""),
            ("[2001:db8::2]:22", "[2001:db8::2]:22", ""),
            ("[fd00::2]:65535", "[fd00::2]:65535", ""),
            ("[::ffff:198.18.0.2]:22", "[::ffff:198.18.0.2]:22", ""),
            ("[fe80::2]:22", "[fe80::2%eth0]:22", "eth0"),
            ("[fe80::2%7]:22", "[fe80::2%eth0]:22", "eth0"),
            ("[febf::2]:22", "[febf::2%eth0]:22", "eth0"),
        ] {
            assert_eq!(written(socket, "eth0"), expected);
            let (read, read_zone) = read_address(expected).unwrap();
            let socket: SocketAddr = socket.parse().unwrap();
            assert_eq!((read.ip(), read.port(), read_zone), (socket.ip(), socket.port(), zone));
        }
    }

    #[test]
    fn the_name_of_an_interface_neither_ends_an_address_nor_a_list() {
        for name in ["a,b", "a]:1", ",,", "]"] {
            let text = written("[fe80::2]:22", name);
            assert!(!text.contains(','), "{text}");
            assert_eq!(read_address(&text).unwrap().1, name.replace([',', ']'], "?"));
        }
        assert_eq!(read_address("[fe80::2%a%b]:22").unwrap().1, "a%b");
        assert_eq!(read_address("[fe80::2%-]:22").unwrap().1, "-");
    }

    #[test]
    fn invalid_addresses_are_refused() {
        for text in [
            "",
            "dynamic",
            "nas:22",
            "198.18.0.2",
            "198.18.0.2:",
            "198.18.0.2:0",
            "198.18.0.2:+22",
            "198.18.0.2:65536",
            "198.18.0.2:99999999999999999999",
            "198.18.0.2%eth0:22",
            "[198.18.0.2]:22",
            "[198.18.0.2%eth0]:22",
            "2001:db8::2",
            "2001:db8::2:22",
            "[2001:db8::2]",
            "[2001:db8::2]22",
            "[2001:db8::2]:",
            "[2001:db8::2]:0",
            "[2001:db8::2]:+22",
            "[2001:db8::2]: 22",
            "[2001:db8::2]:65536",
            "[2001:db8::2%eth0]:22",
            "[2001:db8::2%]:22",
            "[2001:db8::2]x:22",
            "[[2001:db8::2]]:22",
            "2001:db8::2]:22",
            "[2001:db8::2:22",
            "[2001:db8::10000]:22",
            "[1:2:3:4:5:6:7:8:9]:22",
            "[::1::2]:22",
            "[]:22",
            "[%eth0]:22",
            "fe80::2%eth0:22",
            "fe80::2%eth0",
            "[fe80::2%eth0]",
            "[fe80::2%eth0]:0",
            "[fe80::2%]:22",
            "[fe80::2%a,b]:22",
            "[fe80::2%a]b]:22",
            "[fe80::2%sixteen-bytes-xx]:22",
            " [fe80::2%eth0]:22",
            "[fe80::2%eth0]:22 ",
        ] {
            assert_eq!(read_address(text), Err(InvalidAddress::Form), "{text:?}");
        }
        assert_eq!(read_address("[fe80::2]:22"), Err(InvalidAddress::NoZone));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            text in "[\\[\\]0-9a-f.:%]{0,30}|\\[fe80::[0-9a-f]{0,5}%[a-z,%]{0,16}\\]:[0-9]{1,6}|\\PC{0,30}",
        ) {
            if let Ok((socket, zone)) = read_address(&text) {
                let written = Address { socket, interface: &zone }.to_string();
                prop_assert_eq!(read_address(&written), Ok((socket, zone)));
            }
        }
    }
}
