//! The forms of lines: the keys of each kind of line, each with the type of its value.
//!
//! The lines themselves have no types. A client that passes them on in a form that has, like JSON,
//! asks for them here.

use core::fmt::{Display, Result, Write};

/// The forms of all lines, each with the kinds of lines that have it.
pub(super) const FORMS: [(&str, &str); 14] = [
    ("version", VERSION),
    ("node own", NODE),
    ("node own", ADDRESSES6),
    ("known found moved contested lost", EVENT),
    ("daemon", DAEMON),
    ("registry", REGISTRY),
    ("datagrams", DATAGRAMS),
    ("rejected", REJECTED),
    ("host_name", HOST_NAME),
    ("own", OWN),
    ("rival", RIVAL),
    ("interface", INTERFACE),
    ("expected", EXPECTED),
    ("contested", CONTESTED),
];

pub(super) const VERSION: &str = "protocol=number foghorn=text";

pub(super) const NODE: &str = "id=text addresses=list interface=text age_s=number known_s=number \
                               expires_s=number heard=number contested=flag own=flag";

/// Behind [`NODE`], for a node that has addresses of both families.
pub(super) const ADDRESSES6: &str = "addresses6=list";

pub(super) const EVENT: &str = "id=text address=text interface=text rival=text";

pub(super) const DAEMON: &str =
    "version=text uptime_s=number interval_s=number udp_port=number allowed=list";

pub(super) const REGISTRY: &str =
    "used=number capacity=number found=number moved=number contested=number lost=number";

pub(super) const DATAGRAMS: &str = "received=number own=number sent=number answers=number";

/// A number for each reason.
pub(super) const REJECTED: &str = "*=number";

pub(super) const HOST_NAME: &str = "name=text state=text";

pub(super) const OWN: &str = "id=text port=number";

pub(super) const RIVAL: &str = "id=text address=text age_s=number";

pub(super) const INTERFACE: &str = "name=text address=text networks=list state=text \
                                    received=number dropped=number sent=number send_errors=number";

pub(super) const EXPECTED: &str = "id=text state=text";

pub(super) const CONTESTED: &str = "id=text addresses=list";

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ValueType {
    /// Text, also if it has digits alone.
    Text,
    /// A whole number.
    Number,
    /// Texts with commas between, or nothing.
    List,
    /// `yes` or `no`.
    Flag,
}

impl ValueType {
    /// The type of a key's value in lines of that kind. None if this version writes no such key
    /// there.
    #[must_use]
    pub fn of(kind: &str, key: &str) -> Option<Self> {
        let forms = FORMS.iter().filter(|(kinds, _)| kinds.split(' ').any(|known| known == kind));
        let mut types = forms.flat_map(|(_, form)| pairs(form));
        types.find(|(known, _)| *known == key || *known == "*").map(|(_, name)| match name {
            "number" => Self::Number,
            "list" => Self::List,
            "flag" => Self::Flag,
            _ => Self::Text,
        })
    }
}

/// The keys of a form, each with its type.
fn pairs(form: &str) -> impl Iterator<Item = (&str, &str)> {
    form.split(' ').filter_map(|pair| pair.split_once('='))
}

/// Writes a line: its kind, and the form with values in place of their types.
pub(super) fn line(out: &mut dyn Write, kind: &str, form: &str, values: &[&dyn Display]) -> Result {
    out.write_str(kind)?;
    fill(out, form, values)?;
    out.write_str("\n")
}

/// Writes the form with values in place of their types. It leaves out the keys at the end for which
/// there are no values.
pub(super) fn fill(out: &mut dyn Write, form: &str, values: &[&dyn Display]) -> Result {
    debug_assert!(values.len() <= pairs(form).count(), "{form} has no keys for all values");
    for ((key, _), value) in pairs(form).zip(values) {
        write!(out, " {key}={value}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_that_of_the_key_in_its_line() {
        for (kind, key, expected) in [
            ("node", "id", Some(ValueType::Text)),
            ("node", "addresses", Some(ValueType::List)),
            ("own", "addresses6", Some(ValueType::List)),
            ("node", "age_s", Some(ValueType::Number)),
            ("node", "contested", Some(ValueType::Flag)),
            ("registry", "contested", Some(ValueType::Number)),
            ("contested", "addresses", Some(ValueType::List)),
            ("contested", "rival", Some(ValueType::Text)),
            ("rejected", "bad_source", Some(ValueType::Number)),
            ("node", "rival", None),
            ("future", "id", None),
        ] {
            assert_eq!(ValueType::of(kind, key), expected, "{kind} {key}");
        }
    }

    #[test]
    fn every_type_is_one() {
        for (kinds, form) in FORMS {
            for (key, name) in pairs(form) {
                assert!(["text", "number", "list", "flag"].contains(&name), "{kinds} {key}={name}");
            }
        }
    }
}
