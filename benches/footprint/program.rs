//! The programs that are measured, and how each is told to idle.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::command::output;
use crate::daemon::FOGHORN;

/// The control socket of a foghorn, in its directory.
pub(crate) const CONTROL: &str = "control.sock";

pub(crate) struct Program {
    /// What the table calls it. VERSION stands for what it says itself.
    name: &'static str,
    /// Its file, or why it is not measured.
    pub(crate) file: Result<PathBuf, String>,
    /// Whether it is the foghorn that the goals are for.
    pub(crate) is_small: bool,
    /// Tells the arguments to run the file with. All that it writes is to be in that directory.
    pub(crate) arguments: fn(&Path, &str) -> String,
    /// Tells its version, among other things.
    version: fn(&Path) -> io::Result<String>,
}

impl Program {
    pub(crate) fn all() -> [Self; 6] {
        [
            Self::foghorn("foghorn VERSION, glibc", false, Ok(FOGHORN.into())),
            Self::foghorn("foghorn VERSION, static musl", true, small_foghorn()),
            Self {
                name: "minissdpd VERSION",
                file: installed("minissdpd"),
                is_small: false,
                arguments: |_, directory| {
                    format!("-i eth0 -s {directory}/socket -p {directory}/pid")
                },
                // It can't be asked.
                version: |_| output("dpkg-query", &["--show", "minissdpd"]),
            },
            Self {
                name: "avahi VERSION without D-Bus and chroot",
                file: installed("avahi-daemon"),
                is_small: false,
                arguments: configure_avahi,
                version: |file| output(file, &["--version"]),
            },
            Self {
                name: "lldpd VERSION",
                file: installed("lldpd"),
                is_small: false,
                arguments: |_, directory| format!("-d -u {directory}/socket"),
                version: |file| output(file, &["-v"]),
            },
            Self {
                name: "Syncthing VERSION, the whole program",
                file: installed("syncthing"),
                is_small: false,
                arguments: configure_syncthing,
                version: |file| output(file, &["--version"]),
            },
        ]
    }

    fn foghorn(name: &'static str, is_small: bool, file: Result<PathBuf, String>) -> Self {
        Self {
            name,
            file,
            is_small,
            arguments: |_, directory| {
                format!("run --id box --port 22 --interval 30 --control {directory}/{CONTROL}")
            },
            version: |file| output(file, &["--version"]),
        }
    }

    pub(crate) fn is_foghorn(&self) -> bool {
        self.name.starts_with("foghorn")
    }

    /// What the table calls it.
    pub(crate) fn title(&self) -> String {
        let told =
            self.file.as_ref().ok().and_then(|file| (self.version)(file).ok()).unwrap_or_default();
        // As in "v1.19.2-ds1": what follows the dash is the distribution's.
        let mut numbers = told
            .split_whitespace()
            .map(|word| word.trim_start_matches('v').split('-').next().unwrap());
        match numbers.find(|number| number.starts_with(|first: char| first.is_ascii_digit())) {
            Some(version) => self.name.replace("VERSION", version),
            None => self.name.replace(" VERSION", ""),
        }
    }
}

/// What `cross/build.sh` left beside that which cargo built for this benchmark.
fn small_foghorn() -> Result<PathBuf, String> {
    let target = format!("{}-unknown-linux-musl", env::consts::ARCH);
    // In TARGET-DIRECTORY/release, or one deeper if cargo was told a target.
    let directories = Path::new(FOGHORN).ancestors().skip(2).take(2);
    let mut files = directories.map(|directory| directory.join(&target).join("small/foghorn"));
    files
        .find(|file| file.is_file())
        .ok_or(format!("not measured, build it first: cross/build.sh {target}"))
}

/// The file of a daemon. It may not be on a user's path.
fn installed(name: &str) -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut files =
        env::split_paths(&path).chain(["/usr/sbin".into()]).map(|directory| directory.join(name));
    files.find(|file| file.is_file()).ok_or("not installed".to_owned())
}

/// As Debian does, but without D-Bus, and without a chroot, which would need a second process.
fn configure_avahi(_: &Path, directory: &str) -> String {
    let config = "[server]\nenable-dbus=no\n[publish]\npublish-hinfo=no\npublish-workstation=no\n";
    fs::write(format!("{directory}/config"), config).unwrap();
    format!("--no-chroot --no-drop-root -f {directory}/config")
}

/// As Debian does, but with nothing to share and without looking for servers on the internet:
/// discovery on the LAN remains.
fn configure_syncthing(file: &Path, directory: &str) -> String {
    let home = format!("--home={directory}");
    output(file, &["generate", &home, "--no-default-folder", "--skip-port-probing"]).unwrap();
    let path = format!("{directory}/config.xml");
    let mut config = fs::read_to_string(&path).unwrap();
    for option in ["globalAnnounceEnabled", "relaysEnabled", "natEnabled", "crashReportingEnabled"]
    {
        config = config.replace(&format!("<{option}>true<"), &format!("<{option}>false<"));
    }
    fs::write(path, config).unwrap();
    format!("serve {home} --no-default-folder --no-browser --no-restart --no-upgrade")
}
