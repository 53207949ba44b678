//! The options of `foghorn run`.

use std::ffi::OsString;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use super::control_path;
use super::own_node::{announcement, bare, id, name};
use crate::cli::arguments::parser::Argument::{Named, Word};
use crate::cli::arguments::parser::{Parser, refused};
use crate::cli::failure::Failure;
use crate::host::{Options, Pattern, User};
use crate::net::Network;
use crate::time::Duration;
use crate::wire::v1::UDP_PORT;
use crate::wire::{Announcement, NodeId};

/// The options and their values.
pub(super) struct Arguments {
    id: Option<NodeId>,
    port: Option<NonZeroU16>,
    pub(super) log: Option<OsString>,
    pub(super) log_to: Option<PathBuf>,
    /// The rest as the daemon takes it.
    pub(super) options: Options,
}

impl Arguments {
    #[inline(never)]
    pub(super) fn parse(parser: &mut Parser) -> Result<Self, Failure> {
        let mut arguments = Self {
            id: None,
            port: None,
            log: None,
            log_to: None,
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
                Named("id") => arguments.id = Some(id(&parser.text()?)?),
                Named("port") => arguments.port = Some(parser.port()?),
                Named("announce") => options.announce.push(announcement(&parser.text()?)?),
                Named("expect") => options.expect.push(name(&parser.text()?, "--expect", "")?),
                Named("interval") => {
                    options.interval = Duration::from_secs(parser.number(1..=3600)?);
                }
                Named("interface") => options.interfaces.push(pattern(&parser.text()?)?),
                Named("allow") => options.allow.push(network(&parser.text()?)?),
                Named("udp-port") => options.udp_port = parser.port()?.get(),
                Named("log") => arguments.log = Some(parser.value()?),
                Named("log-to") => arguments.log_to = Some(parser.value()?.into()),
                Named("user") => options.user = Some(user(&parser.text()?)?),
                Named("state") => options.state = Some(parser.value()?.into()),
                Word(word) => return Err(bare(&word.to_string_lossy(), parser)),
                other @ Named(_) => return Err(parser.refuse(other)),
            }
        }
        Ok(arguments)
    }

    #[inline(never)]
    pub(super) fn into_options(self, control: Option<&Path>) -> Result<Options, Failure> {
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
            control_path::for_daemon(control, options.user.as_ref())?;
        Ok(options)
    }
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
    let user = User::find(name).map_err(|error| Failure::of_host(&error))?;
    if !nix::unistd::geteuid().is_root() {
        return Err(Failure::failed(
            "only root can switch to another user: use sudo, or omit --user",
        ));
    }
    Ok(user)
}
