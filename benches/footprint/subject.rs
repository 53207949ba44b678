//! A program that is measured.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::host::Host;
use crate::mappings;
use crate::program::{CONTROL, Program};
use crate::registry;
use crate::sample::Sample;

/// The output of a program, in its directory.
const LOG: &str = "log";

pub(crate) struct Subject {
    pub(crate) program: Program,
    /// Where it was started, or why it was not.
    host: Result<Host, String>,
}

impl Subject {
    /// Starts it on the host of that number. It ends with this program, when the kernel ends it.
    pub(crate) fn start(program: Program, number: u8) -> Self {
        let host = program.file.clone().map(|file| {
            let host = Host::new(number);
            let arguments = (program.arguments)(&file, host.directory.to_str().unwrap());
            let log = File::create(host.directory.join(LOG)).unwrap();
            let mut command = host.enter(&file);
            command.args(arguments.split(' ')).stdin(Stdio::null());
            let mut child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
            // A foghorn will be asked.
            let control = host.directory.join(CONTROL);
            while program.is_foghorn() && !control.exists() && child.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_millis(10));
            }
            host
        });
        Self { program, host }
    }

    /// Does nothing if the program is no foghorn.
    pub(crate) fn fill_registry(&self) {
        if let Some((host, control)) = self.foghorn() {
            registry::fill(&control, host.address, &host.neighbours);
        }
    }

    /// Does nothing if the program is no foghorn.
    pub(crate) fn check_registry(&self) {
        if let Some((_, control)) = self.foghorn() {
            registry::check(&control);
        }
    }

    /// Prints where its memory is. Does nothing if the program is no foghorn.
    pub(crate) fn print_mappings(&self) {
        if let Some((host, _)) = self.foghorn()
            && let Some(process) = host.processes().first()
        {
            println!("\n| {}: resident in | |\n| --- | ---: |", self.program.title());
            mappings::print(process);
        }
    }

    /// Its host and its control socket, if it is a foghorn that runs.
    fn foghorn(&self) -> Option<(&Host, PathBuf)> {
        let host = self.host.as_ref().ok()?;
        let control = host.directory.join(CONTROL);
        control.exists().then_some((host, control))
    }

    /// None if it does not run.
    pub(crate) fn sample(&self) -> Option<Sample> {
        let processes = self.host.as_ref().ok()?.processes();
        (!processes.is_empty()).then(|| Sample::take(&processes))
    }

    /// Why it does not run.
    pub(crate) fn reason(&self) -> String {
        match &self.host {
            Err(reason) => reason.clone(),
            Ok(host) => {
                let log = fs::read_to_string(host.directory.join(LOG)).unwrap();
                format!("not measured, it ended: {}", log.lines().last().unwrap_or_default())
            }
        }
    }
}
