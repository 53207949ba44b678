//! `foghorn run`: the daemon, in the foreground.

mod control_path;

use std::ffi::{OsStr, OsString};
use std::io;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lexopt::Arg::{Long, Short, Value};
use lexopt::Parser;

use crate::cli::arguments::help;
use crate::cli::arguments::node::{ADDRESS, USER, mistaken, node_id};
use crate::cli::arguments::options::has_option;
use crate::cli::arguments::unexpected::unexpected;
use crate::cli::arguments::value::{number, port, refused, text, value};
use crate::cli::failure::Failure;
use crate::cli::stdio;
use crate::host::{Daemon, Memory, Options, Pattern, ServiceManager, User, is_usage};
use crate::limits::REGISTRY_CAPACITY;
use crate::network::Network;
use crate::time::Duration;
use crate::wire::v1::UDP_PORT;
use crate::wire::{Announcement, NodeId};

/// What the daemon keeps. It is part of the process from the start, and takes a page only when
/// something is kept there.
static MEMORY: Mutex<Memory<REGISTRY_CAPACITY>> = Mutex::new(Memory::new());

/// What the command line says.
struct Arguments {
    id: Option<NodeId>,
    port: Option<NonZeroU16>,
    log: Option<OsString>,
    log_to: Option<PathBuf>,
    control: Option<PathBuf>,
    /// The rest as the daemon takes it.
    options: Options,
}

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let Some(arguments) = Arguments::parse(parser)? else { return Ok(()) };
    init_log(
        arguments.log.as_deref(),
        arguments.log_to.as_deref(),
        arguments.options.user.as_ref(),
    )?;
    run(&arguments.into_options()?)
}

// Apart, as `parse` and `into_options` are: the stack that those take is free again when the daemon
// runs.
#[inline(never)]
fn run(options: &Options) -> Result<(), Failure> {
    let mut memory =
        MEMORY.try_lock().map_err(|_| Failure::failed("a daemon runs in this process already"))?;
    let ended = match &mut Daemon::new(options, &mut memory) {
        Ok(daemon) => {
            if let Some(service_manager) = ServiceManager::from_environment() {
                daemon.report_to(service_manager);
            }
            daemon
                .start(options)
                .and_then(|()| daemon.drop_privileges(options))
                .and_then(|()| daemon.restore(options))
                .and_then(|()| daemon.run())
        }
        Err(error) => return Err(failure(error)),
    };
    ended.map_err(|error| failure(&error))
}

/// An error of the host's, whose text says what to do.
fn failure(error: &io::Error) -> Failure {
    let message = error.to_string();
    if is_usage(error) { Failure::usage(message) } else { Failure::failed(message) }
}

impl Arguments {
    /// None if help was asked for, which has then been given.
    #[inline(never)]
    fn parse(parser: &mut Parser) -> Result<Option<Self>, Failure> {
        let mut arguments = Self {
            id: None,
            port: None,
            log: None,
            log_to: None,
            control: None,
            options: Options {
                announce: vec![],
                host_name: None,
                expect: vec![],
                interval: Duration::from_secs(30),
                interfaces: vec![],
                allow: vec![],
                udp_port: UDP_PORT,
                control: PathBuf::new(),
                own_directory: false,
                user: None,
                state: None,
            },
        };
        let options = &mut arguments.options;
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return stdio::print(help::RUN).map(|()| None),
                Long("id") => arguments.id = Some(id(&text(parser)?)?),
                Long("port") => arguments.port = Some(port(parser, "--port")?),
                Long("announce") => options.announce.push(announcement(&text(parser)?)?),
                Long("expect") => options.expect.push(name(&text(parser)?, "--expect", "")?),
                Long("interval") => {
                    options.interval = Duration::from_secs(number(parser, "--interval", 1..=3600)?);
                }
                Long("interface") => options.interfaces.push(pattern(&text(parser)?)?),
                Long("allow") => options.allow.push(network(&text(parser)?)?),
                Long("udp-port") => options.udp_port = port(parser, "--udp-port")?.get(),
                Long("log") => arguments.log = Some(value(parser)?),
                Long("log-to") => arguments.log_to = Some(value(parser)?.into()),
                Long("control") => arguments.control = Some(value(parser)?.into()),
                Long("user") => options.user = Some(user(&text(parser)?)?),
                Long("state") => options.state = Some(value(parser)?.into()),
                Value(word) => return Err(bare(&word.to_string_lossy(), parser)),
                other => return Err(unexpected(other, help::RUN)),
            }
        }
        Ok(Some(arguments))
    }

    #[inline(never)]
    fn into_options(self) -> Result<Options, Failure> {
        let mut options = self.options;
        match (self.id, self.port) {
            (Some(id), Some(port)) => options.announce.insert(0, Announcement { id, port }),
            (None, port) => options.host_name = port,
            (Some(_), None) => {
                return Err(Failure::usage(
                    "--id needs --port: add the port of the node, like --port 22",
                ));
            }
        }
        (options.control, options.own_directory) =
            control_path::for_daemon(self.control.as_deref(), options.user.as_ref())?;
        Ok(options)
    }
}

/// The error for a word that is no option and no option's value.
#[cold]
fn bare(word: &str, parser: &mut Parser) -> Failure {
    let mut meant = String::new();
    if has_option(help::RUN, word) {
        meant.extend(["--", word]);
        if let Ok(next) = parser.value() {
            meant.extend([" ", &*next.to_string_lossy()]);
        }
    } else if word.parse::<NonZeroU16>().is_ok() {
        meant.extend(["--port ", word]);
    } else if announcement(word).is_ok() {
        meant.extend(["--announce ", word]);
    } else {
        return Failure::usage(format!("did you mean --id {word}? Its port goes behind --port"));
    }
    Failure::usage(format!("unexpected argument \"{word}\": did you mean {meant}?"))
}

/// The name of a node to announce or to expect. The protocol allows one that is plainly something
/// else, but nobody means that. `after` is what `option` has after the name.
fn name(text: &str, option: &str, after: &str) -> Result<NodeId, Failure> {
    let Some((what, name)) = mistaken(text).filter(|(what, _)| *what != USER) else {
        return node_id(text);
    };
    let mut message = format!("\"{text}\" is {what}, not a node's name: ");
    if what == ADDRESS {
        message.push_str("the other machines tell the address, so give a name like nas");
    } else {
        message.extend(["did you mean ", option, " ", name, after, "?"]);
    }
    Err(Failure::usage(message))
}

/// The name behind `--id`, where others have a port as well.
fn id(text: &str) -> Result<NodeId, Failure> {
    let port = text.rsplit(':').next().filter(|port| port.parse::<u16>().is_ok());
    name(text, "--id", &port.map_or_else(String::new, |port| format!(" --port {port}")))
}

/// NODE:PORT. The name may contain colons, the port does not.
fn announcement(text: &str) -> Result<Announcement, Failure> {
    let parts = text.rsplit_once(':').and_then(|(id, port)| Some((id, port, port.parse().ok()?)));
    let Some((id, digits, port)) = parts.filter(|(id, ..)| !id.is_empty()) else {
        return Err(refused(
            "--announce takes NODE:PORT with a port from 1 to 65535, like nas:22",
            text,
        ));
    };
    Ok(Announcement { id: name(id, "--announce", &format!(":{digits}"))?, port })
}

fn pattern(text: &str) -> Result<Pattern, Failure> {
    if text.contains(',') {
        return Err(Failure::usage(format!(
            "--interface takes one pattern, not \"{text}\": repeat it for each, like --interface eth0 --interface eth1"
        )));
    }
    Pattern::new(text)
        .ok_or_else(|| refused("--interface takes a pattern like eth* or !docker*", text))
}

fn network(text: &str) -> Result<Network, Failure> {
    let takes = "--allow takes a network like 10.0.0.0/8 or an address like 192.168.7.2";
    text.parse().map_err(|_| refused(takes, text))
}

fn user(name: &str) -> Result<User, Failure> {
    let user = User::find(name).map_err(|error| failure(&error))?;
    if !nix::unistd::geteuid().is_root() {
        return Err(Failure::failed(
            "only root can become another user: start foghorn as root, or leave --user out",
        ));
    }
    Ok(user)
}

#[cfg(any(feature = "log", feature = "defmt"))]
fn init_log(level: Option<&OsStr>, to: Option<&Path>, user: Option<&User>) -> Result<(), Failure> {
    use crate::host::{Level, LogSink};

    let variable = std::env::var_os("FOGHORN_LOG").filter(|level| !level.is_empty());
    let level = match level.or(variable.as_deref()) {
        None => Level::Info,
        Some(text) => text.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
            Failure::usage(format!(
                "--log and FOGHORN_LOG take error, warn, info, debug or trace, not {}",
                text.display()
            ))
        })?,
    };
    let sink = match to {
        Some(path) => LogSink::open(path, user),
        None if cfg!(feature = "defmt") && io::IsTerminal::is_terminal(&io::stderr()) => {
            return Err(Failure::usage(
                "this build logs in frames, which defmt-print reads and a terminal does not: give --log-to FILE",
            ));
        }
        None => LogSink::stderr(),
    };
    crate::host::init_log(level, sink.map_err(|error| failure(&error))?);
    Ok(())
}

/// A build without log statements has nothing to set.
#[cfg(not(any(feature = "log", feature = "defmt")))]
fn init_log(level: Option<&OsStr>, to: Option<&Path>, _: Option<&User>) -> Result<(), Failure> {
    for (option, given) in [("--log", level.is_some()), ("--log-to", to.is_some())] {
        if given {
            return Err(Failure::usage(format!("this build has no log: leave {option} out")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_is_split_at_the_last_colon() {
        let announcement = announcement("urn:nas:22").unwrap();
        assert_eq!((announcement.id.as_str(), announcement.port.get()), ("urn:nas", 22));
    }

    #[test]
    fn what_can_not_be_announced_is_refused() {
        for text in ["", "nas", "nas:", "nas:0", "nas:70000", "nas:ssh", ":22", "a b:22", "nas:-1"]
        {
            assert_eq!(announcement(text).unwrap_err().exit_code(), 2, "{text:?}");
        }
    }
}
