//! `foghorn hosts`: the nodes as lines of a hosts file, printed or kept in a file.
//!
//! The file is for a name server. dnsmasq looks at what is in its `hostsdir` by itself, and forgets
//! the names that a replaced file no longer has (as of version 2.90, which the tests use); what
//! `addn-hosts` names it reads again on SIGHUP alone, which `--exec` can send.
//!
//! ```text
//! export.rs  the lines of the nodes whose names are free
//! lines.rs   the lines, one for each name
//! names.rs   which names a node may have
//! taken.rs   which of them others have, in files that listed.rs reads
//! follow.rs  the file changes when the nodes do;  file.rs  how it is replaced
//! ```

mod export;
mod file;
mod follow;
mod lines;
mod listed;
mod names;
mod taken;

use std::path::PathBuf;

use self::export::Hosts;
use self::file::HostsFile;
use self::follow::Follower;
use self::taken::Taken;
use crate::cli::arguments::parser::Argument::Named;
use crate::cli::arguments::parser::Parser;
use crate::cli::commands::exec::Exec;
use crate::cli::failure::Failure;
use crate::cli::stdio;

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let mut excluded = vec![];
    let mut keep_out = vec![];
    let mut follow: Option<PathBuf> = None;
    let mut exec = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Named("exclude") => excluded.push(pattern(&parser.text()?)?),
            Named("keep-out") => keep_out.push(parser.value()?.into()),
            Named("follow") => follow = Some(parser.value()?.into()),
            Named("exec") => exec = Some(Exec::parse(parser)?),
            other => return Err(parser.refuse(other)),
        }
    }
    let hosts = Hosts {
        excluded,
        taken: Taken { keep_out, target: follow.clone() },
        control: parser.control(),
    };
    match follow {
        Some(file) => Follower::new(HostsFile::new(file), hosts, exec).run(),
        None if exec.is_some() => Err(Failure::usage(
            "--exec needs --follow: add the file, like --follow /tmp/hosts/foghorn",
        )),
        None => print(&hosts),
    }
}

fn print(hosts: &Hosts<'_>) -> Result<(), Failure> {
    let mut text = String::new();
    match hosts.write(&mut text, &hosts.nodes()?, b"") {
        Ok(()) => stdio::print(&text),
        Err(unreadable) => Err(Failure::failed(unreadable.to_string())),
    }
}

/// A pattern, in lower case as the names are.
fn pattern(text: &str) -> Result<String, Failure> {
    if text.is_empty() {
        return Err(Failure::usage("--exclude takes a pattern like tv-*, not \"\""));
    }
    Ok(text.to_ascii_lowercase())
}
