//! `foghorn watch`: the nodes known now, then each change.

use std::io::{self, Write};

use lexopt::Parser;

use super::client::Client;
use super::{Failure, Query, help, json, output};
use crate::control::Request;

pub(super) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let Some(query) = Query::parse(parser, help::WATCH)? else { return Ok(()) };
    let mut client = Client::connect(query.control.as_deref())?;
    client.send(&Request::Watch)?;
    client.set_patience(None)?;
    let mut out = io::stdout().lock();
    while let Some(change) = client.next()? {
        let mut line = vec![];
        let composed = if query.json {
            json::object(&mut line, std::iter::once(("event", change.kind.as_str())).chain(change.pairs()))
        } else {
            let [id, address, interface] = ["id", "address", "interface"].map(|key| change.get(key));
            write!(line, "{} {id} {address} {interface}", change.kind)
        };
        line.push(b'\n');
        if !output::done(composed.and_then(|()| out.write_all(&line)).and_then(|()| out.flush()))? {
            break;
        }
    }
    Ok(())
}
