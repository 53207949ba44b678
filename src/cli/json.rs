//! Lines of the control protocol as JSON.
//!
//! A line's keys are the keys of the JSON object, in the same order. The protocol has no types, so the key tells whether a value is text, a
//! number, a list, or yes or no.

use std::fmt::Write as _;

use super::client::Record;

/// The keys whose values are text.
const TEXT: [&str; 8] = ["id", "address", "interface", "name", "version", "state", "event", "rival"];

/// The keys whose values are lists of text, with commas between.
const LIST: [&str; 3] = ["addresses", "networks", "allowed"];

/// The keys whose values are yes or no.
const FLAG: [&str; 1] = ["contested"];

/// Writes `{"key":value,...}`.
pub(super) fn object<'a>(out: &mut String, fields: &mut dyn Iterator<Item = (&'a str, &'a str)>) {
    out.push('{');
    pairs(out, fields);
    out.push('}');
}

/// Writes `"key":value,...`.
pub(super) fn pairs<'a>(out: &mut String, fields: &mut dyn Iterator<Item = (&'a str, &'a str)>) {
    for (number, (key, value)) in fields.enumerate() {
        if number > 0 {
            out.push(',');
        }
        string(out, key);
        out.push(':');
        if LIST.contains(&key) {
            list(out, value);
        } else if FLAG.contains(&key) && !is_number(value) {
            out.push_str(if value == "yes" { "true" } else { "false" });
        } else if TEXT.contains(&key) || !is_number(value) {
            string(out, value);
        } else {
            out.push_str(value);
        }
    }
}

/// Whether it is a whole number; all that the protocol has.
pub(super) fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Writes `[{"key":value,...},...]`.
pub(super) fn objects(out: &mut String, records: &mut dyn Iterator<Item = &Record>) {
    out.push('[');
    for (number, record) in records.enumerate() {
        if number > 0 {
            out.push(',');
        }
        object(out, &mut record.pairs());
    }
    out.push(']');
}

/// Writes `["item",...]`, of items with commas between.
fn list(out: &mut String, items: &str) {
    out.push('[');
    for (number, item) in items.split(',').filter(|item| !item.is_empty()).enumerate() {
        if number > 0 {
            out.push(',');
        }
        string(out, item);
    }
    out.push(']');
}

/// Writes text in quotes; RFC 8259, section 7.
pub(super) fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\0'..='\x1f' => {
                // Text in memory takes all that is written to it.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(fields: &[(&str, &str)]) -> String {
        let mut out = String::new();
        object(&mut out, &mut fields.iter().copied());
        out
    }

    #[test]
    fn the_key_tells_the_type() {
        let fields = [("id", "123"), ("addresses", "10.0.0.1:1,10.0.0.2:2"), ("age_s", "3"), ("later", "x")];
        assert_eq!(
            json(&fields),
            r#"{"id":"123","addresses":["10.0.0.1:1","10.0.0.2:2"],"age_s":3,"later":"x"}"#
        );
        let flags = [("contested", "yes"), ("contested", "no"), ("contested", "3")];
        assert_eq!(json(&flags), r#"{"contested":true,"contested":false,"contested":3}"#);
        assert_eq!(
            json(&[("networks", "10.0.0.1/8"), ("allowed", "")]),
            r#"{"networks":["10.0.0.1/8"],"allowed":[]}"#
        );
        assert_eq!(json(&[]), "{}");
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(json(&[("id", "a\"b\\c\u{1}é")]), r#"{"id":"a\"b\\c\u0001é"}"#);
        // Only what is a JSON number is written as one.
        assert_eq!(json(&[("n", "-1"), ("m", "+1"), ("k", "1e5")]), r#"{"n":"-1","m":"+1","k":"1e5"}"#);
    }
}
