//! The interfaces that the kernel lists, with their addresses.

use std::io;

use heapless::Vec;
use nix::errno::Errno;
use nix::libc;
use nix::net::if_::InterfaceFlags;

use super::interface::Interface;
use super::netlink::Requester;
use super::rtnetlink::{parse_address, parse_link};
use crate::limits::NETWORKS_PER_LINK;
use crate::net::LinkId;
use crate::net::Network;

/// Addresses that are read of one interface: one more than can be used, to detect that there are
/// too many.
const ADDRESSES_PER_INTERFACE: usize = NETWORKS_PER_LINK + 1;

/// The kernel fills at most a page, or this many bytes, with addresses.
pub(crate) const BUFFER: usize = 8 * 1024;

/// Bytes that are read of an interface's message: a few hundred, and then its alternative names.
/// They are on the stack.
pub(crate) const INTERFACE: usize = 3 * 1024;

/// How often to ask the kernel while interfaces change.
const ATTEMPTS: u8 = 8;

/// Is called for each interface that has an address, with its number, the interface itself if it is
/// running, and its addresses.
type EachInterface<'a> = dyn FnMut(LinkId, Option<&Interface<'_>>, &[Network]) + 'a;

/// Asks the kernel for interfaces. Their number does not matter, since none is stored.
pub(crate) struct Query {
    addresses: Requester,
    links: Requester,
}

impl Query {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { addresses: Requester::new()?, links: Requester::new()? })
    }

    /// Hands over each interface that has an IPv4 address, with its addresses and their networks in
    /// the kernel's order: a broadcast there comes from the first. Of an interface that is not
    /// running only the addresses are handed over. The buffer is for the kernel's answers.
    ///
    /// # Errors
    ///
    /// `Interrupted`: interfaces changed meanwhile, and some may be missing.
    pub(crate) fn interfaces(
        &mut self,
        buffer: &mut [u8; BUFFER],
        each: &mut EachInterface<'_>,
    ) -> io::Result<()> {
        let Self { addresses, links } = self;
        let mut running = Running::default();
        let listed = links.dump(buffer, libc::RTM_GETLINK, libc::AF_UNSPEC, &mut |body| {
            if let Some(interface) = parse_link(body) {
                running.note(&interface);
            }
            Ok(())
        });
        match listed {
            // One interface has too many names for a list.
            Err(error) if error.raw_os_error() == Some(Errno::EMSGSIZE as i32) => {
                running.note_all();
            }
            listed => listed?,
        }
        // Each is asked for by itself, so that a long answer hides no other. Such an answer calls
        // an interface running before the other end of its cable is, and a datagram that is sent at
        // once would be lost. So the interface must be running in the list, too.
        let mut answer = [0; INTERFACE];
        let mut hand_over = |id, networks: &[Network]| -> io::Result<()> {
            if !running.is_noted(id) {
                each(id, None, networks);
            } else if let Some(interface) = links.get(id, &mut answer)?.and_then(parse_link) {
                each(id, Some(&interface), networks);
            }
            Ok(())
        };
        // The addresses of an interface come one after the other.
        let mut last = LinkId(0);
        let mut networks = Vec::<Network, ADDRESSES_PER_INTERFACE, u8>::new();
        addresses.dump(buffer, libc::RTM_GETADDR, libc::AF_INET, &mut |body| {
            let Some((id, network)) = parse_address(body) else { return Ok(()) };
            if id != last && !networks.is_empty() {
                hand_over(last, &networks)?;
                networks.clear();
            }
            last = id;
            let _ = networks.push(network);
            Ok(())
        })?;
        if networks.is_empty() { Ok(()) } else { hand_over(last, &networks) }
    }

    /// Hands over the number of each interface that has an IPv4 address, once for each address.
    pub(crate) fn with_address(
        &mut self,
        buffer: &mut [u8],
        each: &mut dyn FnMut(LinkId),
    ) -> io::Result<()> {
        self.addresses.dump(buffer, libc::RTM_GETADDR, libc::AF_INET, &mut |body| {
            if let Some((id, _)) = parse_address(body) {
                each(id);
            }
            Ok(())
        })
    }

    /// Hands over each interface. An interface that does not fit into the buffer is an error.
    pub(crate) fn all(
        &mut self,
        buffer: &mut [u8],
        each: &mut dyn FnMut(&Interface<'_>),
    ) -> io::Result<()> {
        self.links.dump(buffer, libc::RTM_GETLINK, libc::AF_UNSPEC, &mut |body| {
            if let Some(interface) = parse_link(body) {
                each(&interface);
            }
            Ok(())
        })
    }
}

/// The interfaces that are running: a bit for each, which some share when there are many.
struct Running([u32; Self::WORDS]);

impl Running {
    const WORDS: usize = 128;

    fn note(&mut self, interface: &Interface<'_>) {
        if interface.flags.contains(InterfaceFlags::IFF_RUNNING) {
            let (word, bit) = Self::place(interface.id);
            if let Some(word) = self.0.get_mut(word) {
                *word |= bit;
            }
        }
    }

    fn note_all(&mut self) {
        self.0.fill(u32::MAX);
    }

    fn is_noted(&self, id: LinkId) -> bool {
        let (word, bit) = Self::place(id);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(id: LinkId) -> (usize, u32) {
        let word = usize::try_from(id.0 / u32::BITS).unwrap_or(0) % Self::WORDS;
        (word, 1 << (id.0 % u32::BITS))
    }
}

impl Default for Running {
    fn default() -> Self {
        Self([0; Self::WORDS])
    }
}

/// Asks again if interfaces changed meanwhile, but only a few times.
pub(crate) fn retry_while_changing<T>(mut ask: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut attempts = 1;
    loop {
        match ask() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted && attempts < ATTEMPTS => {
                attempts += 1;
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::interfaces::attributes::AlternativeNames;
    use crate::host::interfaces::interface::InterfaceName;
    use crate::net::Networks;

    /// The names of the interfaces that have an address, each with those.
    fn list(query: &mut Query) -> io::Result<std::vec::Vec<(String, String)>> {
        retry_while_changing(|| {
            let mut list = vec![];
            query.interfaces(&mut [0; BUFFER], &mut |_, interface, networks| {
                if let Some(interface) = interface {
                    list.push((interface.name.to_string(), Networks(networks).to_string()));
                }
            })?;
            Ok(list)
        })
    }

    #[test]
    fn only_a_message_of_the_kernel_is_an_answer() {
        let mut query = Query::new().unwrap();
        for requester in [&query.addresses, &query.links] {
            requester.forge_answer();
        }
        assert!(list(&mut query).unwrap().iter().any(|(name, _)| name == "lo"));
    }

    #[test]
    fn the_kernel_lists_loopback() {
        let mut found = false;
        let each = &mut |_: LinkId, interface: Option<&Interface<'_>>, networks: &[Network]| {
            if let Some(interface) = interface.filter(|it| it.name.as_bytes() == b"lo") {
                found = true;
                assert_eq!(networks.first(), Some(&"127.0.0.1/8".parse().unwrap()));
                assert!(interface.flags.contains(InterfaceFlags::IFF_LOOPBACK));
            }
        };
        let mut query = Query::new().unwrap();
        retry_while_changing(|| query.interfaces(&mut [0; BUFFER], each)).unwrap();
        assert!(found, "lo has an address");
    }

    #[test]
    fn after_a_failure_it_asks_anew() {
        let mut query = Query::new().unwrap();
        let interfaces = list(&mut query).unwrap();
        query.addresses.break_down();
        list(&mut query).unwrap_err();
        query.links.break_down();
        list(&mut query).unwrap_err();
        assert_eq!(list(&mut query).unwrap(), interfaces);
    }

    #[test]
    fn an_interface_counts_as_running_if_one_that_shares_its_bit_runs() {
        let interface = |id, flags| Interface {
            id: LinkId(id),
            name: InterfaceName::new(b"eth0").unwrap(),
            flags,
            times_up: 0,
            alternative_names: AlternativeNames::default(),
        };
        let mut running = Running::default();
        running.note(&interface(7, InterfaceFlags::IFF_RUNNING));
        running.note(&interface(8, InterfaceFlags::IFF_UP));
        running.note(&interface(u32::MAX, InterfaceFlags::IFF_RUNNING));
        let noted =
            |running: &Running| (0..8192).filter(|id| running.is_noted(LinkId(*id))).count();
        assert!(running.is_noted(LinkId(7)) && !running.is_noted(LinkId(8)));
        assert_eq!(noted(&running), 4);
        running.note_all();
        assert_eq!(noted(&running), 8192);
    }

    #[test]
    fn the_beginning_of_an_interface_is_enough_but_a_list_must_be_whole() {
        let mut query = Query::new().unwrap();
        // An emulator of the other byte order translates whole messages only.
        if cfg!(target_endian = "little") || std::env::var_os("FOGHORN_TEST_RUNNER").is_none() {
            let mut short = [0; 100];
            let lo = query.links.get(LinkId(1), &mut short).unwrap().and_then(parse_link).unwrap();
            assert_eq!(lo.name.as_bytes(), b"lo");
        }
        let error = query.all(&mut [0; 100], &mut |_| {}).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::EMSGSIZE as i32));
        query.with_address(&mut [0; 20], &mut |_| {}).unwrap_err();
    }

    #[test]
    fn while_interfaces_change_the_query_is_repeated_a_few_times() {
        for changes in 0..ATTEMPTS {
            let mut left = changes;
            let asked = retry_while_changing(|| {
                if left == 0 {
                    return Ok(());
                }
                left -= 1;
                Err(io::ErrorKind::Interrupted.into())
            });
            assert!(asked.is_ok(), "{changes}");
        }
        let endless: io::Result<()> =
            retry_while_changing(|| Err(io::ErrorKind::Interrupted.into()));
        assert_eq!(endless.unwrap_err().kind(), io::ErrorKind::Interrupted);
    }
}
