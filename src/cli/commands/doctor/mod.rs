//! `foghorn doctor`: what is wrong, and what to type.
//!
//! ```text
//! daemon      whether one answers;  interfaces  what it counted there
//! port        who has it;           firewall    what keeps datagrams out
//! nodes       who is heard, expected or contested
//! report      the lines of all these
//! ```

mod daemon;
mod firewall;
mod interfaces;
mod nodes;
mod port;
mod report;

use std::path::Path;

use self::daemon::Daemon;
use self::report::Report;
use crate::cli::arguments::parser::Argument::Named;
use crate::cli::arguments::parser::Parser;
use crate::cli::failure::Failure;
use crate::cli::forms::time::WRITTEN;
use crate::cli::stdio;
use crate::host::wall;
use crate::wire::v1::UDP_PORT;

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let mut udp_port = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Named("udp-port") => udp_port = Some(parser.port()?.get()),
            other => return Err(parser.refuse(other)),
        }
    }
    let mut report = Report::default();
    let root = Path::new("/");
    let daemon = Daemon::ask(&mut report, root, parser.control())?;
    let told = daemon.status.get("daemon", "udp_port").parse();
    let port = udp_port.unwrap_or_else(|| told.unwrap_or(UDP_PORT));
    let found = interfaces::check(&mut report, &daemon.status);
    port::check(&mut report, &daemon, root, port, &found);
    nodes::check_heard(&mut report, &daemon.status);
    let count = |key| daemon.status.get("datagrams", key);
    if count("received") == count("own") {
        firewall::check(&mut report, root, &port.to_string());
    }
    nodes::check_named(&mut report, &daemon.status);
    check_clock(&mut report);
    stdio::print(&report.text)?;
    if report.is_bad {
        return Err(Failure::no("see the lines marked bad above"));
    }
    Ok(())
}

fn check_clock(report: &mut Report) {
    match wall() {
        Ok(time) if time.secs() >= WRITTEN => {}
        Ok(_) => {
            report
                .line("warn  the clock is not set: the ages in a --state file are not known", &[]);
        }
        Err(error) => {
            report.line("bad   the clock can't be read (clock_gettime): $", &[&error.to_string()]);
        }
    }
}
