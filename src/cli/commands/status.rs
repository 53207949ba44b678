//! `foghorn status`: how the daemon is doing.

use std::fmt::{self, Write};

use crate::cli::arguments::parser::Parser;
use crate::cli::arguments::query::{Form, Query};
use crate::cli::asking::status::Status;
use crate::cli::failure::{Exit, Failure};
use crate::cli::forms::terminal::Look;
use crate::cli::forms::{self, json, metrics};
use crate::cli::stdio;

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let query = Query::parse(parser)?;
    let status = match Status::ask(parser.control()).map_err(Failure::from) {
        // An old file for Prometheus would go on saying that all is well.
        Err(failure) if query.form == Some(Form::Metrics) => {
            stdio::write(|out| metrics::write(out, &Status(vec![])))?;
            if failure.exit != Exit::NoDaemon {
                return Err(failure);
            }
            stdio::warn(&failure.message);
            return Ok(());
        }
        status => status?,
    };
    stdio::write(|out| match query.form {
        None => {
            let width = Look::of_output().width.unwrap_or(usize::MAX);
            forms::status::write(out, &status, width)
        }
        Some(Form::Metrics) => metrics::write(out, &status),
        Some(_) => write_json(out, &status),
    })
}

fn write_json(out: &mut dyn Write, status: &Status) -> fmt::Result {
    let mut text = String::from("{");
    status.all("daemon").for_each(|daemon| json::pairs(&mut text, daemon));
    for (key, kind) in [
        ("own", "own"),
        ("rivals", "rival"),
        ("interfaces", "interface"),
        ("expected", "expected"),
        ("contested", "contested"),
    ] {
        json::key(&mut text, key);
        out.write_str(&text)?;
        text.clear();
        json::objects(out, &mut status.all(kind))?;
    }
    for kind in ["registry", "datagrams", "rejected", "host_name"] {
        for record in status.all(kind) {
            json::key(&mut text, kind);
            json::object(&mut text, record);
            out.write_str(&text)?;
            text.clear();
        }
    }
    out.write_str("}\n")
}
