//! The service that a package has installed: how to start it, and where its log is.

use std::path::Path;

use crate::client::places::{FILE, SYSTEM};

/// Where systemd finds the service's unit.
const UNITS: [&str; 3] = [
    "etc/systemd/system/foghorn.service",
    "usr/lib/systemd/system/foghorn.service",
    "lib/systemd/system/foghorn.service",
];

/// The command to type when no daemon answers at a socket; none if no service of this machine
/// listens there. `root` is `/` except in tests.
pub(crate) fn advice(root: &Path, socket: &Path) -> Option<&'static str> {
    let is_there = |path: &str| root.join(path).exists();
    if socket.as_os_str() != Path::new(SYSTEM).join(FILE).as_os_str() {
        None
    } else if is_there("run/systemd/system") && UNITS.iter().any(|unit| is_there(unit)) {
        Some(
            "start it with sudo systemctl start foghorn; sudo journalctl -u foghorn says why it stopped",
        )
    } else if is_there("sbin/procd") && is_there("etc/init.d/foghorn") {
        Some("start it with service foghorn start; logread -e foghorn says why it stopped")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_service_that_a_package_set_up_is_named() {
        let root = Scratch::new("service");
        let socket = Path::new(SYSTEM).join(FILE);
        let (systemd, init) = ("run/systemd/system/", "etc/init.d/foghorn");
        for (files, expected) in [
            (&[][..], None),
            (&[systemd, UNITS[0]], Some("systemctl start foghorn; sudo journalctl -u foghorn ")),
            (&[systemd, UNITS[1]], Some("systemctl start foghorn; sudo journalctl -u foghorn ")),
            (&[systemd, UNITS[2]], Some("systemctl start foghorn; sudo journalctl -u foghorn ")),
            (&[init, "sbin/procd"], Some("with service foghorn start; logread -e foghorn ")),
            // Without the service manager, without the service, or with those of two kinds.
            (&UNITS, None),
            (&[systemd], None),
            (&[systemd, "usr/lib/systemd/system/foghorn-hosts.service"], None),
            (&[systemd, init], None),
            (&[init], None),
            (&["sbin/procd"], None),
        ] {
            let _ = fs::remove_dir_all(&*root);
            for file in files {
                let path = root.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                if file.ends_with('/') { fs::create_dir(path) } else { fs::write(path, "") }
                    .unwrap();
            }
            let told = advice(&root, &socket);
            assert_eq!(told.is_some(), expected.is_some(), "{files:?}: {told:?}");
            assert!(told.unwrap_or_default().contains(expected.unwrap_or_default()), "{told:?}");
            // A daemon that was asked for by its socket is another one.
            for other in ["", "/tmp/nas.sock", "/run/foghorn/control.sock.old", "/run/foghorn"] {
                assert_eq!(advice(&root, Path::new(other)), None, "{other}");
            }
        }
    }
}
