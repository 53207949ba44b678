//! What a person typed: the options, the help texts, and what was meant instead.

pub(crate) mod help;
pub(crate) mod near_miss;
