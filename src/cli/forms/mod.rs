//! The forms in which an answer is shown.

pub(crate) mod date;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod metrics;
pub(crate) mod terminal;
