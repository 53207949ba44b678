//! `foghorn hosts`: the nodes as lines of a hosts file, printed or kept in a file.
//!
//! The file is for a name server. dnsmasq looks at what is in its `hostsdir` by itself, and forgets
//! the names that a replaced file no longer has (as of version 2.90, which the tests use); what
//! `addn-hosts` names it reads again on SIGHUP alone, which `--exec` can send.
//!
//! ```text
//! lines.rs   the lines, one for each name
//! names.rs   which names a node may have
//! taken.rs   which of them others have, in files that listed.rs reads
//! follow.rs  the file changes when the nodes do;  file.rs  how it is replaced
//! ```

mod file;
mod follow;
mod lines;
mod listed;
mod names;
mod taken;

use std::path::PathBuf;

use lexopt::Arg::{Long, Short};
use lexopt::Parser;

use self::file::HostsFile;
use self::follow::Follower;
use self::lines::{Line, find};
use self::taken::{Taken, Unreadable};
use crate::cli::arguments::help;
use crate::cli::asking::client::{Client, Record};
use crate::cli::commands::exec::Exec;
use crate::cli::output;
use crate::cli::{Failure, text, unexpected, value};
use crate::client::Error;
use crate::control::Request;

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let mut excluded = vec![];
    let mut keep_out = vec![];
    let mut follow: Option<PathBuf> = None;
    let mut exec = None;
    let mut control: Option<PathBuf> = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return output::print(help::HOSTS),
            Long("exclude") => excluded.push(pattern(&text(parser)?)?),
            Long("keep-out") => keep_out.push(value(parser)?.into()),
            Long("follow") => follow = Some(value(parser)?.into()),
            Long("exec") => exec = Some(Exec::parse(parser)?),
            Long("control") => control = Some(value(parser)?.into()),
            other => return Err(unexpected(other, help::HOSTS)),
        }
    }
    let hosts = Hosts { excluded, taken: Taken { keep_out, target: follow.clone() }, control };
    match follow {
        Some(file) => Follower::new(HostsFile::new(file), hosts, exec).run(),
        None if exec.is_some() => {
            Err(Failure::usage("--exec is for when a file was replaced: give one with --follow"))
        }
        None => print(&hosts),
    }
}

fn print(hosts: &Hosts) -> Result<(), Failure> {
    let mut text = String::new();
    match hosts.write(&mut text, &hosts.nodes()?, b"") {
        Ok(()) => output::print(&text),
        Err(unreadable) => Err(Failure::failed(unreadable.to_string())),
    }
}

/// Where the lines come from, and which are left out.
struct Hosts {
    /// Patterns, in lower case.
    excluded: Vec<String>,
    taken: Taken,
    control: Option<PathBuf>,
}

impl Hosts {
    fn connect(&self) -> Result<Client, Error> {
        Client::connect(self.control.as_deref())
    }

    /// The nodes as they are now.
    fn nodes(&self) -> Result<Vec<Record>, Error> {
        self.connect()?.nodes(&Request::List)
    }

    /// Writes the lines of the nodes whose names are free. While a file can't be read, any name may
    /// be in it: then only those that have been exported before are written.
    fn write(
        &self,
        text: &mut String,
        nodes: &[Record],
        exported: &[u8],
    ) -> Result<(), Unreadable> {
        let mut lines = lines::of(nodes, &self.excluded);
        let marked = self.taken.mark(&mut lines);
        lines.retain(|line| !line.is_taken);
        if marked.is_err() {
            keep_exported(&mut lines, exported);
        }
        lines::write(text, &lines);
        marked
    }
}

/// Leaves only the lines whose names a hosts file has.
fn keep_exported(lines: &mut Vec<Line<'_>>, mut exported: &[u8]) {
    // Text in memory can be read, and it is as long as the lines are.
    let _ = listed::for_each(&mut exported, &mut |name| {
        if let Some(line) = find(lines, name) {
            line.is_exported = true;
        }
    });
    lines.retain(|line| line.is_exported);
}

/// A pattern, in lower case as the names are.
fn pattern(text: &str) -> Result<String, Failure> {
    if text.is_empty() {
        return Err(Failure::usage("--exclude takes a pattern like tv-*, not \"\""));
    }
    Ok(text.to_ascii_lowercase())
}
