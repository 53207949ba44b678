//! Hosts for the programs.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::namespace::ip;

/// A network namespace with `lo` and `eth0`. The other end of eth0's cable is here, with the
/// addresses of all neighbours.
pub(crate) struct Host {
    pub(crate) address: Ipv4Addr,
    pub(crate) neighbours: Vec<Ipv4Addr>,
    /// An empty directory.
    pub(crate) directory: PathBuf,
    namespace: PathBuf,
}

impl Host {
    pub(crate) fn new(number: u8) -> Self {
        let name = format!("host{number}");
        for arguments in [
            format!("netns add {name}"),
            format!("link add cable{number} type veth peer name eth0 netns {name}"),
            format!("link set cable{number} up"),
            format!("-n {name} addr add 198.18.{number}.1/24 dev eth0"),
            format!("-n {name} link set lo up"),
            format!("-n {name} link set eth0 up"),
        ] {
            ip(&arguments);
        }
        // Twice as many as it takes to fill a registry, of which each may have an eighth.
        let neighbours: Vec<_> = (2..18).map(|host| Ipv4Addr::new(198, 18, number, host)).collect();
        for neighbour in &neighbours {
            ip(&format!("addr add {neighbour}/24 dev cable{number}"));
        }
        let directory = Path::new("/run").join(&name);
        fs::create_dir(&directory).unwrap();
        let address = Ipv4Addr::new(198, 18, number, 1);
        Self { address, neighbours, directory, namespace: Path::new("/run/netns").join(name) }
    }

    /// A command that runs there, with an environment that does not depend on who runs the
    /// benchmark.
    pub(crate) fn enter(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        // nsenter becomes the program: it is no process of its own.
        command.arg(format!("--net={}", self.namespace.display())).arg(program);
        command
            .env_clear()
            .env("HOME", &self.directory)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.current_dir(&self.directory);
        command
    }

    /// All processes there, as directories in `/proc`: the program's own and those it has started.
    pub(crate) fn processes(&self) -> Vec<PathBuf> {
        let here = fs::metadata(&self.namespace).unwrap().ino();
        let is_here = |process: &PathBuf| {
            fs::metadata(process.join("ns/net")).is_ok_and(|namespace| namespace.ino() == here)
        };
        fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()).filter(is_here).collect()
    }
}
