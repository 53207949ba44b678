//! `error!`, `warn!`, `info!` and `debug!`: to `defmt` with the feature of that name, else to the
//! `log` facade with the feature of that name, else to nothing.
//!
//! Their format strings are those that both understand: a plain `{}` for each argument that
//! follows, and no names in braces. An argument that can only be displayed is handed over as
//! [`Shown`].

#[cfg(feature = "defmt")]
mod level;

#[cfg(feature = "defmt")]
pub use level::Level;
#[cfg(feature = "defmt")]
pub(crate) use level::want;

/// To defmt, if messages of that level are wanted: defmt itself decides that only when it is built.
#[cfg(feature = "defmt")]
macro_rules! statement {
    ($level:ident, $name:ident, $($arg:tt)+) => {
        if $crate::log::Level::$level.is_wanted() {
            defmt::$name!($($arg)+);
        }
    };
}

/// To the facade.
#[cfg(all(feature = "log", not(feature = "defmt")))]
macro_rules! statement {
    ($level:ident, $name:ident, $($arg:tt)+) => {
        $crate::log::emit(::log::Level::$level, core::format_args!($($arg)+))
    };
}

/// As `log::log!` does, but without the file and the line, which would take 2 kB of the binary and
/// which nobody is shown.
#[cfg(all(feature = "log", not(feature = "defmt")))]
pub(crate) fn emit(level: log::Level, message: core::fmt::Arguments<'_>) {
    if level <= log::max_level() {
        log::logger()
            .log(&log::Record::builder().level(level).target("foghorn").args(message).build());
    }
}

/// Checks the format string and drops it.
#[cfg(not(any(feature = "log", feature = "defmt")))]
macro_rules! statement {
    ($level:ident, $name:ident, $($arg:tt)+) => {{
        let _ = || core::format_args!($($arg)+).as_str().is_some();
    }};
}

macro_rules! error {
    ($($arg:tt)+) => { $crate::log::statement!(Error, error, $($arg)+) };
}

macro_rules! warning {
    ($($arg:tt)+) => { $crate::log::statement!(Warn, warn, $($arg)+) };
}

macro_rules! info {
    ($($arg:tt)+) => { $crate::log::statement!(Info, info, $($arg)+) };
}

macro_rules! debug {
    ($($arg:tt)+) => { $crate::log::statement!(Debug, debug, $($arg)+) };
}

// `warn` is also the name of a built-in attribute, which a macro of that name can't be imported
// beside.
pub(crate) use {debug, error, info, statement, warning as warn};

#[cfg(feature = "defmt")]
pub(crate) use defmt::Display2Format as Shown;

/// An argument as it displays itself.
#[cfg(not(feature = "defmt"))]
pub(crate) struct Shown<'a, T: ?Sized>(pub(crate) &'a T);

#[cfg(not(feature = "defmt"))]
impl<T: core::fmt::Display + ?Sized> core::fmt::Display for Shown<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}
