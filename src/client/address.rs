//! Addresses as text, and as the sockets of this machine take them.

use std::io;
use std::net::SocketAddr;

#[cfg(target_os = "linux")]
use socket2::{Domain, Socket, Type};

use super::Error;
use crate::control::read_address;

/// The address that the daemon sends as the value of a key. None if this machine can't use it: its
/// interface is gone.
pub(crate) fn usable(text: &str, key: &'static str) -> Result<Option<SocketAddr>, Error> {
    let (socket, zone) = read_address(text).map_err(|_| Error::Protocol { what: key })?;
    in_zone(socket, zone).map_err(|error| Error::System { call: "ioctl", error })
}

/// The address with the scope that its zone names. None if there is no such interface.
pub(super) fn in_zone(socket: SocketAddr, zone: &str) -> io::Result<Option<SocketAddr>> {
    let SocketAddr::V6(mut socket) = socket else { return Ok(Some(socket)) };
    if !zone.is_empty() {
        let Some(index) = interface_index(zone)? else { return Ok(None) };
        socket.set_scope_id(index);
    }
    Ok(Some(socket.into()))
}

/// The kernel's number of an interface. A zone may have the number in place of the name (RFC 4007,
/// section 11.2), as the standard library writes it.
fn interface_index(zone: &str) -> io::Result<Option<u32>> {
    let number = || zone.parse().ok().filter(|number| *number != 0);
    Ok(index_of_name(zone)?.or_else(number))
}

#[cfg(target_os = "linux")]
fn index_of_name(name: &str) -> io::Result<Option<u32>> {
    use rustix::io::Errno;
    use rustix::net::netdevice::name_to_index;

    // Any socket will do.
    let socket = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    match name_to_index(&socket, name) {
        Ok(index) => Ok(Some(index)),
        Err(Errno::NODEV | Errno::NXIO) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// The daemon needs Linux, so on another system no daemon names an interface.
#[cfg(not(target_os = "linux"))]
fn index_of_name(_: &str) -> io::Result<Option<u32>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel numbers the loopback interface of each network namespace 1.
    #[test]
    fn a_zone_is_the_name_of_an_interface_or_its_number() {
        for (text, scope) in [
            ("[fe80::2%lo]:22", 1),
            ("[fe80::2%1]:22", 1),
            ("[fe80::2%4294967295]:22", u32::MAX),
            ("[2001:db8::2]:22", 0),
        ] {
            let Some(SocketAddr::V6(socket)) = usable(text, "address").unwrap() else {
                panic!("{text}")
            };
            assert_eq!((socket.scope_id(), socket.port()), (scope, 22));
        }
        assert_eq!(
            usable("198.18.0.2:22", "address").unwrap(),
            Some("198.18.0.2:22".parse().unwrap())
        );
    }

    #[test]
    fn an_address_on_an_interface_that_is_gone_can_not_be_used() {
        for zone in ["no-such-link", "-", "0", "4294967296", "lo ", "LO", "é"] {
            assert_eq!(usable(&format!("[fe80::2%{zone}]:22"), "address").unwrap(), None, "{zone}");
        }
    }
}
