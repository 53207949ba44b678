//! Lines of the control protocol as JSON.
//!
//! A line's keys are the keys of the JSON object, in the same order. The protocol knows which
//! values are text, numbers, lists or flags. A value that only a later version knows is a number if
//! it looks like one, else text.

use std::fmt::{self, Write as _};

use crate::cli::asking::record::Record;
use crate::control::ValueType;

/// Writes `{"key":value,...}`.
pub(crate) fn object(out: &mut String, record: &Record) {
    out.push('{');
    pairs(out, record);
    out.push('}');
}

/// Writes `{"event":"kind","key":value,...}`.
pub(crate) fn event(out: &mut String, record: &Record) {
    out.push('{');
    key(out, "event");
    string(out, record.kind());
    pairs(out, record);
    out.push('}');
}

/// Writes `"key":value,...`.
pub(crate) fn pairs(out: &mut String, record: &Record) {
    for (name, value) in record.pairs() {
        key(out, name);
        // A value that is not of its type is text.
        match (ValueType::of(record.kind(), name), value) {
            (Some(ValueType::List), _) => list(out, value),
            (Some(ValueType::Flag), "yes") => out.push_str("true"),
            (Some(ValueType::Flag), "no") => out.push_str("false"),
            (Some(ValueType::Number) | None, _) if is_number(value) => out.push_str(value),
            _ => string(out, value),
        }
    }
}

/// Writes `"key":`, after a comma where it is not the first of its object.
pub(crate) fn key(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    string(out, name);
    out.push(':');
}

/// Whether a value is a whole number in JSON's form. The protocol has no other numbers.
pub(crate) fn is_number(value: &str) -> bool {
    value == "0"
        || !value.is_empty()
            && !value.starts_with('0')
            && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Writes `[{"key":value,...},...]`.
pub(crate) fn objects(
    out: &mut dyn fmt::Write,
    records: &mut dyn Iterator<Item = &Record>,
) -> fmt::Result {
    let mut text = String::from("[");
    for (number, record) in records.enumerate() {
        if number > 0 {
            text.push(',');
        }
        object(&mut text, record);
        out.write_str(&text)?;
        text.clear();
    }
    text.push(']');
    out.write_str(&text)
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
pub(crate) fn string(out: &mut String, text: &str) {
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

    fn json(line: &str) -> String {
        let mut out = String::new();
        object(&mut out, &Record::read(line));
        out
    }

    #[test]
    fn a_value_has_the_type_that_the_protocol_tells() {
        assert_eq!(
            json("node id=123 addresses=10.0.0.1:1,10.0.0.2:2 age_s=3 later=x contested=yes"),
            r#"{"id":"123","addresses":["10.0.0.1:1","10.0.0.2:2"],"age_s":3,"later":"x","contested":true}"#
        );
        assert_eq!(json("registry contested=3"), r#"{"contested":3}"#);
        assert_eq!(json("rejected truncated=3 later=4"), r#"{"truncated":3,"later":4}"#);
        assert_eq!(
            json("interface name=7 networks=10.0.0.1/8"),
            r#"{"name":"7","networks":["10.0.0.1/8"]}"#
        );
        assert_eq!(json("daemon allowed="), r#"{"allowed":[]}"#);
        assert_eq!(json("daemon"), "{}");
        assert_eq!(json("future n=1 t=x"), r#"{"n":1,"t":"x"}"#);
    }

    #[test]
    fn what_is_not_of_its_type_is_text() {
        assert_eq!(
            json("node age_s=many known_s= heard=007 contested=maybe"),
            r#"{"age_s":"many","known_s":"","heard":"007","contested":"maybe"}"#
        );
        // Only what is a JSON number is written as one.
        assert_eq!(
            json("future n=-1 m=+1 k=1e5 z=00"),
            r#"{"n":"-1","m":"+1","k":"1e5","z":"00"}"#
        );
    }

    #[test]
    fn an_event_comes_first() {
        let mut out = String::new();
        event(&mut out, &Record::read("lost id=nas"));
        assert_eq!(out, r#"{"event":"lost","id":"nas"}"#);
    }

    #[test]
    fn text_is_escaped() {
        let mut out = String::new();
        string(&mut out, "a\"b\\c\u{1}é");
        assert_eq!(out, r#""a\"b\\c\u0001é""#);
    }
}
