//! The options of `list` and `status`.

use std::path::PathBuf;

use lexopt::Arg::{Long, Short};
use lexopt::Parser;

use crate::cli::arguments::unexpected::unexpected;
use crate::cli::arguments::value::value;
use crate::cli::failure::Failure;
use crate::cli::stdio;

/// A form of an answer that is asked for by an option; without one it is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For programs.
    Json,
    /// For a browser.
    Html,
    /// For Prometheus.
    Metrics,
}

/// What `list` and `status` are told.
#[derive(Default)]
pub(crate) struct Query {
    pub(crate) form: Option<Form>,
    pub(crate) control: Option<PathBuf>,
}

impl Form {
    const fn option(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Metrics => "metrics",
        }
    }
}

impl Query {
    /// Reads the options. None if help was asked for, which has then been given.
    pub(crate) fn parse(
        parser: &mut Parser,
        help: &str,
        forms: &[Form],
    ) -> Result<Option<Self>, Failure> {
        let mut query = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return stdio::print(help).map(|()| None),
                Long("control") => query.control = Some(value(parser)?.into()),
                other => match forms.iter().find(|form| other == Long(form.option())) {
                    Some(form) => query.choose(*form)?,
                    None => return Err(unexpected(other, help)),
                },
            }
        }
        Ok(Some(query))
    }

    fn choose(&mut self, form: Form) -> Result<(), Failure> {
        match self.form.replace(form) {
            Some(other) if other != form => Err(Failure::usage(format!(
                "use either --{} or --{}",
                other.option(),
                form.option()
            ))),
            _ => Ok(()),
        }
    }
}
