//! The kernel drops foreign datagrams before they wake the daemon, and counts them.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};

use nix::errno::Errno;
use nix::libc;
use socket2::{SockFilter, Socket};

use crate::wire::v1::MAGIC;

/// A filter sees a datagram from its UDP header on.
const UDP_HEADER: u32 = 8;

/// The length of the shortest payload that counts as foreign and not as truncated.
const SHORTEST: u32 = 8;

// Instructions of the kernel's packet filter, as <linux/bpf_common.h> defines them.
/// `BPF_LD | BPF_W | BPF_LEN`: load the length.
const LOAD_LENGTH: u16 = 0x80;
/// `BPF_LD | BPF_W | BPF_ABS`: load the four bytes at an offset.
const LOAD_WORD: u16 = 0x20;
/// `BPF_JMP | BPF_JGE | BPF_K`: skip the first number of instructions if the loaded value is at
/// least the constant, else the second number.
const IF_AT_LEAST: u16 = 0x35;
/// `BPF_JMP | BPF_JEQ | BPF_K`: the same, if the two are equal.
const IF_EQUAL: u16 = 0x15;
/// `BPF_RET | BPF_K`: accept this many bytes.
const RETURN: u16 = 0x06;

/// Drops datagrams with another magic number. Datagrams too short for a magic number pass: the
/// daemon rejects them for another reason.
const FILTER: [SockFilter; 6] = [
    SockFilter::new(LOAD_LENGTH, 0, 0, 0),
    SockFilter::new(IF_AT_LEAST, 0, 2, UDP_HEADER + SHORTEST),
    SockFilter::new(LOAD_WORD, 0, 0, UDP_HEADER),
    SockFilter::new(IF_EQUAL, 0, 1, MAGIC),
    // Datagrams that are too long pass whole: another socket may receive the same datagram, and the
    // kernel would have to copy it to cut it.
    SockFilter::new(RETURN, 0, 0, u32::MAX),
    SockFilter::new(RETURN, 0, 0, 0),
];

/// Makes the kernel drop foreign datagrams. Call it before the socket is bound, so that none is
/// queued.
///
/// # Errors
///
/// The kernel has no filters, or does not count what it drops: the daemon must count each rejected
/// datagram.
pub(crate) fn attach(socket: &Socket) -> io::Result<()> {
    read(socket)?;
    socket.attach_filter(&FILTER)
}

/// The number of datagrams that the kernel has dropped at a socket: foreign ones, damaged ones, and
/// those that found the queue full.
#[derive(Debug, Default)]
pub(crate) struct Dropped(Cell<u64>);

impl Dropped {
    /// The count now. It does not change while the kernel does not report it.
    pub(crate) fn get(&self, socket: impl AsFd) -> u64 {
        if let Ok(reading) = read(socket) {
            self.0.set(widened(self.0.get(), reading));
        }
        self.0.get()
    }
}

/// Continues a count when the kernel's 32-bit count wraps.
fn widened(count: u64, reading: u32) -> u64 {
    let [.., a, b, c, d] = count.to_be_bytes();
    let before = u32::from_be_bytes([a, b, c, d]);
    count.saturating_add(reading.wrapping_sub(before).into())
}

/// `SO_MEMINFO` returns this many numbers. The last, `SK_MEMINFO_DROPS`, counts dropped datagrams.
const NUMBERS: usize = 9;

/// Linux has it since 4.12. Only SPARC has another number for it.
const SO_MEMINFO: libc::c_int =
    if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) { 57 } else { 55 };

/// The number of datagrams that the kernel has dropped at a socket, modulo 2³².
#[expect(unsafe_code, reason = "no library has this option or another way to get the number")]
fn read(socket: impl AsFd) -> io::Result<u32> {
    const LENGTH: libc::socklen_t = 36;
    const _: () = assert!(LENGTH as usize == size_of::<[u32; NUMBERS]>());
    let (mut numbers, mut length) = ([0_u32; NUMBERS], LENGTH);
    // SAFETY: the kernel gets the address and the length of `numbers`, and any bytes are valid
    // numbers. It writes at most that length, and then the length written to `length`. It keeps
    // neither address after the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            SO_MEMINFO,
            (&raw mut numbers).cast(),
            &raw mut length,
        )
    };
    Errno::result(result)?;
    // Emulators that do not know the option return one number.
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

    /// The last datagram of each test.
    const MARKER: &[u8] = b"\x00\x12\x10\x25marker";

    /// A socket with the filter, and a socket connected to it. None where the kernel has no
    /// filters, as in some emulators.
    fn filtered() -> Option<(UdpSocket, UdpSocket)> {
        let receiver = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
        attach(&receiver).ok()?;
        receiver.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let receiver = UdpSocket::from(receiver);
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        Some((receiver, sender))
    }

    /// The datagrams among these that pass the filter.
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
    fn the_kernel_counts_dropped_datagrams() {
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
    fn the_count_continues_when_the_kernels_count_wraps() {
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
        fn the_kernel_drops_exactly_the_datagrams_that_the_codec_calls_foreign(
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
