//! The arguments that a person typed.
//!
//! ```text
//! query       the options of list and status
//! parser      the arguments one by one, with the values of options
//! node        the node that was typed
//! unexpected  the error for an argument that a command does not have
//! near_miss   what was meant instead
//! options     the options of a command, read from its help
//! help        the help texts
//! ```

pub(crate) mod help;
pub(crate) mod near_miss;
pub(crate) mod node;
pub(crate) mod options;
pub(crate) mod parser;
pub(crate) mod query;
pub(crate) mod unexpected;
