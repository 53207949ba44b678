//! Why a request can't be answered, for programs.

/// Why a request can't be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ErrorCode {
    /// The node is not known.
    UnknownNode,
    /// The daemon announces the node itself, so it does not hear it.
    OwnNode,
    /// The line is not a request.
    BadRequest,
    /// The daemon speaks another version of this protocol.
    Version,
    /// All client slots are taken.
    Busy,
    /// The client reads changes more slowly than they happen.
    Slow,
}

impl ErrorCode {
    /// The word for it in an `error` line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownNode => "unknown-node",
            Self::OwnNode => "own-node",
            Self::BadRequest => "bad-request",
            Self::Version => "version",
            Self::Busy => "busy",
            Self::Slow => "slow",
        }
    }
}
