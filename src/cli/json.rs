//! Lines of the control protocol as JSON.
//!
//! A line's keys are the keys of the JSON object, in the same order. The protocol has no types, so the key tells whether a value is text, a
//! number or a list.

use std::io::{self, Write};

/// The keys whose values are text.
const TEXT: [&str; 7] = ["id", "address", "interface", "name", "version", "state", "event"];

/// The keys whose values are lists of text, with commas between.
const LIST: [&str; 1] = ["addresses"];

/// Writes `{"key":value,...}`.
pub(super) fn object<'a>(
    out: &mut dyn Write,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> io::Result<()> {
    out.write_all(b"{")?;
    pairs(out, fields)?;
    out.write_all(b"}")
}

/// Writes `"key":value,...`.
pub(super) fn pairs<'a>(
    out: &mut dyn Write,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> io::Result<()> {
    for (number, (key, value)) in fields.into_iter().enumerate() {
        if number > 0 {
            out.write_all(b",")?;
        }
        string(out, key)?;
        out.write_all(b":")?;
        if LIST.contains(&key) {
            array(out, value.split(','), |out, item| string(out, item))?;
        } else if TEXT.contains(&key) || !is_number(value) {
            string(out, value)?;
        } else {
            out.write_all(value.as_bytes())?;
        }
    }
    Ok(())
}

/// Whether it is a whole number; all that the protocol has.
fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Writes `[item,...]`.
pub(super) fn array<T>(
    out: &mut dyn Write,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut dyn Write, T) -> io::Result<()>,
) -> io::Result<()> {
    out.write_all(b"[")?;
    for (number, each) in items.into_iter().enumerate() {
        if number > 0 {
            out.write_all(b",")?;
        }
        item(out, each)?;
    }
    out.write_all(b"]")
}

/// Writes text in quotes; RFC 8259, section 7.
fn string(out: &mut dyn Write, text: &str) -> io::Result<()> {
    out.write_all(b"\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(out, "\\{c}")?,
            '\0'..='\x1f' => write!(out, "\\u{:04x}", u32::from(c))?,
            _ => write!(out, "{c}")?,
        }
    }
    out.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(fields: &[(&str, &str)]) -> String {
        let mut out = vec![];
        object(&mut out, fields.iter().copied()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_key_tells_the_type() {
        let fields = [("id", "123"), ("addresses", "10.0.0.1:1,10.0.0.2:2"), ("age_s", "3"), ("later", "x")];
        assert_eq!(
            json(&fields),
            r#"{"id":"123","addresses":["10.0.0.1:1","10.0.0.2:2"],"age_s":3,"later":"x"}"#
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
