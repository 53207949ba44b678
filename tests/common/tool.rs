//! Programs of other projects that foghorn is used with, or that check its output.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::skip;

/// The path of a program: the value of `FOGHORN_` and its name, else its place in `PATH` or in
/// directories that a user's `PATH` lacks. None if it is missing; a message has then been printed.
pub(crate) fn find(program: &str, package: &str) -> Option<PathBuf> {
    let variable = format!("FOGHORN_{}", program.to_uppercase().replace('-', "_"));
    if let Some(path) = env::var_os(&variable) {
        return Some(path.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = directories.map(|directory| directory.join(program)).find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("{program} is missing: apt-get install {package}, or set {variable}"));
    }
    found
}

/// The output of a command that must succeed.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
