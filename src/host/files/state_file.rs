//! Keeps the registry in a file, so that a restart loses nothing.
//!
//! The file is replaced as a whole, so a reader always finds a complete one, whenever the daemon
//! was stopped. It is meant for a tmpfs and is not synced to a disk: waiting for a disk would block
//! the loop. If a power cut leaves a part of the file on a disk, the checksum is wrong, and the
//! daemon renames the file.

use std::ffi::{CStr, CString, OsStr};
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::num::NonZeroU128;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, OFlag, open, renameat};
use nix::sys::stat::Mode;
use nix::unistd::unlink;
use rustix::fs::OFlags;

use super::regular_file::open_regular;
use super::save_times::SaveTimes;
use crate::discoverer::Discoverer;
use crate::host::errors::outage::Outage;
use crate::host::errors::reason::{Reason, failure, occupied, refused, usage};
use crate::host::memory::RECEIVED;
use crate::host::time::clock;
use crate::log::{Shown, debug, info, warn};
use crate::registry::Registry;
use crate::state::{self, Damaged, PIECE_CAPACITY, State};
use crate::time::Instant;

const _: () = assert!(RECEIVED >= PIECE_CAPACITY);

/// The file that keeps the registry. The paths are made at the start, so that saving allocates
/// nothing.
pub(crate) struct StateFile {
    path: CString,
    /// The path of the new file before it replaces the old one.
    new: CString,
    boot: Option<NonZeroU128>,
    times: SaveTimes,
    saving: Outage,
}

impl StateFile {
    /// Nothing is read or written yet.
    ///
    /// # Errors
    ///
    /// No file can have that path.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        if path.as_os_str().is_empty() {
            let message = "\"\" cannot keep the state: give the path of a file with --state";
            return Err(usage(message.to_owned()));
        }
        let new = with_suffix(path, ".new");
        Ok(Self {
            path: CString::new(path.as_os_str().as_bytes())?,
            new: CString::new(new.into_os_string().into_vec())?,
            boot: clock::boot(),
            times: SaveTimes::default(),
            saving: Outage::default(),
        })
    }

    /// Restores the nodes in the file, and saves them at once, to find now whether the file can be
    /// written. A full disk is no error.
    ///
    /// # Errors
    ///
    /// Nothing can be saved there. The error's text says what to do.
    pub(crate) fn start(
        &mut self,
        now: Instant,
        discoverer: &mut Discoverer<'_>,
        buffer: &mut [u8],
    ) -> io::Result<()> {
        self.load(now, discoverer)?;
        let saved = self.write(now, discoverer.registry(), buffer);
        if let Err(error) = &saved
            && !matches!(
                error.kind(),
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge
            )
        {
            return Err(self.because(error));
        }
        self.log_result(now, saved);
        Ok(())
    }

    fn load(&self, now: Instant, discoverer: &mut Discoverer<'_>) -> io::Result<()> {
        let path = to_path(&self.path);
        let length = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => {
                usize::try_from(metadata.len()).unwrap_or(usize::MAX)
            }
            // A daemon makes only regular files: this belongs to another program and stays.
            Ok(metadata) => {
                return Err(occupied(
                    path,
                    metadata.file_type(),
                    "regular file",
                    "state",
                    "--state",
                ));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.because(&error)),
        };
        if length > state::capacity(discoverer.registry().capacity()) {
            self.set_aside(&"it is too long");
            return Ok(());
        }
        match read(path, length) {
            Ok(bytes) => match state::parse(&bytes) {
                Ok(state) => self.restore(now, &state, discoverer)?,
                // Another version of foghorn saved it: the file is not damaged.
                Err(version @ Damaged::Version(_)) => {
                    info!("restored nothing from {}: {}", Shown(&path.display()), Shown(&version));
                }
                Err(damaged) => self.set_aside(&damaged),
            },
            Err(error) => self.set_aside(&Reason::new(&error)),
        }
        Ok(())
    }

    fn restore(
        &self,
        now: Instant,
        state: &State<'_>,
        discoverer: &mut Discoverer<'_>,
    ) -> io::Result<()> {
        let path = to_path(&self.path).display();
        let moment =
            clock::moment(self.boot, now).map_err(|error| refused("clock_gettime", error))?;
        let Some(age) = moment.since(state.saved()) else {
            info!("{} was saved at a time in the future: restored nothing from it", Shown(&path));
            return Ok(());
        };
        for node in state.nodes(now, &moment, discoverer.registry().lease()) {
            discoverer.restore(now, &node);
        }
        let known = discoverer.registry().used();
        info!("restored {} nodes from {}, saved {} s ago", known, Shown(&path), age.secs());
        Ok(())
    }

    /// Renames a file that cannot be used, so that a person can find out why.
    fn set_aside(&self, why: &dyn Display) {
        let path = to_path(&self.path);
        let aside = with_suffix(path, ".damaged");
        match fs::rename(path, &aside) {
            Ok(()) => {
                let (path, aside) = (path.display(), aside.display());
                warn!(
                    "restored nothing from {}: {}; renamed to {}",
                    Shown(&path),
                    Shown(why),
                    Shown(&aside)
                );
            }
            Err(error) => {
                let (path, error) = (path.display(), Reason::new(&error));
                warn!(
                    "restored nothing from {}: {}; it cannot be renamed and will be replaced: {}",
                    Shown(&path),
                    Shown(why),
                    Shown(&error)
                );
            }
        }
    }

    /// Makes the next [`go_on`](Self::go_on) save.
    pub(crate) fn request(&mut self) {
        self.times.request();
    }

    /// Saves the registry if it is time.
    pub(crate) fn go_on(&mut self, now: Instant, registry: &Registry<'_>, buffer: &mut [u8]) {
        if self.times.check(now, registry.last_heard()) {
            self.save(now, registry, buffer);
        }
    }

    /// When [`go_on`](Self::go_on) has something to do, whatever else there is to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.times.latest()
    }

    /// Saves the registry. `buffer` must have room for [`PIECE_CAPACITY`].
    pub(crate) fn save(&mut self, now: Instant, registry: &Registry<'_>, buffer: &mut [u8]) {
        let saved = self.write(now, registry, buffer);
        self.log_result(now, saved);
    }

    /// Logs when saving begins to fail, and when it works again.
    fn log_result(&mut self, now: Instant, saved: io::Result<()>) {
        self.times.note_attempt(now, saved.is_err());
        let path = to_path(&self.path).display();
        match saved {
            Ok(()) => {
                if self.saving.end() {
                    info!("the state can be saved to {} again", Shown(&path));
                }
                debug!("the state is saved to {}", Shown(&path));
            }
            Err(error) => {
                if self.saving.begin() {
                    warn!(
                        "cannot save the state to {}: {}; still trying",
                        Shown(&path),
                        Shown(&Reason::new(&error))
                    );
                }
            }
        }
    }

    fn write(&self, now: Instant, registry: &Registry<'_>, buffer: &mut [u8]) -> io::Result<()> {
        // A daemon that was killed while it saved may have left this file. If it cannot be removed,
        // opening the new one fails.
        let _ = unlink(self.new.as_c_str());
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = open(self.new.as_c_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        let written = self.write_to(file.into(), now, registry, buffer).and_then(|()| {
            Ok(renameat(AT_FDCWD, self.new.as_c_str(), AT_FDCWD, self.path.as_c_str())?)
        });
        if written.is_err() {
            // A partial file is useless, and may take the very room that is missing.
            let _ = unlink(self.new.as_c_str());
        }
        written
    }

    fn write_to(
        &self,
        mut file: File,
        now: Instant,
        registry: &Registry<'_>,
        buffer: &mut [u8],
    ) -> io::Result<()> {
        let mut emitter = state::emit(registry, now, clock::moment(self.boot, now)?);
        loop {
            let filled = emitter.fill(buffer);
            match buffer.get(..filled) {
                None | Some([]) => return Ok(()),
                Some(bytes) => file.write_all(bytes)?,
            }
        }
    }

    fn because(&self, error: &io::Error) -> io::Error {
        let path = to_path(&self.path).display();
        let advice = match error.kind() {
            io::ErrorKind::NotFound => {
                "make its directory first, or choose another path with --state"
            }
            io::ErrorKind::PermissionDenied => {
                "run as a user with permission, or choose another path with --state"
            }
            // Only the new file must not exist.
            io::ErrorKind::AlreadyExists => {
                "the file of that name with .new is not foghorn's: choose another path with --state"
            }
            _ => "choose another path with --state",
        };
        failure(error.kind(), format!("cannot keep the state in {path}: {error}: {advice}"))
    }
}

/// Reads that many bytes of a file.
fn read(path: &Path, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    // Another file that took its place meanwhile does not block the daemon.
    let mut file = open_regular(path, OFlags::RDONLY | OFlags::NOFOLLOW)?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn to_path(path: &CStr) -> &Path {
    Path::new(OsStr::from_bytes(path.to_bytes()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
