//! Messages of rtnetlink(7), in the machine's own byte order.

use std::io;
use std::net::Ipv4Addr;

use nix::errno::Errno;
use nix::libc;
use nix::net::if_::InterfaceFlags;

use super::attributes::{AlternativeNames, aligned, attribute, text, u16_at, u32_at};
use super::interface::{Interface, InterfaceName};
use crate::net::LinkId;
use crate::net::Network;

/// A message of the kernel.
pub(crate) struct Message<'a> {
    pub(crate) kind: i32,
    pub(crate) flags: i32,
    pub(crate) body: &'a [u8],
}

/// A request that [`REQUEST`] bytes hold: a `nlmsghdr`, an `ifinfomsg` and an attribute. For
/// addresses the first byte of those is enough, and the kernel passes over the rest.
pub(crate) fn request(kind: u16, flags: i32, family: i32, index: LinkId) -> [u8; REQUEST] {
    let flags = u16::try_from(libc::NLM_F_REQUEST | flags).unwrap_or(0);
    let family = u8::try_from(family).unwrap_or(0);
    // Without counters, which are not used, an answer is shorter. And only with a mask does the
    // kernel make room for the longest message of a dump.
    let mask = libc::RTEXT_FILTER_SKIP_STATS.to_ne_bytes();
    let header: [&[u8]; 4] =
        [&40_u32.to_ne_bytes(), &kind.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 8]];
    let interface: [&[u8]; 3] = [&[family, 0, 0, 0], &index.0.to_ne_bytes(), &[0; 8]];
    let attribute: [&[u8]; 3] = [&8_u16.to_ne_bytes(), &libc::IFLA_EXT_MASK.to_ne_bytes(), &mask];
    let mut request = [0; REQUEST];
    let bytes = [&header[..], &interface, &attribute].into_iter().flatten().copied().flatten();
    request.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
    request
}

const REQUEST: usize = 40;

/// The first message and what follows it: `nlmsghdr` is length, kind, flags, sequence, port. The
/// last may be cut short.
pub(crate) fn split_message(bytes: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
    let message = Message {
        kind: u16_at(bytes, 4)?.into(),
        flags: u16_at(bytes, 6)?.into(),
        body: bytes.get(16..length.min(bytes.len()))?,
    };
    Some((message, bytes.get(aligned(length)..).unwrap_or_default()))
}

/// A list of objects, which comes in several messages.
#[derive(Default)]
pub(crate) struct List {
    interrupted: bool,
}

impl List {
    /// Hands over the body of each message that describes an object. True at the end of the list.
    ///
    /// # Errors
    ///
    /// The error of the kernel or of `each`: the list is not complete.
    pub(crate) fn take(
        &mut self,
        mut messages: &[u8],
        each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<bool> {
        while let Some((message, rest)) = split_message(messages) {
            self.interrupted |= message.flags & libc::NLM_F_DUMP_INTR != 0;
            match message.kind {
                // It also reports a list that ends too early.
                libc::NLMSG_DONE | libc::NLMSG_ERROR => {
                    result_of(message.body)?;
                    return Ok(true);
                }
                _ => each(message.body)?,
            }
            messages = rest;
        }
        Ok(false)
    }

    /// Whether no object changed while the kernel made the list. Otherwise some may be missing.
    pub(crate) fn is_consistent(&self) -> bool {
        !self.interrupted
    }
}

/// Reads an `ifaddrmsg` (family, prefix length, flags, scope, index): an address of an interface.
pub(crate) fn parse_address(body: &[u8]) -> Option<(LinkId, Network)> {
    let [family, prefix, _, _] = *body.first_chunk()?;
    if i32::from(family) != libc::AF_INET {
        return None;
    }
    let attributes = body.get(8..)?;
    let local = address_in(attributes, libc::IFA_LOCAL)?;
    // The same address again, except on a point-to-point link: there it is the address of the other
    // end, and the prefix belongs to that.
    let peer = address_in(attributes, libc::IFA_ADDRESS).unwrap_or(local);
    Some((LinkId(u32_at(body, 4)?), Network::with_peer(local, peer, prefix)?))
}

fn address_in(attributes: &[u8], kind: u16) -> Option<Ipv4Addr> {
    let address: [u8; 4] = attribute(attributes, kind)?.try_into().ok()?;
    Some(address.into())
}

/// Reads an `ifinfomsg` (family, padding, type, index, flags, change): an interface.
///
/// All names come before the attributes that can be long, except the alternative names, which come
/// last.
pub(crate) fn parse_link(body: &[u8]) -> Option<Interface<'_>> {
    let flags = InterfaceFlags::from_bits_truncate(u32_at(body, 8)?.cast_signed());
    let attributes = body.get(16..)?;
    let times_up =
        attribute(attributes, libc::IFLA_CARRIER_UP_COUNT).and_then(|count| u32_at(count, 0));
    Some(Interface {
        id: LinkId(u32_at(body, 4)?),
        name: InterfaceName::new(text(attribute(attributes, libc::IFLA_IFNAME)?))?,
        flags,
        times_up: times_up.unwrap_or(0),
        alternative_names: AlternativeNames(
            attribute(attributes, libc::IFLA_PROP_LIST).unwrap_or_default(),
        ),
    })
}

/// The kernel's result: zero, or the negative of an `errno`.
pub(crate) fn result_of(body: &[u8]) -> Result<(), Errno> {
    match u32_at(body, 0).map_or(0, u32::cast_signed) {
        0 => Ok(()),
        code => Err(Errno::from_raw(code.saturating_neg())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::interfaces::attributes::attribute_of;
    use proptest::prelude::*;

    #[test]
    fn damaged_messages_are_rejected() {
        assert!(split_message(&[0; 15]).is_none());
        assert!(split_message(&[0; 64]).is_none());
    }

    #[test]
    fn the_beginning_of_a_truncated_message_is_read() {
        let mut message = vec![0; 32];
        message[..4].copy_from_slice(&1000_u32.to_ne_bytes());
        let (cut, rest) = split_message(&message).unwrap();
        assert_eq!((cut.body.len(), rest.len()), (16, 0));
    }

    /// A message of a list.
    fn message(kind: i32, flags: i32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + body.len()).unwrap();
        let [kind, flags] =
            [kind, flags].map(|number| u16::try_from(number).unwrap().to_ne_bytes());
        [&length.to_ne_bytes(), &kind[..], &flags, &[0; 8], body].concat()
    }

    /// The messages that a list hands over, and whether it ended.
    fn taken(list: &mut List, messages: &[Vec<u8>]) -> io::Result<(Vec<u8>, bool)> {
        let mut bodies = vec![];
        let ended = list.take(&messages.concat(), &mut |body| {
            bodies.extend(body);
            Ok(())
        })?;
        Ok((bodies, ended))
    }

    #[test]
    fn a_list_that_ends_too_early_is_a_failure() {
        let end = |code: i32| message(libc::NLMSG_DONE, 0, &code.to_ne_bytes());
        let object = || message(16, 0, b"aaaa");
        let mut list = List::default();
        assert_eq!(taken(&mut list, &[object(), object()]).unwrap(), (b"aaaaaaaa".to_vec(), false));
        assert_eq!(taken(&mut list, &[object(), end(0)]).unwrap(), (b"aaaa".to_vec(), true));
        assert!(list.is_consistent());
        for last in
            [end(-libc::EMSGSIZE), message(libc::NLMSG_ERROR, 0, &(-libc::EMSGSIZE).to_ne_bytes())]
        {
            let error = taken(&mut list, &[object(), last]).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        }
        let error = list.take(&object(), &mut |_| Err(io::ErrorKind::Other.into())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Other);
    }

    #[test]
    fn a_list_that_changed_while_it_was_made_is_not_consistent() {
        for kinds in [[16, libc::NLMSG_DONE], [libc::NLMSG_DONE; 2]] {
            let mut list = List::default();
            let flags = libc::NLM_F_MULTI | libc::NLM_F_DUMP_INTR;
            let (_, ended) =
                taken(&mut list, &kinds.map(|kind| message(kind, flags, &[0; 4]))).unwrap();
            assert_eq!((ended, list.is_consistent()), (true, false));
        }
    }

    #[test]
    fn alternative_names_are_read_as_far_as_they_are_there() {
        let names = ["enp0s31f6", "a-name-with-more-than-fifteen-bytes", "lan0"];
        let AlternativeNames(list) = AlternativeNames::of(&names);
        // As the kernel does since 5.5, it says of the list that it is one.
        let properties = attribute_of(0x8000 | libc::IFLA_PROP_LIST, list);
        let body =
            [&[0; 16], &attribute_of(libc::IFLA_IFNAME, b"eth0\0")[..], &properties].concat();
        let read = |body: &[u8]| -> Vec<String> {
            let interface = parse_link(body).unwrap();
            assert_eq!(interface.name.as_bytes(), b"eth0");
            let names = interface.alternative_names.iter();
            names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
        };
        assert_eq!(read(&body), names);
        assert_eq!(read(&body[..body.len() - 12])[0], "enp0s31f6");
        assert_eq!(read(&body[..body.len() - list.len()]), [""; 0]);
    }

    #[test]
    fn an_address_is_read_with_its_network() {
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
        assert_eq!(
            (network.address(), network.to_string()),
            (ours.into(), "192.168.7.0/24".to_owned())
        );
        assert_eq!(parse_address(&message(33, &[(local, ours)])), None);
        assert_eq!(parse_address(&message(8, &[(address, ours)])), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_rejected(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut rest = &bytes[..];
            while let Some((message, next)) = split_message(rest) {
                let body = message.body;
                let _ = (parse_address(body), parse_link(body), result_of(body));
                prop_assert!(next.len() < rest.len());
                rest = next;
            }
            let _ = (parse_address(&bytes), result_of(&bytes));
            let names = parse_link(&bytes).map(|interface| interface.alternative_names);
            prop_assert!(names.unwrap_or_default().iter().count() <= bytes.len());
            prop_assert!(AlternativeNames(&bytes).iter().count() <= bytes.len());
        }
    }
}
