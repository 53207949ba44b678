//! Programs of others that foghorn is used with.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::common::{Lines, skip};

/// The path of a program, also where a user's PATH does not lead. None if it is missing; that has then been said.
pub(crate) fn find(program: &str, package: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = directories.map(|directory| directory.join(program)).find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("there is no {program}: apt-get install {package}"));
    }
    found
}

/// What a command printed that succeeds.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A server, ended when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) log: Lines,
}

impl Server {
    /// Starts a server and waits until it says that it is ready.
    pub(crate) fn start<S: AsRef<OsStr>>(mut command: Command, arguments: &[S], ready: &str) -> Self {
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Lines::of(child.stderr.take().unwrap());
        let server = Self { child, log };
        server.log.wait_for(ready);
        server
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
