//! Servers of other projects that foghorn is used with.

use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};

use crate::common::Lines;

/// A server, stopped on drop.
pub(crate) struct Server {
    child: Child,
    pub(crate) log: Lines,
}

impl Server {
    /// Starts a server and waits until it reports that it is ready.
    pub(crate) fn start<S: AsRef<OsStr>>(
        mut command: Command,
        arguments: &[S],
        ready: &str,
    ) -> Self {
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
