//! A replay of inputs that fuzzing found: each file of `inputs/TARGET` is given to the target of
//! that name.
//!
//! A target is a function that takes any bytes and panics if a check fails.
//! `tests/fuzz/run` searches for such bytes.

mod decode;
mod discoverer;
mod input;
mod requests;
mod round_trip;
mod state;

use std::path::Path;
use std::{fs, io};

fn replay(target: &str, check: fn(&[u8])) -> io::Result<()> {
    let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/inputs").join(target);
    let mut files =
        fs::read_dir(inputs)?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        // This is shown if the check fails.
        println!("{}", file.display());
        check(&fs::read(file)?);
    }
    Ok(())
}

#[test]
fn decode() -> io::Result<()> {
    replay("decode", decode::check)
}

#[test]
fn round_trip() -> io::Result<()> {
    replay("round_trip", round_trip::check)
}

#[test]
fn requests() -> io::Result<()> {
    replay("requests", requests::check)
}

#[test]
fn state() -> io::Result<()> {
    replay("state", state::check)
}

#[test]
fn discoverer() -> io::Result<()> {
    replay("discoverer", discoverer::check)
}
