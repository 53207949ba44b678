//! A machine gets its name after the daemon has started, and later another one: the node has the
//! machine's name.

use nix::sys::signal::Signal;

use crate::common::{Daemon, FOGHORN, log, skip, to_run};
use crate::lan::{Host, Lan};
use crate::links::{start, wait_for};

/// Sets the machine's host name to the argument, and then runs the command after it.
const NAMED: [&str; 3] = ["sh", "-c", r#"printf %s "$0" > /proc/sys/kernel/hostname && exec "$@""#];

/// Starts a daemon there that announces the host name, on a machine with that name. None where a
/// test can't set a name; a message has then been printed.
fn start_named(host: &Host<'_>, name: &str) -> Option<Daemon> {
    let named = || {
        let mut command = host.command("unshare");
        command.arg("--uts").args(NAMED).arg(name);
        command
    };
    if !named().arg("true").status().unwrap().success() {
        skip("only root can rename a machine through /proc");
        return None;
    }
    let (program, arguments) = to_run(FOGHORN);
    let mut command = named();
    command.arg(program).args(arguments).env_remove("FOGHORN_LOG");
    Some(Daemon::start_with(command, &host.path("sock"), &["--port", "22", "--interval", "1"]))
}

/// Renames the machine of a daemon.
fn rename(host: &Host<'_>, daemon: &Daemon, name: &str) {
    let mut command = host.command("nsenter");
    command
        .arg(format!("--uts={}", daemon.proc("ns/uts").display()))
        .args(NAMED)
        .args([name, "true"]);
    assert!(command.status().unwrap().success());
}

#[test]
fn a_machine_without_a_name_is_announced_as_soon_as_it_has_one() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let neighbour = start(&second, "neighbour");
    for (placeholder, name) in
        [("(none)", "nas"), ("localhost", "pi"), ("localhost.localdomain", "tv")]
    {
        let Some(mut nameless) = start_named(&first, placeholder) else { return };
        let status = nameless.status();
        assert_eq!(status["host_name"]["name"], placeholder);
        assert_eq!(status["own"], serde_json::json!([]));
        assert!(
            nameless
                .ask(&["status"])
                .out
                .contains(&format!("the host name, which is {placeholder};"))
        );
        let doctor = first.foghorn(&["doctor"]);
        assert!(
            doctor.out.contains(&format!("because its host name is {placeholder}:")),
            "{doctor:?}"
        );
        // It gets its name, and then its address.
        rename(&first, &nameless, &format!("{name}.example.org"));
        first.ip("addr flush dev eth0");
        first.ip("addr add 198.18.0.1/24 dev eth0");
        wait_for(&neighbour, name);
        let status = nameless.status();
        assert_eq!(status["own"][0]["id"], name);
        assert!(status.get("host_name").is_none());
        assert!(nameless.stop().success());
        if log::can_be_read() {
            let said = nameless.log.all().join("\n") + &nameless.log.seen().join("\n");
            let waiting = format!("the host name is {placeholder}: waiting for a real name");
            assert_eq!(
                nameless.log.seen().iter().filter(|line| line.contains(&waiting)).count(),
                1,
                "{said}"
            );
            assert!(
                said.contains(&format!("the first part of the host name {name}.example.org")),
                "{said}"
            );
        }
    }
}

#[test]
fn a_renamed_machine_is_announced_under_its_new_name() {
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let neighbour = second.daemon(&["--interval", "1"]);
    let watch = neighbour.watch(&["watch"]);
    let Some(machine) = start_named(&first, "nas") else { return };
    assert_eq!(watch.lines.next(), "found nas 198.18.0.1:22 eth0");
    // It still has that name, in another domain.
    rename(&first, &machine, "nas.example.org");
    machine.signal(Signal::SIGHUP);
    rename(&first, &machine, "pi");
    machine.signal(Signal::SIGHUP);
    assert_eq!(watch.lines.next(), "found pi 198.18.0.1:22 eth0");
    assert_eq!(watch.lines.next(), "lost nas 198.18.0.1:22 eth0");
    // The daemon prefers no name to an invalid one.
    rename(&first, &machine, "localhost");
    machine.signal(Signal::SIGHUP);
    assert_eq!(watch.lines.next(), "lost pi 198.18.0.1:22 eth0");
    assert_eq!(machine.status()["host_name"]["name"], "localhost");
}
