//! Asking other programs.

use std::ffi::OsStr;
use std::io;
use std::process::Command;

/// The output of a program, with its errors.
pub(crate) fn output(program: impl AsRef<OsStr>, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}
