//! Failures of asking the daemon, as messages.

use std::path::Path;

use crate::cli::asking::{permission, service};
use crate::cli::failure::{Exit, Failure};
use crate::client::Error;
use crate::control::ErrorCode;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::PermissionDenied { path } = &error {
            let advice = permission::advice(path);
            return Self::failed(format!("no permission to use {}: {advice}", path.display()));
        }
        if let Error::NoDaemon { path, .. } = &error
            && let Some(advice) = service::advice(Path::new("/"), path)
        {
            let message = format!("no daemon answers at {}: {advice}", path.display());
            return Self { exit: Exit::NoDaemon, message };
        }
        let exit = match &error {
            // The node was not heard, or this machine announces it and has no address.
            Error::Refused { message, .. }
                if error.refuses(ErrorCode::UnknownNode) || error.refuses(ErrorCode::OwnNode) =>
            {
                return Self::no(message);
            }
            Error::OwnNode { .. } => Exit::No,
            Error::InvalidPath { .. } | Error::InvalidName { .. } => Exit::Usage,
            Error::NoDaemon { .. } | Error::TimedOut | Error::Lost(_) => Exit::NoDaemon,
            Error::PermissionDenied { .. }
            | Error::System { .. }
            | Error::Refused { .. }
            | Error::Ended
            | Error::Protocol { .. } => Exit::Failed,
        };
        Self { exit, message: error.to_string() }
    }
}
