//! `foghorn watch`: the nodes known now, then each change, printed or passed to a command
//! (hook.rs).

mod changes;
mod hook;
mod reported;

use self::changes::{begin, next};
use self::hook::Hook;
use crate::cli::arguments::parser::Argument::Named;
use crate::cli::arguments::parser::Parser;
use crate::cli::asking::session::Session;
use crate::cli::commands::exec::Exec;
use crate::cli::failure::Failure;
use crate::cli::forms::json;
use crate::cli::forms::terminal::{Look, Style};
use crate::cli::stdio;

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let mut as_json = false;
    let mut exec = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Named("json") => as_json = true,
            Named("exec") => exec = Some(Exec::parse(parser)?),
            other => return Err(parser.refuse(other)),
        }
    }
    if as_json && exec.is_some() {
        return Err(Failure::usage("use either --json or --exec"));
    }
    let control = parser.control();
    match exec {
        Some(exec) => Hook::new(control, &exec).run(),
        None => print_each(&mut begin(control)?, as_json),
    }
}

fn print_each(client: &mut Session, as_json: bool) -> Result<(), Failure> {
    let look = Look::of_output();
    while let Some(change) = next(client)? {
        let mut line = String::new();
        if as_json {
            json::event(&mut line, &change);
        } else {
            let [id, address, interface] =
                ["id", "address", "interface"].map(|key| change.get(key));
            look.paint(&mut line, style(change.kind()), change.kind());
            line.extend([" ", id, " ", address, " ", interface]);
            if change.kind() == "contested" {
                line.extend([" ", change.get("rival")]);
            }
        }
        line.push('\n');
        if !stdio::try_print(&line)? {
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
