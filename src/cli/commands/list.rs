//! `foghorn list`: all nodes.

use std::path::Path;

use crate::cli::arguments::parser::Parser;
use crate::cli::arguments::query::{Form, Query};
use crate::cli::asking::record::Record;
use crate::cli::asking::session::Session;
use crate::cli::commands::host_name::host_name;
use crate::cli::failure::Failure;
use crate::cli::forms::terminal::Look;
use crate::cli::forms::{html, json, table};
use crate::cli::stdio;
use crate::client::Error;
use crate::control::Request;
use crate::host::wall;
use crate::time::Duration;

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let query = Query::parse(parser)?;
    let nodes = nodes(parser.control()).map_err(Failure::from);
    if query.form == Some(Form::Html) {
        let time = wall().ok().map(Duration::secs);
        stdio::write(|out| html::write(out, &host_name(), time, nodes.as_deref()))?;
        return nodes.map(|_| ());
    }
    let nodes = nodes?;
    if query.form.is_none() && nodes.iter().all(Record::is_own) {
        stdio::note(
            "no node has been heard yet: wait 30 s (or --interval), and check that foghorn runs on another machine",
        );
        if nodes.is_empty() {
            return Ok(());
        }
    }
    stdio::write(|out| {
        if query.form.is_none() {
            return table::write(out, &nodes, Look::of_output());
        }
        json::objects(out, &mut nodes.iter())?;
        writeln!(out)
    })
}

/// Asks for the nodes, to be shown by name.
fn nodes(control: Option<&Path>) -> Result<Vec<Record>, Error> {
    let mut nodes = Session::connect(control)?.all_nodes(&Request::List)?;
    nodes.sort_unstable_by(|a, b| a.get("id").cmp(b.get("id")));
    Ok(nodes)
}
