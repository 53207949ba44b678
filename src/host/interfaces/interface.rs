//! Network interfaces, and the patterns that select them.

use core::fmt;

use heapless::Vec;
use nix::net::if_::InterfaceFlags;

use super::attributes::AlternativeNames;
use crate::limits::LINK_NAME_CAPACITY;
use crate::net::LinkId;

/// An interface's name. The kernel allows any bytes but white space, `/` and `:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InterfaceName(Vec<u8, LINK_NAME_CAPACITY, u8>);

impl InterfaceName {
    /// None if the name is longer than the kernel allows.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        Vec::try_from(bytes).ok().map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    /// Safe to show: a character that is not printable ASCII becomes a question mark.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.0.iter().try_for_each(|byte| {
            f.write_char(if byte.is_ascii_graphic() { char::from(*byte) } else { '?' })
        })
    }
}

/// An interface, as the kernel describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interface<'a> {
    pub(crate) id: LinkId,
    pub(crate) name: InterfaceName,
    pub(crate) flags: InterfaceFlags,
    /// How often its link has come up: a link that was lost for a moment may be another now. Always
    /// 0 before Linux 4.16.
    pub(crate) times_up: u32,
    /// As many as the buffer had room for.
    pub(crate) alternative_names: AlternativeNames<'a>,
}

impl Interface<'_> {
    /// Whether one of its names satisfies the condition.
    fn has_name(&self, is_such: impl Fn(&[u8]) -> bool) -> bool {
        is_such(self.name.as_bytes()) || self.alternative_names.iter().any(is_such)
    }
}

/// A shell pattern for an interface's name or one of its alternative names: `*` stands for any
/// characters, `?` for one; a leading `!` excludes matching interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    glob: String,
    leave_out: bool,
}

impl Pattern {
    /// Reads a pattern; none if it is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (glob, leave_out) = text.strip_prefix('!').map_or((text, false), |glob| (glob, true));
        (!glob.is_empty()).then(|| Self { glob: glob.to_owned(), leave_out })
    }

    /// Whether the pattern excludes matching interfaces.
    pub(crate) fn leaves_out(&self) -> bool {
        self.leave_out
    }

    pub(crate) fn matches(&self, interface: &Interface<'_>) -> bool {
        interface.has_name(|name| glob_matches(self.glob.as_bytes(), name))
    }

    fn is_literally(&self, interface: &Interface<'_>) -> bool {
        interface.has_name(|name| self.glob.as_bytes() == name)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.leave_out { "!" } else { "" }, self.glob)
    }
}

/// Whether a name matches a shell pattern of `*` and `?`.
///
/// Matches in at most `pattern * name` steps: on a mismatch only the last `*` takes one more
/// character.
pub(crate) fn glob_matches(mut pattern: &[u8], mut name: &[u8]) -> bool {
    let mut after_star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, name) {
            ([], []) => return true,
            ([b'*', rest @ ..], _) => {
                pattern = rest;
                after_star = Some((rest, name));
            }
            ([p, pattern_rest @ ..], [n, name_rest @ ..]) if p == n || *p == b'?' => {
                pattern = pattern_rest;
                name = name_rest;
            }
            _ => match after_star {
                Some((star, [_, rest @ ..])) => {
                    pattern = star;
                    name = rest;
                    after_star = Some((star, rest));
                }
                _ => return false,
            },
        }
    }
}

/// Whether an interface can be used now and is wanted.
///
/// The interface must be running and able to broadcast. Without a pattern that selects interfaces,
/// all of these are wanted except point-to-point ones. Loopback is used only when a pattern gives
/// its full name, for experiments.
pub(crate) fn is_usable(interface: &Interface<'_>, patterns: &[Pattern]) -> bool {
    let flags = interface.flags;
    if !flags.contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING) {
        return false;
    }
    if patterns.iter().any(|pattern| pattern.leave_out && pattern.matches(interface)) {
        return false;
    }
    let mut ask_for = patterns.iter().filter(|pattern| !pattern.leave_out).peekable();
    if flags.contains(InterfaceFlags::IFF_LOOPBACK) {
        return ask_for.any(|pattern| pattern.is_literally(interface));
    }
    if !flags.contains(InterfaceFlags::IFF_BROADCAST) {
        return false;
    }
    match ask_for.peek() {
        Some(_) => ask_for.any(|pattern| pattern.matches(interface)),
        None => !flags.contains(InterfaceFlags::IFF_POINTOPOINT),
    }
}

/// Why an interface is not used when no pattern is given. None if it is used. Addresses are not
/// considered.
pub(crate) fn shortcoming(flags: InterfaceFlags) -> Option<&'static str> {
    if !flags.contains(InterfaceFlags::IFF_UP) {
        Some("it is down")
    } else if !flags.contains(InterfaceFlags::IFF_RUNNING) {
        Some("it has no link")
    } else if flags.contains(InterfaceFlags::IFF_LOOPBACK) {
        Some("it is loopback")
    } else if !flags.contains(InterfaceFlags::IFF_BROADCAST)
        || flags.contains(InterfaceFlags::IFF_POINTOPOINT)
    {
        Some("it is point-to-point")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> std::vec::Vec<Pattern> {
        texts.iter().map(|text| Pattern::new(text).unwrap()).collect()
    }

    fn interface(name: &str, flags: InterfaceFlags) -> Interface<'static> {
        let name = InterfaceName::new(name.as_bytes()).unwrap();
        let flags = flags | InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING;
        let alternative_names = AlternativeNames::default();
        Interface { id: LinkId(1), name, flags, times_up: 1, alternative_names }
    }

    #[test]
    fn globs_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("eth0", "eth0", true),
            ("eth0", "eth01", false),
            ("eth*", "eth", true),
            ("eth*", "eth0.100", true),
            ("eth?", "eth", false),
            ("eth?", "eth7", true),
            ("*", "", true),
            ("*n*0", "lan-wan0", true),
            ("*n*0", "lan-wan1", false),
            ("a*b*c", "abcbbc", true),
            ("**", "x", true),
            ("", "x", false),
            ("[a]", "a", false),
        ] {
            assert_eq!(
                glob_matches(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn an_empty_pattern_is_none() {
        assert_eq!(Pattern::new(""), None);
        assert_eq!(Pattern::new("!"), None);
        assert_eq!(Pattern::new("!docker*").unwrap().to_string(), "!docker*");
    }

    #[test]
    fn without_patterns_all_broadcast_interfaces_are_used() {
        let broadcast = InterfaceFlags::IFF_BROADCAST;
        assert!(is_usable(&interface("eth0", broadcast), &[]));
        assert!(!is_usable(&interface("lo", InterfaceFlags::IFF_LOOPBACK), &[]));
        assert!(!is_usable(&interface("ppp0", InterfaceFlags::IFF_POINTOPOINT), &[]));
        assert!(!is_usable(&interface("tun0", broadcast | InterfaceFlags::IFF_POINTOPOINT), &[]));
        let mut down = interface("eth0", broadcast);
        down.flags.remove(InterfaceFlags::IFF_RUNNING);
        assert!(!is_usable(&down, &[]));
    }

    #[test]
    fn an_interface_that_is_not_used_has_a_shortcoming() {
        let all = [
            InterfaceFlags::IFF_UP,
            InterfaceFlags::IFF_RUNNING,
            InterfaceFlags::IFF_LOOPBACK,
            InterfaceFlags::IFF_BROADCAST,
            InterfaceFlags::IFF_POINTOPOINT,
        ];
        for chosen in 0..1 << all.len() {
            let flags = all.iter().enumerate().filter(|(bit, _)| chosen & (1 << bit) != 0);
            let mut seen = interface("eth0", InterfaceFlags::empty());
            seen.flags = flags.map(|(_, flag)| *flag).collect();
            assert_eq!(
                shortcoming(seen.flags).is_none(),
                is_usable(&seen, &[]),
                "{:?}",
                seen.flags
            );
        }
    }

    #[test]
    fn patterns_select_and_exclude() {
        let eth = |name| interface(name, InterfaceFlags::IFF_BROADCAST);
        let lan_only = patterns(&["eth*", "br-lan"]);
        assert!(is_usable(&eth("eth1"), &lan_only) && is_usable(&eth("br-lan"), &lan_only));
        assert!(!is_usable(&eth("wlan0"), &lan_only));
        let not_docker = patterns(&["!docker*", "!veth*"]);
        assert!(is_usable(&eth("eth0"), &not_docker));
        assert!(!is_usable(&eth("docker0"), &not_docker));
        let both = patterns(&["eth*", "!eth0.*"]);
        assert!(is_usable(&eth("eth0"), &both) && !is_usable(&eth("eth0.7"), &both));
    }

    #[test]
    fn loopback_is_used_only_by_its_full_name() {
        let lo = interface("lo", InterfaceFlags::IFF_LOOPBACK);
        assert!(is_usable(&lo, &patterns(&["lo"])));
        assert!(!is_usable(&lo, &patterns(&["*"])));
        assert!(!is_usable(&lo, &patterns(&["lo", "!l*"])));
    }

    #[test]
    fn an_alternative_name_counts_as_the_name_does() {
        let mut eth0 = interface("eth0", InterfaceFlags::IFF_BROADCAST);
        eth0.alternative_names =
            AlternativeNames::of(&["enp0s31f6", "a-name-with-more-than-fifteen-bytes"]);
        for pattern in ["eth0", "enp0s31f6", "enp*", "a-name-with-more-than-fifteen-bytes"] {
            assert!(is_usable(&eth0, &patterns(&[pattern])), "{pattern}");
            assert!(!is_usable(&eth0, &patterns(&[&format!("!{pattern}")])), "{pattern}");
        }
        assert!(!is_usable(&eth0, &patterns(&["enp0s31"])));
        // Any name of an interface can exclude it.
        assert!(!is_usable(&eth0, &patterns(&["eth0", "!enp*"])));
    }

    #[test]
    fn names_are_shown_safely() {
        assert_eq!(InterfaceName::new(b"eth0").unwrap().to_string(), "eth0");
        assert_eq!(InterfaceName::new(b"\x1b[2J\xff").unwrap().to_string(), "?[2J?");
        assert_eq!(InterfaceName::new(b"sixteen-bytes-xx"), None);
    }
}
