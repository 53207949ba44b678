//! Help, wrong usage, and requests without a daemon.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{
    Directory, Ended, FOGHORN, foghorn, in_mount_namespace, is_emulated, log, run, to_run,
};
use crate::{Loopback, assert_failed};

#[test]
fn help_and_version_go_to_standard_output() {
    for arguments in [&["--help"][..], &["-h"], &["help"]] {
        let ended = run(arguments);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""));
        assert!(ended.out.contains("foghorn lookup nas"));
    }
    for command in ["run", "lookup", "list", "watch", "hosts", "status", "connect", "doctor"] {
        let ended = run(&[command, "--help"]);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""));
        assert!(ended.out.contains(&format!("Usage: foghorn {command}")));
        assert!(run(&["--help"]).out.contains(&format!("\n  {command}")));
    }
    assert_eq!(run(&["--version"]).out, format!("foghorn {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_is_no_wider_than_a_terminal() {
    for command in ["run", "lookup", "list", "watch", "hosts", "status", "connect", "doctor"] {
        assert!(run(&[command, "--help"]).out.lines().all(|line| line.len() <= 80));
    }
}

#[test]
fn wrong_usage_is_reported_in_one_line() {
    let long = "x".repeat(foghorn::limits::NODE_ID_CAPACITY + 1);
    for (arguments, says) in [
        (&[][..], "--help"),
        (&["lokup", "nas"], "lokup"),
        (&["--frobnicate"], "--frobnicate"),
        (&["run", "--frobnicate"], "--frobnicate"),
        (&["run", "nas"], "nas"),
        (&["run", "--id", "nas"], "--port"),
        (&["run", "--id", "", "--port", "22"], "empty"),
        (&["run", "--id", &long, "--port", "22"], "at most 64 bytes"),
        (&["run", "--id", "my nas", "--port", "22"], "white space"),
        (&["run", "--id", "nas\x1b[2J", "--port", "22"], "control characters"),
        (&["run", "--port"], "--port"),
        (&["run", "--port", "0"], "1 to 65535"),
        (&["run", "--port", "70000"], "1 to 65535"),
        (&["run", "--port", "ssh"], "1 to 65535"),
        (&["run", "--port", "-1"], "1 to 65535"),
        (&["run", "--announce", "nas"], "NODE:PORT"),
        (&["run", "--announce", "nas:70000"], "NODE:PORT"),
        (&["run", "--announce", "a b:22"], "white space"),
        (&["run", "--expect", ""], "empty"),
        (&["run", "--expect", "my nas"], "white space"),
        (&["run", "--expect"], "--expect"),
        (&["run", "--interval", "0"], "1 to 3600"),
        (&["run", "--interval", "3601"], "1 to 3600"),
        (&["run", "--interval", "1.5"], "1 to 3600"),
        (&["run", "--interface", ""], "pattern"),
        (&["run", "--interface", "!"], "pattern"),
        (&["run", "--allow"], "--allow"),
        (&["run", "--allow", ""], "like 10.0.0.0/8"),
        (&["run", "--allow", "10.0.0.0/33"], "like 10.0.0.0/8"),
        (&["run", "--allow", "10.0.0.0/255.0.0.0"], "like 10.0.0.0/8"),
        (&["run", "--allow", "10.0/8"], "like 10.0.0.0/8"),
        (&["run", "--allow", "eth0"], "like 10.0.0.0/8"),
        (&["run", "--allow", "fe80::/10"], "like 10.0.0.0/8"),
        (&["run", "--udp-port", "0"], "1 to 65535"),
        (&["run", "--log", "loud"], "error, warn, info, debug or trace"),
        (&["run", "--log", ""], "error, warn, info, debug or trace"),
        (&["lookup"], "no node given; try"),
        (&["lookup", ""], "empty"),
        (&["lookup", "a b"], "white space"),
        (&["lookup", &long], "at most 64 bytes"),
        (&["lookup", "nas", "pi"], "pi"),
        (&["lookup", "nas", "--wait", "soon"], "0 to 86400"),
        (&["lookup", "nas", "--wait", "-1"], "0 to 86400"),
        (&["lookup", "nas", "--wait", "1e9"], "0 to 86400"),
        (&["lookup", "nas", "--wait", "nan"], "0 to 86400"),
        (&["lookup", "nas", "--json", "--host"], "--json"),
        (&["list", "--xml"], "--xml"),
        (&["watch", "nas"], "nas"),
        (&["watch", "--exec"], "--exec takes a command"),
        (&["watch", "--exec", ""], "--exec takes a command"),
        (&["watch", "--exec=true"], "--exec"),
        (&["watch", "--json", "--exec", "true"], "use either --json or --exec"),
        (&["hosts", "nas"], "nas"),
        (&["hosts", "--json"], "--json"),
        (&["hosts", "--exclude"], "--exclude"),
        (&["hosts", "--exclude", ""], "a pattern like tv-*"),
        (&["hosts", "--follow"], "--follow"),
        (&["hosts", "--exec", "true"], "--exec needs --follow"),
        (&["hosts", "--follow", "hosts", "--exec"], "--exec takes a command"),
        (&["status", "--json=yes"], "--json"),
        (&["connect"], "no node given; try"),
        (&["doctor", "--udp-port", "0"], "1 to 65535"),
        (&["doctor", "nas"], "nas"),
    ] {
        assert_failed(&run(arguments), 2, says);
    }
}

#[test]
fn duplicate_or_too_many_nodes_are_wrong_usage() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let with = |arguments: &[&str]| {
        let mut command = foghorn();
        command
            .args(["run", "--interface", "lo", "--control"])
            .arg(&control)
            .args(["--log", "error"]);
        Ended::from(command.args(arguments).output().unwrap())
    };
    assert_failed(&with(&["--id", "nas", "--port", "22", "--announce", "nas:80"]), 2, "nas");
    let announce =
        (0..=foghorn::limits::OWN_NODES).map(|number| format!("--announce=node{number}:22"));
    let announce: Vec<_> = announce.collect();
    assert_failed(&with(&announce.iter().map(String::as_str).collect::<Vec<_>>()), 2, "at most 8");
    let allow = ["--allow=10.0.0.0/8"; foghorn::limits::ALLOWED_NETWORKS + 1];
    assert_failed(&with(&allow), 2, "at most 8 networks");
    assert!(!control.exists());
}

#[test]
fn arguments_that_are_not_text_are_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = std::ffi::OsStr::from_bytes(b"na\xffs");
    for command in ["lookup", "connect"] {
        assert_failed(&foghorn().arg(command).arg(bytes).output().unwrap().into(), 2, "");
    }
    assert_failed(&foghorn().arg(bytes).output().unwrap().into(), 2, "no command");
    assert_failed(
        &foghorn().args(["run", "--port"]).arg(bytes).output().unwrap().into(),
        2,
        "--port",
    );
}

#[test]
fn the_environment_is_read_and_checked() {
    let bad = foghorn().arg("run").env("FOGHORN_LOG", "loud").output().unwrap().into();
    assert_failed(&bad, 2, "FOGHORN_LOG");
    let away = foghorn()
        .arg("list")
        .env("FOGHORN_CONTROL", "/nowhere/control.sock")
        .output()
        .unwrap()
        .into();
    assert_failed(&away, 3, "/nowhere/control.sock");
}

#[test]
fn without_a_daemon_it_says_how_to_start_one() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let control = control.to_str().unwrap();
    for command in [
        &["lookup", "nas"][..],
        &["list"],
        &["watch"],
        &["hosts"],
        &["status"],
        &["connect", "nas"],
    ] {
        assert_failed(&run(&[command, &["--control", control]].concat()), 3, "foghorn run");
    }
}

#[test]
fn a_path_that_is_not_a_socket_is_no_daemon_for_any_user() {
    let directory = Directory::new();
    let file = directory.path("file");
    fs::write(&file, "").unwrap();
    // The kernel checks the write permission before the kind of the file.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    for path in [Path::new("/"), &file] {
        assert_failed(&run(&["list", "--control", path.to_str().unwrap()]), 3, "foghorn run");
    }
}

#[test]
fn without_a_daemon_in_the_usual_places_it_says_how_to_start_one() {
    // With a private /run, which has none of this machine's daemons.
    let Some(mut shell) = in_mount_namespace("mount -t tmpfs none /run && exec \"$0\" \"$@\"")
    else {
        return;
    };
    let (program, arguments) = to_run(FOGHORN);
    shell.arg(program).args(arguments).args(["lookup", "nas"]);
    shell.env_remove("FOGHORN_CONTROL").env_remove("XDG_RUNTIME_DIR");
    assert_failed(&shell.output().unwrap().into(), 3, "foghorn run");
}

#[test]
fn an_invalid_socket_path_is_refused() {
    let directory = Directory::new();
    let long = "x".repeat(200);
    let says = "a socket's path has at most 107 bytes, and this has 200: give a shorter one with --control";
    for command in ["run", "list", "watch", "hosts", "status", "doctor"] {
        assert_failed(&run(&[command, "--control", &long]), 2, says);
        assert_failed(&run(&[command, "--control", ""]), 2, "\"\" cannot be a control socket");
        let ended = foghorn().arg(command).env("FOGHORN_CONTROL", &long).output().unwrap().into();
        assert_failed(&ended, 2, says);
    }
    for command in ["lookup", "connect"] {
        assert_failed(&run(&[command, "nas", "--control", &long]), 2, says);
    }
    // The longest path.
    let longest = directory.path(&"x".repeat(106 - directory.path("").as_os_str().len()));
    let longest = longest.to_str().unwrap();
    for (path, code) in
        [(longest.to_owned(), 3), (format!("{longest}x"), 3), (format!("{longest}xx"), 2)]
    {
        let ended = run(&["list", "--control", &path]);
        assert_eq!(ended.code, code, "{} bytes: {ended:?}", path.len());
    }
}

#[test]
fn nothing_is_announced_before_a_failed_start() {
    let loopback = Loopback::new(&[]);
    let [control, file] = ["other.sock", "file"].map(|name| loopback.directory.path(name));
    File::create(&file).unwrap();
    let in_file = file.join("state");
    let too_many: Vec<_> = (0..=foghorn::limits::OWN_NODES)
        .map(|number| format!("--announce=nas{number}:22"))
        .collect();
    let too_many: Vec<_> = too_many.iter().map(String::as_str).collect();
    let expected: Vec<_> = (0..=foghorn::limits::REGISTRY_CAPACITY)
        .map(|number| format!("--expect=nas{number}"))
        .collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    for (arguments, code) in [
        (&["--state", "/nonexistent/x"][..], 4),
        (&["--state", in_file.to_str().unwrap()], 4),
        (&["--state", loopback.directory.path("").to_str().unwrap()], 4),
        (&["--state", ""], 2),
        (&["--log-to", "/nonexistent/x"], 4),
        (&["--user", "no-such-user"], 2),
        (&["--allow=10.0.0.0/8"; foghorn::limits::ALLOWED_NETWORKS + 1], 2),
        (&too_many, 2),
        (&expected, 2),
    ] {
        for own in [&["--id", "nas", "--port", "22"][..], &["--port", "22"]] {
            let mut command = foghorn();
            command
                .args(["run", "--interface", "lo", "--udp-port", &loopback.port, "--control"])
                .arg(&control);
            let ended = command.args(own).args(arguments).output().unwrap();
            assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {ended:?}");
            // A build that logs in frames writes more than text there.
            let said = String::from_utf8_lossy(&ended.stderr);
            assert!(!said.contains("announcing"), "{arguments:?}: {said}");
        }
    }
    // By then all datagrams sent before have been received.
    loopback.hear("marker", 9);
    let known = loopback.daemon.ask(&["list"]).out;
    assert_eq!(known.lines().count(), 2, "{known}");
}

#[test]
fn a_pattern_without_a_match_is_logged_with_the_interfaces() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("log");
    let patterns = ["--interface=lo0", "--interface=xx*", "--interface=!docker*"];
    let mut loopback = Loopback::logging_to(&path, &patterns);
    assert!(loopback.daemon.stop().success());
    let told = log::lines(File::open(&path).unwrap()).all();
    let warnings: Vec<_> =
        told.iter().filter(|line| line.contains("matches no interface yet")).collect();
    assert_eq!(warnings.len(), 2, "{told:#?}");
    for (warning, pattern) in warnings.iter().zip(["lo0", "xx*"]) {
        let (what, names) = warning.split_once("; this machine has ").unwrap();
        assert!(
            what.ends_with(&format!("--interface {pattern} matches no interface yet")),
            "{warning}"
        );
        assert!(names.split(", ").any(|name| name.trim_end() == "lo"), "{warning}");
    }
}

#[test]
fn a_refused_system_call_is_reported_with_advice() {
    if is_emulated() {
        return;
    }
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 6; exec \"$0\" run --control \"$1\"", FOGHORN]).arg(control);
    assert_failed(&shell.output().unwrap().into(), 4, "see ulimit -n");
}

#[test]
fn a_failed_write_of_output_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut child = foghorn().arg("--help").stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert!(err.contains("cannot write to standard output"), "{err}");
}
