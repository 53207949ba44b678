//! What the kernel does with datagrams before they wake anybody: it drops foreign ones, and counts
//! what it drops.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};

use nix::errno::Errno;
use nix::libc;
use socket2::{SockFilter, Socket};

use crate::wire::v1::MAGIC;

/// What a filter sees of a datagram begins with its UDP header.
const UDP_HEADER: u32 = 8;

/// The shortest payload that can have another magic number and yet not be truncated.
const SHORTEST: u32 = 8;

// Instructions of the kernel's packet filter, as <linux/bpf_common.h> puts them together.
/// `BPF_LD | BPF_W | BPF_LEN`: take the length.
const LOAD_LENGTH: u16 = 0x80;
/// `BPF_LD | BPF_W | BPF_ABS`: take the four bytes at an offset.
const LOAD_WORD: u16 = 0x20;
/// `BPF_JMP | BPF_JGE | BPF_K`: pass over so many instructions if it is as much as that, else over
/// so many.
const IF_AT_LEAST: u16 = 0x35;
/// `BPF_JMP | BPF_JEQ | BPF_K`: the same if it is that.
const IF_EQUAL: u16 = 0x15;
/// `BPF_RET | BPF_K`: let so many bytes pass.
const RETURN: u16 = 0x06;

/// Drops what has another magic number. What is too short to have one passes: that is rejected for
/// another reason.
const FILTER: [SockFilter; 6] = [
    SockFilter::new(LOAD_LENGTH, 0, 0, 0),
    SockFilter::new(IF_AT_LEAST, 0, 2, UDP_HEADER + SHORTEST),
    SockFilter::new(LOAD_WORD, 0, 0, UDP_HEADER),
    SockFilter::new(IF_EQUAL, 0, 1, MAGIC),
    // Not less of one that is too long: it may be another socket's, too, and would be copied to be
    // cut.
    SockFilter::new(RETURN, 0, 0, u32::MAX),
    SockFilter::new(RETURN, 0, 0, 0),
];

/// Makes the kernel drop foreign datagrams. It is to be done before the socket is bound, so that
/// none is in it.
///
/// # Errors
///
/// The kernel has no filters, or does not tell how much it drops: what is rejected is to be
/// counted.
pub(crate) fn attach(socket: &Socket) -> io::Result<()> {
    read(socket)?;
    socket.attach_filter(&FILTER)
}

/// What the kernel has dropped at a socket: foreign datagrams, damaged ones, and those for which
/// there was no room.
#[derive(Debug, Default)]
pub(crate) struct Dropped(Cell<u64>);

impl Dropped {
    /// The count as it is now. As long as the kernel does not tell, it stands still.
    pub(crate) fn get(&self, socket: impl AsFd) -> u64 {
        if let Ok(reading) = read(socket) {
            self.0.set(widened(self.0.get(), reading));
        }
        self.0.get()
    }
}

/// A count goes on where the kernel's, of 32 bits, starts again.
fn widened(count: u64, reading: u32) -> u64 {
    let [.., a, b, c, d] = count.to_be_bytes();
    let before = u32::from_be_bytes([a, b, c, d]);
    count.saturating_add(reading.wrapping_sub(before).into())
}

/// How many numbers `SO_MEMINFO` tells. The last, `SK_MEMINFO_DROPS`, is what was dropped.
const NUMBERS: usize = 9;

/// Linux has it since 4.12. Only SPARC numbers it in another way.
const SO_MEMINFO: libc::c_int =
    if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) { 57 } else { 55 };

/// What the kernel has dropped at a socket, to 2³².
#[expect(unsafe_code, reason = "no library knows this option, nor another way to the number")]
fn read(socket: impl AsFd) -> io::Result<u32> {
    const LENGTH: libc::socklen_t = 36;
    const _: () = assert!(LENGTH as usize == size_of::<[u32; NUMBERS]>());
    let (mut numbers, mut length) = ([0_u32; NUMBERS], LENGTH);
    // SAFETY: the kernel is given the address and the length of `numbers`, and all bytes make a
    // number. It writes no more than that, and then how much it was to `length`. Neither address
    // outlives the call.
    let told = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            SO_MEMINFO,
            (&raw mut numbers).cast(),
            &raw mut length,
        )
    };
    Errno::result(told)?;
    // Emulators that do not know it take it for one number.
    let [.., dropped] = numbers;
    if length == LENGTH { Ok(dropped) } else { Err(io::ErrorKind::Unsupported.into()) }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

    use proptest::prelude::*;
    use socket2::{Domain, Protocol, Type};

    use super::*;
    use crate::wire::{Malformed, v1};

    /// What ends each test's datagrams.
    const MARKER: &[u8] = b"\x00\x12\x10\x25marker";

    /// A socket with the filter, and one that is connected to it. None where there are no filters,
    /// as in some emulators.
    fn filtered() -> Option<(UdpSocket, UdpSocket)> {
        let receiver = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
        attach(&receiver).ok()?;
        receiver.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let receiver = UdpSocket::from(receiver);
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        Some((receiver, sender))
    }

    /// What comes through of these.
    fn passed((receiver, sender): &(UdpSocket, UdpSocket), datagrams: &[Vec<u8>]) -> Vec<Vec<u8>> {
        for datagram in datagrams.iter().map(Vec::as_slice).chain([MARKER]) {
            sender.send(datagram).unwrap();
        }
        let receive = || {
            let mut buffer = [0; 4096];
            let length = receiver.recv(&mut buffer).unwrap();
            buffer[..length].to_vec()
        };
        std::iter::repeat_with(receive).take_while(|datagram| datagram != MARKER).collect()
    }

    fn is_foreign(datagram: &[u8]) -> bool {
        v1::parse(datagram).err() == Some(Malformed::Foreign)
    }

    #[test]
    fn what_is_dropped_is_counted() {
        let Some(sockets) = filtered() else { return };
        let dropped = Dropped::default();
        assert_eq!(dropped.get(&sockets.0), 0);
        let foreign = vec![b"\x20\x0f\x10\x25 something else".to_vec(); 3000];
        assert!(passed(&sockets, &foreign).is_empty());
        assert_eq!(dropped.get(&sockets.0), 3000);
        assert!(passed(&sockets, &foreign[..1]).is_empty());
        assert_eq!(dropped.get(&sockets.0), 3001);
    }

    #[test]
    fn long_datagrams_pass_whole() {
        let Some(sockets) = filtered() else { return };
        let long = vec![[b"\x00\x12\x10\x25", &[7; 4000][..]].concat()];
        assert_eq!(passed(&sockets, &long), long);
    }

    #[test]
    fn a_count_goes_on_where_the_kernels_starts_again() {
        let readings = [0, 5, 5, u32::MAX, 0, 7, u32::MAX, 1];
        let counts = readings.iter().scan(0, |count, reading| {
            *count = widened(*count, *reading);
            Some(*count)
        });
        let lap = 1 << 32;
        assert!(counts.eq([0, 5, 5, lap - 1, lap, lap + 7, 2 * lap - 1, 2 * lap + 1]));
        assert_eq!(widened(u64::MAX, 3), u64::MAX);
    }

    proptest! {
        #[test]
        fn the_kernel_drops_what_the_codec_would_call_foreign(
            magic in prop_oneof![
                Just(MAGIC),
                any::<u32>(),
                (0_u32..32).prop_map(|bit| MAGIC ^ 1 << bit),
            ],
            rest in proptest::collection::vec(any::<u8>(), 0..20),
            length in 0_usize..24,
        ) {
            let Some(sockets) = filtered() else { return Ok(()) };
            let all = magic.to_be_bytes().into_iter().chain(rest);
            let datagram: Vec<u8> = all.take(length).collect();
            let expected: Vec<_> =
                [datagram.clone()].into_iter().filter(|it| !is_foreign(it)).collect();
            prop_assert_eq!(passed(&sockets, &[datagram]), expected);
        }
    }
}
