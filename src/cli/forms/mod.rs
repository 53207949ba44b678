//! The forms in which an answer is shown.

pub(crate) mod columns;
pub(crate) mod fold;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod metrics;
pub(crate) mod status;
pub(crate) mod table;
pub(crate) mod terminal;
pub(crate) mod time;
