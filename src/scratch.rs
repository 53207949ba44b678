//! Directories for unit tests.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{env, fs, process};

/// A directory of a test's own, which goes with the test. The umask [stays](hold_umask) for as
/// long.
pub(crate) struct Scratch {
    path: PathBuf,
    _umask: MutexGuard<'static, ()>,
}

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let umask = hold_umask();
        let path = env::temp_dir().join(format!("foghorn-{name}-{}", process::id()));
        // A killed run may have left one.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self { path, _umask: umask }
    }
}

impl Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// While this is held, the umask is that of the tests. It is one for all threads: the code that
/// makes a control socket changes it for a moment, and an ordinary user could not enter a directory
/// that another test made just then.
pub(crate) fn hold_umask() -> MutexGuard<'static, ()> {
    static UMASK: Mutex<()> = Mutex::new(());
    // A test that failed has left the umask as it was.
    UMASK.lock().unwrap_or_else(PoisonError::into_inner)
}
