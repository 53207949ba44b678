//! `foghorn watch`: the nodes known now, then each change.

use lexopt::Parser;

use super::client::Client;
use super::terminal::{Look, Style};
use super::{Failure, Form, Query, help, json, output};
use crate::control::Request;

pub(super) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let Some(query) = Query::parse(parser, help::WATCH, &[Form::Json])? else { return Ok(()) };
    let mut client = Client::connect(query.control.as_deref())?;
    client.send(&Request::Watch)?;
    client.set_patience(None)?;
    let look = Look::of_output();
    while let Some(change) = client.next()? {
        let mut line = String::new();
        if query.form.is_some() {
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
