//! The options of `list` and `status`.

use crate::cli::arguments::parser::Argument::Named;
use crate::cli::arguments::parser::Parser;
use crate::cli::failure::Failure;

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

/// The options of `list` and `status`.
#[derive(Default)]
pub(crate) struct Query {
    pub(crate) form: Option<Form>,
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
    /// Reads the options, of which the help text of the command has some.
    pub(crate) fn parse(parser: &mut Parser) -> Result<Self, Failure> {
        let mut query = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Named("json") => query.choose(Form::Json)?,
                Named("html") => query.choose(Form::Html)?,
                Named("metrics") => query.choose(Form::Metrics)?,
                other => return Err(parser.refuse(other)),
            }
        }
        Ok(query)
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
