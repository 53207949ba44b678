//! The value of an option.

use std::ffi::OsString;
use std::num::NonZeroU16;
use std::ops::RangeInclusive;

use lexopt::{Parser, ValueExt as _};

use crate::cli::arguments::help;
use crate::cli::arguments::options::word_after;
use crate::cli::arguments::unexpected::misread;
use crate::cli::failure::Failure;

/// An option's value. It begins with `--` only behind an equals sign: else the next option would be
/// taken for it.
pub(crate) fn value(parser: &mut Parser) -> Result<OsString, Failure> {
    if let Some(value) = parser.optional_value() {
        return Ok(value);
    }
    if let Some(rest) = parser.try_raw_args()
        && rest.peek().is_some_and(|next| next.as_encoded_bytes().starts_with(b"--"))
    {
        rest.for_each(drop);
    }
    parser.value().map_err(|error| {
        let name = parser.bin_name().unwrap_or_default();
        let lexopt::Error::MissingValue { option: Some(option) } = &error else {
            return error.into();
        };
        let help = help::of(name).unwrap_or_default();
        let kind = match word_after(help, option) {
            None | Some("NODE") => "name",
            Some("SECONDS") => "number of seconds",
            Some(kind) => &kind.to_ascii_lowercase(),
        };
        misread(&format!("{option} needs a {kind}"), None, name)
    })
}

/// The error for a value that an option does not take.
pub(crate) fn refused(takes: &str, value: &str) -> Failure {
    Failure::usage(format!("{takes}, not \"{value}\""))
}

/// Text, as an option's value.
pub(crate) fn text(parser: &mut Parser) -> Result<String, Failure> {
    Ok(value(parser)?.string()?)
}

/// A whole number within a range, as an option's value.
pub(crate) fn number(
    parser: &mut Parser,
    option: &str,
    range: RangeInclusive<u64>,
) -> Result<u64, Failure> {
    let value = value(parser)?;
    let value = value.to_string_lossy();
    let within = |text: &str| text.parse().ok().filter(|number| range.contains(number));
    if let Some(number) = within(&value) {
        return Ok(number);
    }
    let [min, max] = [range.start(), range.end()];
    let mut message = format!("{option} takes a whole number from {min} to {max}, not \"{value}\"");
    // `30s`, `22/tcp`
    let digits = value.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    if within(digits).is_some() {
        message.extend([": did you mean ", option, " ", digits, "?"]);
    }
    Err(Failure::usage(message))
}

pub(crate) fn port(parser: &mut Parser, option: &str) -> Result<NonZeroU16, Failure> {
    let number = number(parser, option, 1..=65_535)?;
    u16::try_from(number)
        .ok()
        .and_then(NonZeroU16::new)
        .ok_or_else(|| Failure::usage("no such port"))
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        use lexopt::Error::{MissingValue, NonUnicodeValue, UnexpectedValue};
        // Not as the error displays itself: that quotes by `{:?}`, which takes 600 bytes more.
        let message = match error {
            MissingValue { option: Some(option) } => format!("{option} needs a value"),
            UnexpectedValue { option, value } => {
                format!("{option} takes no value: leave ={} out", value.display())
            }
            NonUnicodeValue(value) => format!("invalid UTF-8 in \"{}\"", value.display()),
            _ => "wrong arguments".to_owned(),
        };
        Self::usage(message)
    }
}
