//! The lines that every reply has, as the daemon writes them: those that end it, and the version.
//!
//! Here and in the modules beside, a writer puts a line with its newline into `out`, and fails only
//! when `out` does.

use core::fmt::{Display, Result, Write};

use super::form::{self, line};
use super::{ErrorCode, VERSION};

/// `ok`: the reply is complete.
///
/// # Errors
///
/// Fails when `out` does.
pub fn ok(out: &mut impl Write) -> Result {
    out.write_str("ok\n")
}

/// `error CODE MESSAGE`: there is no reply, or no more of it.
///
/// # Errors
///
/// Fails when `out` does.
pub fn error(out: &mut impl Write, code: ErrorCode, message: impl Display) -> Result {
    writeln!(out, "error {} {message}", code.name())
}

/// `version`: which protocol and program this is.
///
/// # Errors
///
/// Fails when `out` does.
pub fn version(out: &mut impl Write) -> Result {
    line(out, "version", form::VERSION, &[&VERSION, &env!("CARGO_PKG_VERSION")])
}
