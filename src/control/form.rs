//! The form of a line: its keys, each with the type of its value.
//!
//! The lines themselves have no types. A client that passes them on in a form that has, like JSON,
//! asks for them here.

use core::fmt::{Display, Result, Write};

use super::reply::FORMS;

/// What a value is.
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
    /// The type of a key's value in lines of that kind; none if this version writes no such key
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

/// Writes a line: the form with values in place of their types. Keys at the end for which there is
/// no value are left out.
pub(super) fn line(out: &mut dyn Write, kind: &str, form: &str, values: &[&dyn Display]) -> Result {
    debug_assert!(values.len() <= pairs(form).count(), "{kind} has no keys for all values");
    out.write_str(kind)?;
    for ((key, _), value) in pairs(form).zip(values) {
        write!(out, " {key}={value}")?;
    }
    out.write_str("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_that_of_the_key_in_its_line() {
        for (kind, key, expected) in [
            ("node", "id", Some(ValueType::Text)),
            ("node", "addresses", Some(ValueType::List)),
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
