//! Programs of others that foghorn is used with, or that judge what it writes.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::skip;

/// The path of a program: what `FOGHORN_` and its name says, else where it is in `PATH` or where a
/// user's `PATH` does not lead. None if it is missing; that has then been said.
pub(crate) fn find(program: &str, package: &str) -> Option<PathBuf> {
    let variable = format!("FOGHORN_{}", program.to_uppercase().replace('-', "_"));
    if let Some(path) = env::var_os(&variable) {
        return Some(path.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = directories.map(|directory| directory.join(program)).find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("there is no {program}: apt-get install {package}, or set {variable}"));
    }
    found
}

/// What a command printed that succeeds.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
