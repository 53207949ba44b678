//! The lines of a reply, as a client reads them.

/// A line of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Line<'a> {
    /// The reply is complete.
    Ok,
    /// There is no answer. The code is none of [`ErrorCode::name`](super::ErrorCode::name)'s if the
    /// daemon is newer than this.
    Error {
        /// The reason, for programs.
        code: &'a str,
        /// The reason, for people.
        message: &'a str,
    },
    /// A part of the answer.
    Data {
        /// The kind of the line. A `6` at its end is taken away.
        kind: &'a str,
        /// Its `key=value` pairs.
        fields: Fields<'a>,
    },
}

impl<'a> Line<'a> {
    /// Reads a line without its newline.
    #[must_use]
    pub fn parse(line: &'a str) -> Self {
        match first_word(line) {
            ("ok", _) => Self::Ok,
            ("error", rest) => {
                let (code, message) = first_word(rest);
                Self::Error { code, message }
            }
            _ => {
                let (kind, fields) = split(line);
                Self::Data { kind, fields }
            }
        }
    }
}

/// The kind of a line, and its pairs. A line about IPv6 addresses is of the same kind as one about
/// IPv4 addresses.
pub(crate) fn split(line: &str) -> (&str, Fields<'_>) {
    let (kind, rest) = first_word(line);
    (kind.strip_suffix('6').unwrap_or(kind), Fields { rest })
}

/// The first word, and the rest of the words.
fn first_word(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

/// The `key=value` pairs of a line, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fields<'a> {
    rest: &'a str,
}

impl<'a> Fields<'a> {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.clone().find(|(known, _)| *known == key).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (pair, rest) = first_word(self.rest);
        self.rest = rest;
        Some(pair.split_once('=').unwrap_or((pair, "")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_end_a_reply_differ_from_data() {
        let expected = Line::Error { code: "unknown-node", message: "nas is not known" };
        assert_eq!(Line::parse("error unknown-node nas is not known"), expected);
        assert_eq!(Line::parse("ok"), Line::Ok);
        assert_eq!(Line::parse("error"), Line::Error { code: "", message: "" });
        assert!(matches!(Line::parse(""), Line::Data { kind: "", .. }));
        let Line::Data { kind: "future", fields } = Line::parse("future flag x=1") else {
            panic!()
        };
        assert!(fields.eq([("flag", ""), ("x", "1")]));
    }

    #[test]
    fn a_line_about_ipv6_addresses_is_of_the_same_kind() {
        for (line, expected) in [
            ("found6 id=nas", "found"),
            ("6", ""),
            ("node66", "node6"),
            ("6node", "6node"),
            ("ok6", "ok"),
            ("error6 x", "error"),
        ] {
            let Line::Data { kind, .. } = Line::parse(line) else { panic!("{line}") };
            assert_eq!(kind, expected);
        }
    }

    #[test]
    fn the_first_value_of_a_key_counts() {
        let (_, fields) = split("node id=a=b,\"c\" age_s=3 age_s=4");
        assert_eq!([fields.get("id"), fields.get("age_s")], [Some("a=b,\"c\""), Some("3")]);
        assert_eq!(fields.get("age"), None);
    }
}
