//! `foghorn watch`: the nodes known now, then each change.

use std::path::PathBuf;

use lexopt::Arg::{Long, Short};
use lexopt::Parser;

use super::client::{Client, Record};
use super::exec::Exec;
use super::terminal::{Look, Style};
use super::{Exit, Failure, help, json, output, unexpected, value};
use crate::control::Request;

pub(super) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let mut as_json = false;
    let mut control: Option<PathBuf> = None;
    let mut exec = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return output::print(help::WATCH),
            Long("json") => as_json = true,
            Long("control") => control = Some(value(parser)?.into()),
            Long("exec") => exec = Some(Exec::parse(parser)?),
            other => return Err(unexpected(other, help::WATCH)),
        }
    }
    if as_json && exec.is_some() {
        return Err(Failure::usage("with --exec nothing is printed: leave --json out"));
    }
    let mut client = Client::connect(control.as_deref())?;
    client.send(&Request::Watch)?;
    client.set_patience(None)?;
    match exec {
        Some(exec) => run_for_each(&mut client, &exec),
        None => print_each(&mut client, as_json),
    }
}

fn print_each(client: &mut Client, as_json: bool) -> Result<(), Failure> {
    let look = Look::of_output();
    while let Some(change) = client.next()? {
        let mut line = String::new();
        if as_json {
            let event = std::iter::once(("event", change.kind.as_str()));
            json::object(&mut line, &mut event.chain(change.pairs()));
        } else {
            let [id, address, interface] = ["id", "address", "interface"].map(|key| change.get(key));
            look.paint(&mut line, style(&change.kind), &change.kind);
            line.extend([" ", id, " ", address, " ", interface]);
            if change.kind == "contested" {
                line.extend([" ", change.get("rival")]);
            }
        }
        line.push('\n');
        if !output::tell(&line)? {
            break;
        }
    }
    Ok(())
}

/// How an event is shown.
fn style(event: &str) -> Style {
    match event {
        "found" => Style::Green,
        "moved" => Style::Yellow,
        "contested" => Style::Magenta,
        "lost" => Style::Red,
        _ => Style::Plain,
    }
}

fn run_for_each(client: &mut Client, exec: &Exec) -> Result<(), Failure> {
    loop {
        match client.next().map_err(Failure::from) {
            Ok(Some(change)) => run_for(&change, exec)?,
            Ok(None) => return Ok(()),
            Err(failure) if failure.exit == Exit::NoDaemon => {
                let message = "the daemon has ended, or left this watch since the command took too long: start it again";
                return Err(Failure { message: message.to_owned(), ..failure });
            }
            Err(failure) => return Err(failure),
        }
    }
}

fn run_for(change: &Record, exec: &Exec) -> Result<(), Failure> {
    let [id, address, interface] = ["id", "address", "interface"].map(|key| change.get(key));
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let mut values = vec![change.kind.as_str(), id, address, host, port, interface];
    if change.kind == "contested" {
        values.push(change.get("rival"));
    }
    exec.run(&values)
}
