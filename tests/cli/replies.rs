//! Replies to another question, from a stand-in for the daemon.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::thread;

use crate::assert_failed;
use crate::common::{Directory, Ended, foghorn};

/// The output of a command for a reply.
fn answer(command: &[&str], reply: &str) -> Ended {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let listener = UnixListener::bind(&control).unwrap();
    let reply = format!("version protocol=1 foghorn=0.1.0\nok\n{reply}ok\n");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = BufReader::new(&stream).lines().nth(1);
        assert!(request.unwrap().is_ok());
        stream.write_all(reply.as_bytes()).unwrap();
    });
    foghorn().args(command).env("FOGHORN_CONTROL", &control).output().unwrap().into()
}

const STATUS: &str =
    "daemon version=9\nregistry used=0\ndatagrams received=0\nrejected truncated=0\n";

#[test]
fn a_status_without_its_required_lines_is_invalid() {
    for kind in ["daemon", "registry", "datagrams", "rejected"] {
        let without: String =
            STATUS.split_inclusive('\n').filter(|line| !line.starts_with(kind)).collect();
        let twice = format!("{STATUS}{kind} x=1\n");
        for reply in [without.as_str(), &twice, ""] {
            let says = if reply.is_empty() { "daemon" } else { kind };
            let says = format!("the daemon's answer has no valid {says}: ");
            for command in [&["status"][..], &["status", "--json"]] {
                assert_failed(&answer(command, reply), 4, &says);
            }
            let metrics = answer(&["status", "--metrics"], reply);
            assert!(metrics.out.ends_with("\nfoghorn_up 0\n"), "{metrics:?}");
            assert_failed(&Ended { out: String::new(), ..metrics }, 4, &says);
            // It continues with its own checks.
            let doctor = answer(&["doctor"], reply);
            assert!(doctor.out.starts_with(&format!("bad   {says}")), "{doctor:?}");
            assert!(doctor.out.contains("\nok    lo: not used, it is loopback\n"), "{doctor:?}");
            assert_eq!(doctor.code, 1, "{doctor:?}");
        }
    }
}

#[test]
fn status_json_is_valid_with_missing_keys() {
    for status in [STATUS, "daemon\nregistry\ndatagrams\nrejected\n"] {
        let ended = answer(&["status", "--json"], status);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""));
        let json: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        assert!(json["interfaces"].is_array() && json["registry"].is_object(), "{json}");
    }
}

#[test]
fn a_node_line_without_a_name_or_address_is_invalid() {
    for (command, reply, says) in [
        (&["lookup", "nas"][..], "node id=nas\n", "addresses"),
        (&["lookup", "--host", "nas"], "node id=nas interface=eth0\n", "addresses"),
        (&["lookup", "--json", "nas"], "node addresses=10.0.0.2:22\n", "id"),
        (&["lookup", "nas"], "future id=nas addresses=10.0.0.2:22\n", "node"),
        (&["connect", "nas"], "node id=nas\n", "addresses"),
        (&["list"], "node addresses=10.0.0.2:22\n", "id"),
        (&["list", "--json"], "node id=nas\n", "addresses"),
        (&["list"], "own id=nas port=22\n", "addresses"),
        (&["hosts"], "node id=nas\n", "addresses"),
        (&["watch"], "found id=nas interface=eth0\n", "address"),
        (&["watch", "--json"], "lost address=10.0.0.2:22\n", "id"),
    ] {
        assert_failed(&answer(command, reply), 4, &format!("has no valid {says}"));
    }
}

#[test]
fn lines_of_a_later_version_are_ignored() {
    let nas = "node id=nas addresses=10.0.0.2:22";
    let list = answer(
        &["list", "--json"],
        &format!("future id=pi addresses=10.0.0.1:22\n{nas} later=7\n"),
    );
    assert_eq!(list.out, "[{\"id\":\"nas\",\"addresses\":[\"10.0.0.2:22\"],\"later\":7}]\n");
    let watch = answer(
        &["watch"],
        "slept id=pi address=x\nfound id=nas address=10.0.0.2:22 interface=eth0\n",
    );
    assert_eq!((watch.code, watch.out.as_str()), (0, "found nas 10.0.0.2:22 eth0\n"));
}

#[test]
fn commands_replace_unprintable_characters() {
    for bad in
        ["\u{202e}", "\u{2066}", "\u{200b}", "\u{feff}", "\u{13441}", "\u{1d159}", "\u{e0001}"]
    {
        let node = |kind: &str, id: &str, more: &str| {
            format!(
                "{kind} id={id} addresses=10.0.0.2:22 address=10.0.0.2:22 interface=eth0{more}\n"
            )
        };
        for (command, kind) in [
            (&["list"][..], "node"),
            (&["list", "--json"], "node"),
            (&["list", "--html"], "node"),
            (&["hosts"], "node"),
            (&["watch"], "found"),
            (&["watch", "--json"], "found"),
        ] {
            let reply = [
                node(kind, &format!("n{bad}"), ""),
                node(kind, "tv", bad),
                node(kind, "pi", &format!(" {bad}=1")),
                node(kind, "nas", ""),
            ];
            let ended = answer(command, &reply.concat());
            assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{command:?}");
            assert!(
                ended.out.contains("nas") && !ended.out.contains("tv"),
                "{command:?}: {}",
                ended.out
            );
            assert!(!ended.out.contains(bad), "{command:?} {bad:?}");
        }
        let status = format!("{STATUS}interface name=eth{bad}\nexpected id=n{bad} state=known\n");
        for command in
            [&["status"][..], &["status", "--json"], &["status", "--metrics"], &["doctor"]]
        {
            let ended = answer(command, &status);
            assert!(!ended.out.contains(bad) && !ended.err.contains(bad), "{command:?}: {ended:?}");
        }
        // Nor do messages that quote the command line.
        for arguments in
            [&["lookup", "--wait"][..], &["lookup", "--host"], &["run", "--interval"], &[]]
        {
            let ended: Ended =
                foghorn().args(arguments).arg(format!("n{bad}")).output().unwrap().into();
            assert!(ended.code != 0 && !ended.err.contains(bad), "{arguments:?}: {ended:?}");
            assert!(
                ended.err.contains('?') || ended.err.contains("NodeID"),
                "{arguments:?}: {ended:?}"
            );
        }
    }
}

#[test]
fn all_commands_show_ipv6_addresses() {
    let rest = "interface=eth0 age_s=1 known_s=2 expires_s=88 heard=3 contested=no";
    let both = format!("node id=nas addresses=10.0.0.2:22 {rest} addresses6=[2001:db8::2]:22\n");
    let v6 = format!("node6 id=nas addresses=[fe80::2%lo]:22,[2001:db8::2]:22 {rest}\n");
    for (command, reply, expected) in [
        (&["lookup", "nas"][..], &both, "10.0.0.2:22\n"),
        (&["lookup", "--all", "nas"], &both, "10.0.0.2:22\n[2001:db8::2]:22\n"),
        (&["lookup", "nas"], &v6, "[fe80::2%lo]:22\n"),
        (&["lookup", "--host", "--all", "nas"], &v6, "fe80::2%lo\n2001:db8::2\n"),
        (&["hosts"], &both, "10.0.0.2\tnas\n"),
        (&["hosts"], &v6, "2001:db8::2\tnas\n"),
    ] {
        let ended = answer(command, reply);
        assert!(ended.code == 0 && ended.out.ends_with(expected), "{command:?} {ended:?}");
    }
    for (reply, key, addresses) in [
        (&both, "addresses", &["10.0.0.2:22"][..]),
        (&both, "addresses6", &["[2001:db8::2]:22"]),
        (&v6, "addresses", &["[fe80::2%lo]:22", "[2001:db8::2]:22"]),
    ] {
        let json: serde_json::Value =
            serde_json::from_str(&answer(&["lookup", "--json", "nas"], reply).out).unwrap();
        assert_eq!(json[key], serde_json::json!(addresses), "{json}");
        let list = answer(&["list"], reply).out;
        assert!(addresses.iter().all(|address| list.contains(address)), "{list}");
    }
    let event = "found6 id=nas address=[fe80::2%lo]:22 interface=lo\n";
    assert_eq!(answer(&["watch"], event).out, "found nas [fe80::2%lo]:22 lo\n");
    assert_eq!(
        answer(&["watch", "--json"], event).out,
        "{\"event\":\"found\",\"id\":\"nas\",\"address\":\"[fe80::2%lo]:22\",\"interface\":\"lo\"}\n"
    );
}

#[test]
fn connect_connects_to_an_ipv6_address() {
    // A machine may have no IPv6.
    let Ok(server) = std::net::TcpListener::bind("[::1]:0") else { return };
    let address = server.local_addr().unwrap();
    let reply = format!("node6 id=nas addresses=[fe80::2%no-such-link]:22,x://later,{address}\n");
    let serving = thread::spawn(move || server.accept().unwrap().0.write_all(b"hello").unwrap());
    let ended = answer(&["connect", "nas"], &reply);
    assert_eq!((ended.code, ended.out.as_str()), (0, "hello"), "{ended:?}");
    serving.join().unwrap();
}
