//! Every capacity, in one place.
//!
//! All memory is laid out when foghorn is compiled, so each limit is a constant. The
//! environment of the build can change some of them:
//!
//! ```text
//! FOGHORN_REGISTRY_CAPACITY=4096 cargo build --release
//! ```
//!
//! A value that is not a number or out of range stops the build and says so.

/// Nodes the daemon's registry holds, 1 to 65,535. Set by `FOGHORN_REGISTRY_CAPACITY`.
pub const REGISTRY_CAPACITY: usize = setting(
    option_env!("FOGHORN_REGISTRY_CAPACITY"),
    256,
    1,
    65_535,
    "FOGHORN_REGISTRY_CAPACITY must be a whole number from 1 to 65535",
);

/// Longest `NodeID`, in bytes, 1 to 255. Set by `FOGHORN_NODE_ID_CAPACITY`. The reference node's
/// IDs have 52.
pub const NODE_ID_CAPACITY: usize = setting(
    option_env!("FOGHORN_NODE_ID_CAPACITY"),
    64,
    1,
    255,
    "FOGHORN_NODE_ID_CAPACITY must be a whole number from 1 to 255",
);

/// Nodes that one process announces, 1 to 255. Set by `FOGHORN_OWN_NODES`.
pub const OWN_NODES: usize = setting(
    option_env!("FOGHORN_OWN_NODES"),
    8,
    1,
    255,
    "FOGHORN_OWN_NODES must be a whole number from 1 to 255",
);

/// Interfaces in use at once, 1 to 64. Set by `FOGHORN_LINKS`.
pub const LINKS: usize = setting(
    option_env!("FOGHORN_LINKS"),
    16,
    1,
    64,
    "FOGHORN_LINKS must be a whole number from 1 to 64",
);

/// Clients of the control socket at once, 1 to 64. Set by `FOGHORN_CONTROL_CLIENTS`.
pub const CONTROL_CLIENTS: usize = setting(
    option_env!("FOGHORN_CONTROL_CLIENTS"),
    8,
    1,
    64,
    "FOGHORN_CONTROL_CLIENTS must be a whole number from 1 to 64",
);

/// Addresses kept for each node. A machine rarely has more than two network cards.
pub const ADDRESSES_PER_NODE: usize = 4;

/// Addresses of our own that count on each interface, each with its network. A router has rarely
/// more than two there.
pub const NETWORKS_PER_LINK: usize = 4;

/// Networks besides those of the interfaces whose nodes are heard.
pub const ALLOWED_NETWORKS: usize = 8;

/// Longest interface name, in bytes (`IFNAMSIZ` of the kernel, less the zero byte that ends it).
pub const LINK_NAME_CAPACITY: usize = 15;

/// Longest announcement that is ever sent: header, `NodeID`, four zero bytes.
pub const ANNOUNCEMENT_CAPACITY: usize = 8 + NODE_ID_CAPACITY + 4;

/// Bytes of a datagram that are looked at. Above any announcement, so that one with too long a
/// `NodeID` has another error than one that was cut short.
pub const DATAGRAM_CAPACITY: usize = 2048;

/// Bytes that the kernel is asked to hold for an interface while the daemon is busy. It doubles
/// that, and counts what it keeps beside each datagram too: an announcement costs some 830 bytes on
/// loopback, and about 4 KiB with a network card that takes a page for each. So 60 to 300 may wait.
/// When 1,000 nodes announce within a second, as after a power cut, the daemon would have to be
/// kept from running for 60 ms to lose one.
pub const RECEIVE_BUFFER: usize = 128 * 1024;

/// Addresses that are told of an own node: more than a build has room for, unless it has more
/// interfaces than 16.
pub const OWN_ADDRESSES: usize = 64;

/// Longest request to the control socket, in bytes, with its newline.
pub const REQUEST_CAPACITY: usize = 64 + NODE_ID_CAPACITY;

/// Longest line of a reply from the control socket, in bytes, with its newline: a node with all its
/// addresses. Only the line of an own node may be longer: it has all addresses of the machine, up
/// to [`OWN_ADDRESSES`].
pub const REPLY_LINE_CAPACITY: usize = 256 + NODE_ID_CAPACITY + ADDRESSES_PER_NODE * 22;

/// Longest line of a reply that a client takes, in bytes, with its newline. Far above
/// [`REPLY_LINE_CAPACITY`], since the daemon may be another build, or of a later version.
pub const CLIENT_LINE_CAPACITY: usize = 4096;

/// Lines of a reply that a client takes: one for each node that this build knows, and more for a
/// daemon that is another build.
pub const CLIENT_LINES: usize = REGISTRY_CAPACITY + 8192;

/// Bytes of a reply that a client takes: all nodes that this build knows, at all their addresses,
/// and 1 MiB more for a daemon that is another build.
pub const CLIENT_REPLY_CAPACITY: usize = REGISTRY_CAPACITY * REPLY_LINE_CAPACITY + (1 << 20);

/// Addresses of a node that a client shows and tries. A daemon knows [`ADDRESSES_PER_NODE`].
pub const CLIENT_ADDRESSES: usize = 16;

/// Bytes of replies that wait for a client that reads slowly.
pub const REPLY_CAPACITY: usize = 2048;

const _: () = assert!(DATAGRAM_CAPACITY >= 2 * ANNOUNCEMENT_CAPACITY);
const _: () = assert!(CLIENT_LINE_CAPACITY >= 2 * REPLY_LINE_CAPACITY);
const _: () = assert!(CLIENT_ADDRESSES >= ADDRESSES_PER_NODE);
const _: () = assert!(REPLY_CAPACITY >= 2 * REPLY_LINE_CAPACITY);
const _: () = assert!(REPLY_CAPACITY >= 256 + NODE_ID_CAPACITY + OWN_ADDRESSES * 22);
const _: () = assert!(REGISTRY_CAPACITY <= u16::MAX as usize, "places are numbered by a u16");
const _: () = assert!(NODE_ID_CAPACITY <= u8::MAX as usize, "a NodeID's length is kept in a u8");
const _: () = assert!(ADDRESSES_PER_NODE >= 1, "a node has an address");
const _: () = assert!(OWN_NODES <= u8::MAX as usize, "own nodes are counted by a u8");

/// A number from the build's environment, or the default. Runs in the compiler: a bad value is a
/// build error.
#[expect(clippy::panic, reason = "runs at compile time only")]
const fn setting(
    value: Option<&str>,
    default: usize,
    min: usize,
    max: usize,
    complaint: &str,
) -> usize {
    let number = match value {
        None => default,
        Some(text) => match usize::from_str_radix(text, 10) {
            Ok(number) => number,
            Err(_) => panic!("{}", complaint),
        },
    };
    assert!(min <= number && number <= max, "{}", complaint);
    number
}

#[cfg(test)]
mod tests {
    use super::setting;

    #[test]
    fn a_setting_in_range_counts() {
        assert_eq!(setting(None, 7, 1, 9, "bad"), 7);
        assert_eq!(setting(Some("9"), 7, 1, 9, "bad"), 9);
    }

    #[test]
    #[should_panic(expected = "must be small")]
    fn a_setting_out_of_range_stops_the_build() {
        setting(Some("10"), 7, 1, 9, "must be small");
    }

    #[test]
    #[should_panic(expected = "must be a number")]
    fn a_setting_that_is_no_number_stops_the_build() {
        setting(Some("many"), 7, 1, 9, "must be a number");
    }
}
