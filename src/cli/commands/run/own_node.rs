//! The names of nodes to announce or to expect.

use std::num::NonZeroU16;

use crate::cli::arguments::node::{ADDRESS, USER, mistaken, node_id};
use crate::cli::arguments::options::has_option;
use crate::cli::arguments::parser::{Parser, refused};
use crate::cli::failure::Failure;
use crate::wire::{Announcement, NodeId};

/// The error for a word that is neither an option nor a value.
#[cold]
pub(super) fn bare(word: &str, parser: &mut Parser) -> Failure {
    let mut meant = String::new();
    if has_option(parser.help(), word) {
        meant.extend(["--", word]);
        if let Ok(mut rest) = parser.rest()
            && let Some(next) = rest.next()
        {
            meant.extend([" ", &*next.to_string_lossy()]);
        }
    } else if word.parse::<NonZeroU16>().is_ok() {
        meant.extend(["--port ", word]);
    } else if announcement(word).is_ok() {
        meant.extend(["--announce ", word]);
    } else {
        return Failure::usage(format!("did you mean --id {word}? Its port goes behind --port"));
    }
    Failure::usage(format!("unexpected argument \"{word}\": did you mean {meant}?"))
}

/// The name of a node to announce or to expect. The protocol allows names that look like a URL or
/// an address, but a person does not mean that. `after` is the rest of the suggestion, after the
/// name.
pub(super) fn name(text: &str, option: &str, after: &str) -> Result<NodeId, Failure> {
    let Some((what, name)) = mistaken(text).filter(|(what, _)| *what != USER) else {
        return node_id(text);
    };
    let mut message = format!("\"{text}\" is {what}, not a node's name: ");
    if what == ADDRESS {
        message.push_str("use a name like nas; other machines see the address by themselves");
    } else {
        message.extend(["did you mean ", option, " ", name, after, "?"]);
    }
    Err(Failure::usage(message))
}

/// The name after `--id`. Other options take a port with the name.
pub(super) fn id(text: &str) -> Result<NodeId, Failure> {
    let port = text.rsplit(':').next().filter(|port| port.parse::<u16>().is_ok());
    name(text, "--id", &port.map_or_else(String::new, |port| format!(" --port {port}")))
}

/// NODE:PORT. The name may contain colons, the port does not.
pub(super) fn announcement(text: &str) -> Result<Announcement, Failure> {
    let parts = text.rsplit_once(':').and_then(|(id, port)| Some((id, port, port.parse().ok()?)));
    let Some((id, digits, port)) = parts.filter(|(id, ..)| !id.is_empty()) else {
        return Err(refused(
            "--announce takes NODE:PORT with a port from 1 to 65535, like nas:22",
            text,
        ));
    };
    Ok(Announcement { id: name(id, "--announce", &format!(":{digits}"))?, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_is_split_at_the_last_colon() {
        let announcement = announcement("urn:nas:22").unwrap();
        assert_eq!((announcement.id.as_str(), announcement.port.get()), ("urn:nas", 22));
    }

    #[test]
    fn what_can_not_be_announced_is_refused() {
        for text in ["", "nas", "nas:", "nas:0", "nas:70000", "nas:ssh", ":22", "a b:22", "nas:-1"]
        {
            assert_eq!(announcement(text).unwrap_err().exit_code(), 2, "{text:?}");
        }
    }
}
