//! `error!`, `warn!`, `info!` and `debug!`: to the `log` facade with the feature of that name, else to nothing.

/// Passes a statement on to the facade, or checks its format string and drops it.
macro_rules! statement {
    ($level:ident, $($arg:tt)+) => {{
        #[cfg(feature = "log")]
        log::log!(log::Level::$level, $($arg)+);
        #[cfg(not(feature = "log"))]
        let _ = || core::format_args!($($arg)+).as_str().is_some();
    }};
}

macro_rules! error {
    ($($arg:tt)+) => { $crate::log::statement!(Error, $($arg)+) };
}

macro_rules! warning {
    ($($arg:tt)+) => { $crate::log::statement!(Warn, $($arg)+) };
}

macro_rules! info {
    ($($arg:tt)+) => { $crate::log::statement!(Info, $($arg)+) };
}

macro_rules! debug {
    ($($arg:tt)+) => { $crate::log::statement!(Debug, $($arg)+) };
}

// `warn` is also the name of a built-in attribute, which a macro of that name can't be imported beside.
pub(crate) use {debug, error, info, statement, warning as warn};
