//! Messages of rtnetlink(7), in the machine's own byte order.

use std::io;
use std::net::Ipv4Addr;

use nix::libc;
use nix::net::if_::InterfaceFlags;

use super::interface::{Interface, InterfaceName};
use crate::network::Network;
use crate::registry::LinkId;

/// A `nlmsghdr` and the family that is asked for. The kernel wants at least a `rtgenmsg`, padded to 4 bytes.
pub(super) fn dump_request(kind: u16) -> [u8; 20] {
    let mut request = [0; 20];
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_DUMP).unwrap_or(0);
    let family = u8::try_from(libc::AF_INET).unwrap_or(0);
    let bytes = 20_u32.to_ne_bytes().into_iter().chain(kind.to_ne_bytes()).chain(flags.to_ne_bytes());
    let bytes = bytes.chain([0; 8]).chain([family]);
    request.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
    request
}

/// The first message's kind and body, and what follows it: `nlmsghdr` is length, kind, flags, sequence, port.
pub(super) fn split_message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
    let body = bytes.get(16..length)?;
    Some((u16_at(bytes, 4)?, body, bytes.get(aligned(length)..).unwrap_or_default()))
}

/// What an `ifaddrmsg` tells (family, prefix length, flags, scope, index): an address of an interface.
pub(super) fn parse_address(body: &[u8]) -> Option<(LinkId, Network)> {
    let [family, prefix, _, _] = *body.first_chunk()?;
    if i32::from(family) != libc::AF_INET {
        return None;
    }
    let attributes = body.get(8..)?;
    let local = address_in(attributes, libc::IFA_LOCAL)?;
    // The same again, but for a point-to-point address: there it is that of the other end, and the prefix belongs to it.
    let peer = address_in(attributes, libc::IFA_ADDRESS).unwrap_or(local);
    Some((LinkId(u32_at(body, 4)?), Network::with_peer(local, peer, prefix)?))
}

fn address_in(attributes: &[u8], kind: u16) -> Option<Ipv4Addr> {
    let address: [u8; 4] = attribute(attributes, kind)?.try_into().ok()?;
    Some(address.into())
}

/// What an `ifinfomsg` tells (family, padding, type, index, flags, change): an interface.
pub(super) fn parse_link(body: &[u8]) -> Option<Interface> {
    let flags = InterfaceFlags::from_bits_truncate(u32_at(body, 8)?.cast_signed());
    let name = attribute(body.get(16..)?, libc::IFLA_IFNAME)?;
    let name = name.split(|byte| *byte == 0).next()?;
    Some(Interface {
        id: LinkId(u32_at(body, 4)?),
        name: InterfaceName::new(name)?,
        flags,
        times_up: parse_times_up(body),
    })
}

/// How often the link of an `ifinfomsg` has come up.
fn parse_times_up(body: &[u8]) -> u32 {
    let count = body.get(16..).and_then(|attributes| attribute(attributes, libc::IFLA_CARRIER_UP_COUNT));
    count.and_then(|count| u32_at(count, 0)).unwrap_or(0)
}

/// The value of the first attribute of a kind: `rtattr` is length and kind.
fn attribute(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16_at(bytes, 0)?);
        let value = bytes.get(4..length)?;
        if u16_at(bytes, 2)? == wanted {
            return Some(value);
        }
        bytes = bytes.get(aligned(length)..)?;
    }
}

/// What a `nlmsgerr` says went wrong: the negative of an `errno`.
pub(super) fn error_of(body: &[u8]) -> io::Error {
    let code = u32_at(body, 0).map_or(0, u32::cast_signed);
    io::Error::from_raw_os_error(code.saturating_neg())
}

fn aligned(length: usize) -> usize {
    length.saturating_add(3) & !3
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(offset..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(offset..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attributes_are_found_behind_padding() {
        let mut bytes = Vec::new();
        for (length, kind, value) in [(5_u16, 9_u16, &b"x\0\0\0"[..]), (8, 3, b"lo\0\0")] {
            bytes.extend(length.to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(value);
        }
        assert_eq!(attribute(&bytes, 9), Some(&b"x"[..]));
        assert_eq!(attribute(&bytes, 3), Some(&b"lo\0\0"[..]));
        assert_eq!(attribute(&bytes, 4), None);
        // A length of zero would stand still for ever.
        assert_eq!(attribute(&[0; 64], 4), None);
    }

    #[test]
    fn damaged_messages_are_left() {
        assert!(split_message(&[0; 15]).is_none());
        assert!(split_message(&[0; 64]).is_none());
        let mut too_long = [0; 32];
        too_long[..4].copy_from_slice(&33_u32.to_ne_bytes());
        assert!(split_message(&too_long).is_none());
    }

    #[test]
    fn an_address_is_told_with_its_network() {
        let message = |prefix: u8, attributes: &[(u16, [u8; 4])]| {
            let mut body = vec![2, prefix, 0x80, 0];
            body.extend(7_u32.to_ne_bytes());
            for (kind, value) in attributes {
                body.extend(8_u16.to_ne_bytes());
                body.extend(kind.to_ne_bytes());
                body.extend(value);
            }
            body
        };
        let (local, address) = (libc::IFA_LOCAL, libc::IFA_ADDRESS);
        let ours = [10, 0, 0, 1];
        let plain = parse_address(&message(8, &[(address, ours), (local, ours)]));
        assert_eq!(plain, Some((LinkId(7), "10.0.0.1/8".parse().unwrap())));
        assert_eq!(parse_address(&message(8, &[(local, ours)])), plain);
        let (_, network) =
            parse_address(&message(24, &[(address, [192, 168, 7, 2]), (local, ours)])).unwrap();
        assert_eq!((network.address(), network.to_string()), (ours.into(), "192.168.7.0/24".to_owned()));
        assert_eq!(parse_address(&message(33, &[(local, ours)])), None);
        assert_eq!(parse_address(&message(8, &[(address, ours)])), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_left(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut rest = &bytes[..];
            while let Some((_, body, next)) = split_message(rest) {
                let _ = (parse_address(body), parse_link(body));
                prop_assert!(next.len() < rest.len());
                rest = next;
            }
            let _ = (parse_address(&bytes), parse_link(&bytes), parse_times_up(&bytes));
        }
    }
}
