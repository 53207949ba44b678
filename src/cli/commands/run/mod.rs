//! `foghorn run`: the daemon, in the foreground.

mod arguments;
mod control_path;
mod log;
mod own_node;

use std::sync::Mutex;

use self::arguments::Arguments;
use crate::cli::arguments::parser::Parser;
use crate::cli::failure::Failure;
use crate::host::{Daemon, Memory, Options, ServiceManager};
use crate::limits::REGISTRY_CAPACITY;

/// The memory of the daemon. It is reserved from the start, and a page of it is used only when
/// something is stored there.
static MEMORY: Mutex<Memory<REGISTRY_CAPACITY>> = Mutex::new(Memory::new());

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let arguments = Arguments::parse(parser)?;
    log::init(
        arguments.log.as_deref(),
        arguments.log_to.as_deref(),
        arguments.options.user.as_ref(),
    )?;
    run(&arguments.into_options(parser.control())?)
}

// Kept out of line, like `parse` and `into_options`, so that their stack is freed before the daemon
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
        Err(error) => return Err(Failure::of_host(error)),
    };
    ended.map_err(|error| Failure::of_host(&error))
}
