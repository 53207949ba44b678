//! Which client is evicted when no slot is free for a newcomer.
//!
//! Users share the slots, so that none of them can keep the others out:
//!
//! - A silent client is evicted first: it sends no request, or does not read its replies. Among
//!   silent clients, one of the user with the most slots is evicted, and of these the one that was
//!   inactive longest.
//! - If no client is silent, a busy one (a watch, say) is evicted, but only for a user that has
//!   fewer slots even with the newcomer.
//! - A silent client is safe from a user that would have more slots than its own user has. So a
//!   user that opens many connections displaces its own.
//! - Root always gets a slot while another user has one, whatever that user's clients do.

use std::cmp::Reverse;

use crate::time::Instant;

const ROOT: u32 = 0;

/// The properties of a client that count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    /// The user that its process runs as.
    pub(super) user: u32,
    /// Whether it sends no request, or does not read its replies.
    pub(super) silent: bool,
    /// When it last sent a request or read a reply.
    pub(super) active: Instant,
}

/// The slot that a newcomer of that user gets. None if all other clients have more right to theirs.
pub(super) fn slot_for(clients: &[(usize, Holder)], newcomer: u32) -> Option<usize> {
    // The slots of a user, including the one that the newcomer would get.
    let share = |user| {
        let held = clients.iter().filter(|(_, client)| client.user == user).count();
        held + usize::from(user == newcomer)
    };
    let own = share(newcomer);
    let yielding = clients.iter().filter(|(_, client)| {
        let share = share(client.user);
        share > own || client.silent && share == own || newcomer == ROOT && client.user != ROOT
    });
    yielding
        .max_by_key(|(_, client)| (client.silent, share(client.user), Reverse(client.active)))
        .map(|(slot, _)| *slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The user of that letter; `r` is root.
    fn user(letter: char) -> u32 {
        if letter == 'r' { ROOT } else { letter.into() }
    }

    /// The client that gives way. `a5` is a client of user a that was active at 5, and `b3!` a
    /// busy client of user b.
    fn slot(clients: &str, newcomer: char) -> Option<usize> {
        let clients = clients.split_whitespace().map(|client| {
            let (letter, since) = client.split_at(1);
            Holder {
                user: user(letter.chars().next().unwrap()),
                silent: !client.ends_with('!'),
                active: Instant::from_millis(since.trim_end_matches('!').parse().unwrap()),
            }
        });
        slot_for(&clients.enumerate().collect::<Vec<_>>(), user(newcomer))
    }

    #[test]
    fn a_newcomer_gets_the_slot_of_the_client_with_the_least_right_to_it() {
        for (clients, newcomer, expected) in [
            // One user alone: the one that was silent longest, and never who is busy.
            ("a3 a1 a2", 'a', Some(1)),
            ("a3 a1! a2", 'a', Some(2)),
            ("a3! a1! a2!", 'a', None),
            // The silent first, whoever is busy.
            ("a1! a2! a3! b4", 'c', Some(3)),
            // Of the silent, those of who has most.
            ("b1 a3 a2", 'c', Some(2)),
            ("b3 a2 a1", 'b', Some(2)),
            ("b1 a3 a2", 'b', Some(0)),
            // With the newcomer, a would have most: its own gives way, however long another's was
            // silent.
            ("b1 a3 a2", 'a', Some(2)),
            ("b1 b2 a3 a4", 'a', Some(2)),
            // And if all of its own are busy, it is told so.
            ("b1 b2 a3! a4!", 'a', None),
            ("b1 a3! a2!", 'a', None),
            // A user with many clients gives way to one with fewer, even if all are busy. The
            // client without a sign of life for longest goes.
            ("a3! a1! a2!", 'b', Some(1)),
            ("a3! a1! a2! b0!", 'b', Some(1)),
            ("c1! a2! a3! a4!", 'b', Some(1)),
            // But not to who would then have as much.
            ("a3! a1! b2!", 'b', None),
            ("a3! a1! b2! b4!", 'b', None),
            // As many users as slots: who asks nothing gives way.
            ("a3 b1 c2", 'd', Some(1)),
            ("a3! b1! c2", 'd', Some(2)),
            ("a3! b1! c2!", 'd', None),
            // Root always finds a slot: that of a silent client, else of the user with most, but
            // not its own.
            ("a3! b1! c2!", 'r', Some(1)),
            ("a3! b1! c2", 'r', Some(2)),
            ("a3! a2! c1!", 'r', Some(1)),
            ("r1! r2! r3! a4!", 'r', Some(3)),
            ("r3! r1! r2!", 'r', None),
            // Nobody is there: descriptors are short for another reason.
            ("", 'a', None),
        ] {
            assert_eq!(slot(clients, newcomer), expected, "{newcomer} comes to {clients:?}");
        }
    }

    #[test]
    fn each_user_gets_its_share_and_no_more() {
        // Busy clients of one user fill the table; then another's come, busy too.
        let mut users = ['a'; 8];
        for _ in 0..20 {
            if let Some(slot) = slot(&users.map(|user| format!("{user}1!")).join(" "), 'b') {
                users[slot] = 'b';
            }
        }
        assert_eq!(users.iter().filter(|user| **user == 'b').count(), 4);
    }
}
