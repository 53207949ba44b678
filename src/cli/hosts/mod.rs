//! `foghorn hosts`: the nodes as lines of a hosts file, printed or kept in a file.
//!
//! The file is for a name server. dnsmasq looks at what is in its `hostsdir` by itself, and forgets the names that a replaced file no longer
//! has (as of version 2.90, which the tests use); what `addn-hosts` names it reads again on SIGHUP alone, which `--exec` can send.

mod file;
mod follow;
mod names;

use std::path::PathBuf;

use lexopt::Arg::{Long, Short};
use lexopt::Parser;

use self::follow::Follower;
use self::names::Names;
use super::client::Client;
use super::exec::Exec;
use super::{Failure, help, output, text, unexpected, value};
use crate::control::Request;

pub(super) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let mut excluded = vec![];
    let mut follow: Option<PathBuf> = None;
    let mut exec = None;
    let mut control: Option<PathBuf> = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return output::print(help::HOSTS),
            Long("exclude") => excluded.push(pattern(&text(parser)?)?),
            Long("follow") => follow = Some(value(parser)?.into()),
            Long("exec") => exec = Some(Exec::parse(parser)?),
            Long("control") => control = Some(value(parser)?.into()),
            other => return Err(unexpected(other, help::HOSTS)),
        }
    }
    let hosts = Hosts { names: Names::new(excluded), control };
    match follow {
        Some(file) => Follower { file, hosts, exec }.run(),
        None if exec.is_some() => {
            Err(Failure::usage("--exec is for when a file was replaced: give one with --follow"))
        }
        None => output::print(&hosts.lines()?),
    }
}

/// Where the lines come from.
struct Hosts {
    names: Names,
    control: Option<PathBuf>,
}

impl Hosts {
    fn connect(&self) -> Result<Client, Failure> {
        Ok(Client::connect(self.control.as_deref())?)
    }

    /// The lines as they are now.
    fn lines(&self) -> Result<String, Failure> {
        Ok(self.names.lines(&self.connect()?.ask(&Request::List)?))
    }
}

/// A pattern, in lower case as the names are.
fn pattern(text: &str) -> Result<String, Failure> {
    if text.is_empty() {
        return Err(Failure::usage("--exclude takes a pattern like tv-*, not \"\""));
    }
    Ok(text.to_ascii_lowercase())
}
