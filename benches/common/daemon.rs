//! The binary that cargo built, and the status of a daemon.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use foghorn::control::Line;

pub(crate) const FOGHORN: &str = env!("CARGO_BIN_EXE_foghorn");

/// A value from the status of the daemon with that control socket, from the first line of that
/// kind.
pub(crate) fn status(control: &Path, kind: &str, key: &str) -> String {
    let mut stream = UnixStream::connect(control).unwrap();
    stream.write_all(b"status\n").unwrap();
    for line in BufReader::new(stream).lines().map(Result::unwrap) {
        match Line::parse(&line) {
            Line::Data { kind: found, mut fields } if found == kind => {
                return fields.find(|(found, _)| *found == key).unwrap().1.to_owned();
            }
            Line::Data { .. } => {}
            Line::Ok | Line::Error { .. } => break,
        }
    }
    String::new()
}
