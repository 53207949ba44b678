//! The umask of the process that runs the unit tests. It is one for all threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// While this is held, the umask is that of the tests. A test that makes directories holds it: the code
/// that makes a control socket changes the umask for a moment, and an ordinary user could not enter a
/// directory that was made just then.
pub(crate) fn hold() -> MutexGuard<'static, ()> {
    static UMASK: Mutex<()> = Mutex::new(());
    // Whatever has become of another test.
    UMASK.lock().unwrap_or_else(PoisonError::into_inner)
}
