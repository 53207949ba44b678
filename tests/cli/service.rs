//! Advice of the commands when the daemon should run as a service, but does not.

use std::process::Stdio;

use crate::common::{Ended, FOGHORN, in_mount_namespace, to_run};

/// Foghorn on a machine of its own, which that shell command has set up. None where this machine
/// can't make one.
///
/// It has a network of its own, too: the kernel lists the Unix sockets of a network, and a daemon
/// of another test may listen at the same path.
fn machine(with: &str) -> Option<impl Fn(&[&str]) -> Ended> {
    let script = format!(
        "mount -t tmpfs none /run && mount -t tmpfs none /etc && {with} && exec unshare --net \"$@\""
    );
    in_mount_namespace(&script)?;
    Some(move |arguments: &[&str]| {
        let (program, before) = to_run(FOGHORN);
        let mut command = in_mount_namespace(&script).unwrap();
        command.args(["sh", &program]).args(before).args(arguments).stdin(Stdio::null());
        command.env_remove("FOGHORN_CONTROL").env_remove("XDG_RUNTIME_DIR");
        command.output().unwrap().into()
    })
}

#[test]
fn every_client_says_how_to_start_the_service_and_where_its_log_is() {
    let systemd = "mkdir -p /run/systemd/system /etc/systemd/system && touch /etc/systemd/system/foghorn.service";
    let says = "no daemon answers at /run/foghorn/control.sock: start it with sudo systemctl start foghorn; \
                sudo journalctl -u foghorn says why it stopped\n";
    let Some(foghorn) = machine(systemd) else { return };
    for command in [
        &["list"][..],
        &["list", "--html"],
        &["lookup", "nas"],
        &["watch"],
        &["hosts"],
        &["status"],
        &["connect", "nas"],
    ] {
        let ended = foghorn(command);
        assert_eq!((ended.code, ended.err), (3, format!("foghorn: {says}")), "{command:?}");
    }
    let metrics = foghorn(&["status", "--metrics"]);
    assert_eq!((metrics.code, metrics.err), (0, format!("foghorn: {says}")));
    let doctor = foghorn(&["doctor"]);
    assert!(doctor.out.starts_with(&format!("bad   {says}")), "{doctor:?}");
    // A daemon with an explicit socket is not the service.
    for command in ["list", "doctor"] {
        let ended = foghorn(&[command, "--control", "/run/other.sock"]);
        assert!(!format!("{ended:?}").contains("systemctl"), "{ended:?}");
    }
}
