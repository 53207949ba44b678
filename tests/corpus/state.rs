//! Any bytes as saved state: as they are, and as the body of a state with a valid version and
//! checksum. The first byte is the age of the state in seconds.

#![expect(clippy::unwrap_used, reason = "a check must fail on the unexpected")]

use core::hash::Hasher as _;

use foghorn::limits::ADDRESSES_PER_NODE;
use foghorn::registry::{Registry, Storage};
use foghorn::state::{self, Damaged, Moment, PIECE_CAPACITY};
use foghorn::time::{Duration, Instant};
use siphasher::sip::SipHasher13;

const LEASE: Duration = Duration::from_secs(90);
const NOW: Instant = Instant::from_millis(1 << 40);

pub(crate) fn check(bytes: &[u8]) {
    let checksum_is_right =
        bytes.split_last_chunk().is_some_and(|(content, end)| checksum(content) == *end);
    assert!(checksum_is_right || state::parse(bytes).is_err());

    let Some((elapsed, rest)) = bytes.split_first() else { return };
    let content = [b"fogh\0\0\0\x03", rest].concat();
    let whole = [&content[..], &checksum(&content)].concat();
    match state::parse(&whole) {
        Ok(state) => check_state(&state, Duration::from_secs(u64::from(*elapsed)), rest),
        Err(reason) => assert_eq!(reason, Damaged::Truncated),
    }
}

fn check_state(state: &state::State<'_>, elapsed: Duration, header: &[u8]) {
    let Moment { boot, since_boot, wall } = *state.saved();
    let later =
        |then: Duration| Duration::from_millis(then.millis().saturating_add(elapsed.millis()));
    let moment = Moment { boot, since_boot: later(since_boot), wall: later(wall) };
    let lease = u64::from_be_bytes(*header.get(32..).and_then(<[u8]>::first_chunk).unwrap());

    let mut storage = Storage::<4>::new();
    let mut registry = Registry::new(&mut storage, [1; 16], LEASE);
    let restored =
        state.nodes(NOW, &moment, LEASE).filter(|node| registry.restore(NOW, node)).count();
    assert_eq!(registry.iter_to_save(NOW).count(), restored);
    for entry in registry.iter_after(NOW, None) {
        assert!((1..=ADDRESSES_PER_NODE).contains(&entry.addresses().count()));
        // The node lives no longer than without the restart, on either machine.
        let passed = moment.since(state.saved()).unwrap();
        for most in [lease, LEASE.millis()] {
            assert!(entry.expires_in().millis() <= most.saturating_sub(passed.millis()));
        }
    }
    check_round_trip(&registry, moment);
}

/// Saves the restored state, and restores it again.
fn check_round_trip(registry: &Registry<'_>, moment: Moment) {
    let bytes = emitted(registry, moment);
    let saved = registry.iter_to_save(NOW).count();
    assert!(bytes.len() <= state::capacity(saved));
    let state = state::parse(&bytes).unwrap();
    let mut storage = Storage::<4>::new();
    let mut again = Registry::new(&mut storage, [2; 16], LEASE);
    let restored = state.nodes(NOW, &moment, LEASE).filter(|node| again.restore(NOW, node)).count();
    assert_eq!(moment.since(state.saved()), Some(Duration::ZERO));
    assert_eq!((restored, again.used()), (saved, registry.used()));
    assert_eq!(emitted(&again, moment), bytes);
}

fn emitted(registry: &Registry<'_>, moment: Moment) -> Vec<u8> {
    let (mut bytes, mut buffer) = (vec![], [0xa5; 2 * PIECE_CAPACITY]);
    let mut emitter = state::emit(registry, NOW, moment);
    loop {
        let filled = emitter.fill(&mut buffer);
        bytes.extend(buffer.iter().take(filled));
        if filled == 0 {
            return bytes;
        }
    }
}

fn checksum(content: &[u8]) -> [u8; 8] {
    let mut hasher = SipHasher13::new_with_key(b"foghorn's state.");
    hasher.write(content);
    hasher.finish().to_be_bytes()
}
