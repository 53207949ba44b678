//! This test program itself, run again inside a host's namespace for one role there.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::common::Lines;

/// The role is one of the ignored tests, which obeys its standard input. It is stopped on drop.
pub(crate) struct Role {
    child: Child,
    input: Option<ChildStdin>,
    pub(crate) lines: Lines,
}

impl Role {
    /// Starts that test by `program`, which is this test program in some namespace.
    pub(crate) fn start(mut program: Command, test: &str, input: &[u8]) -> Self {
        program.args(["--exact", test, "--ignored", "--nocapture"]);
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input).unwrap();
        let lines = Lines::of(child.stdout.take().unwrap());
        Self { child, input: Some(stdin), lines }
    }

    /// The process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Closes its input.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
