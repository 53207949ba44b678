//! The nodes that a daemon itself announces, in the output of commands on its machine.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::thread;

use crate::common::{TIMEOUT, announcement};
use crate::{Loopback, assert_failed, host};

fn json(loopback: &Loopback, arguments: &[&str]) -> serde_json::Value {
    let ended = loopback.daemon.ask(arguments);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    serde_json::from_str(&ended.out).unwrap()
}

/// A daemon that announces `nas` and `Web`.
fn nas(arguments: &[&str]) -> Loopback {
    Loopback::new(&[&["--id", "nas", "--port", "22", "--announce", "Web:80"], arguments].concat())
}

#[test]
fn an_own_node_is_looked_up_at_the_machines_own_address() {
    let nas = nas(&[]);
    for (arguments, out) in [
        (&["lookup", "nas"][..], "127.0.0.1:22\n"),
        (&["lookup", "--host", "nas"], "127.0.0.1\n"),
        (&["lookup", "--all", "Web"], "127.0.0.1:80\n"),
        // At once: no event ever reports that it has appeared.
        (&["lookup", "--wait", "86400", "nas"], "127.0.0.1:22\n"),
    ] {
        let ended = nas.daemon.ask(arguments);
        assert_eq!(
            (ended.code, ended.out.as_str(), ended.err.as_str()),
            (0, out, ""),
            "{arguments:?}"
        );
    }
    let node = json(&nas, &["lookup", "--json", "nas"]);
    let expected = serde_json::json!({
        "id": "nas", "addresses": ["127.0.0.1:22"], "interface": "lo", "age_s": 0, "known_s": node["known_s"],
        "expires_s": 0, "heard": 0, "contested": false, "own": true,
    });
    assert!(node == expected && node["known_s"].is_u64(), "{node}");
    assert_failed(&nas.daemon.ask(&["lookup", "nsa"]), 1, "nsa is not known: did you mean nas?");
}

#[test]
fn a_list_sorts_own_nodes_among_the_others_and_marks_them() {
    let nas = nas(&[]);
    nas.hear("pi", 9);
    let list = nas.daemon.ask(&["list"]);
    assert_eq!((list.code, list.err.as_str()), (0, ""));
    let rows: Vec<Vec<_>> =
        list.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1][..4], ["Web", "127.0.0.1:80", "lo", "own"], "{list:?}");
    assert_eq!(rows[2][..4], ["nas", "127.0.0.1:22", "lo", "own"], "{list:?}");
    assert!(
        rows[3].starts_with(&["pi", "127.0.0.1:9", "lo"]) && !rows[3].contains(&"own"),
        "{list:?}"
    );
    let nodes = json(&nas, &["list", "--json"]);
    assert_eq!([&nodes[0]["own"], &nodes[1]["own"]], [true, true]);
    assert!(nodes[2]["id"] == "pi" && nodes[2].get("own").is_none(), "{nodes}");
    let page = nas.daemon.ask(&["list", "--html"]).out;
    assert!(page.contains("<tr><td>nas<td>127.0.0.1:22<td>lo<td>own<td>"), "{page}");
}

#[test]
fn a_list_of_only_own_nodes_explains_why_there_are_no_others() {
    let nas = nas(&[]);
    let list = nas.daemon.ask(&["list"]);
    assert_eq!((list.code, list.out.lines().count()), (0, 3), "{list:?}");
    assert_eq!(list.err.lines().count(), 1);
    for says in ["no node has been heard yet", "30 s", "foghorn runs on another machine"] {
        assert!(list.err.contains(says), "{list:?}");
    }
    assert_eq!(json(&nas, &["list", "--json"]).as_array().unwrap().len(), 2);
    let page = nas.daemon.ask(&["list", "--html"]).out;
    assert!(
        page.contains("<p>No node has been heard yet") && page.contains("<td>own<td>"),
        "{page}"
    );
}

#[test]
fn connect_reaches_an_own_node_by_its_name_in_lower_case_too() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let pi = Loopback::new(&["--announce", &format!("OpenWrt:{port}")]);
    for name in ["OpenWrt", "openwrt"] {
        let ended = thread::scope(|scope| {
            scope.spawn(|| listener.accept().unwrap().0.write_all(b"hello").unwrap());
            pi.daemon.ask(&["connect", name])
        });
        assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (0, "hello", ""));
    }
    // The name may also mean another machine's node.
    pi.hear_from(host(2), "OPENWRT", 22);
    assert_failed(&pi.daemon.ask(&["connect", "openwrt"]), 1, "openwrt is not known");
}

#[test]
fn hosts_and_watch_skip_own_nodes() {
    let nas = nas(&[]);
    nas.hear("pi", 9);
    assert_eq!(nas.daemon.ask(&["hosts"]).out.matches("127.0.0.1").count(), 1);
    nas.daemon.watch(&["watch"]).lines.wait_for("known pi");
    let watch = nas.daemon.watch(&["watch"]);
    watch.lines.wait_for("known pi");
    assert_eq!(watch.lines.seen().len(), 1);
}

#[test]
fn an_own_name_on_another_host_still_means_the_own_node() {
    let nas = nas(&[]);
    nas.send_from(host(2), &announcement("nas", 2222));
    nas.hear("pi", 9);
    assert_eq!(nas.daemon.ask(&["lookup", "--all", "nas"]).out, "127.0.0.1:22\n");
    assert_eq!(nas.daemon.ask(&["list"]).out.matches("nas ").count(), 1);
}

/// The answer of the control socket.
fn say(loopback: &Loopback, words: &[u8]) -> String {
    let mut stream = UnixStream::connect(&loopback.daemon.control).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream.write_all(words).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_client_of_version_0_1_0_ignores_own_nodes() {
    let nas = nas(&[]);
    nas.hear("pi", 9);
    // That version reads whole lines of up to 4,095 bytes, keeps those that begin with `node`, and
    // stops at `ok` or `error`.
    let list = say(&nas, b"version 1\nlist\n");
    let nodes: Vec<_> = list.lines().filter(|line| line.starts_with("node ")).collect();
    assert!(
        matches!(nodes[..], [pi] if pi.starts_with("node id=pi addresses=127.0.0.1:9 ")),
        "{list}"
    );
    assert!(list.lines().all(|line| line.len() < 4096) && list.ends_with("\nok\n"), "{list}");
    assert_eq!(list.matches("\nown id=").count(), 2, "{list}");
    // A lookup of an own node is still the error that it expects.
    let lookup = say(&nas, b"version 1\nlookup nas\n");
    assert_eq!(
        lookup.lines().last(),
        Some("error own-node nas is announced by this machine itself")
    );
    let status = say(&nas, b"version 1\nstatus\n");
    assert!(status.contains("\nown id=nas port=22\nown id=Web port=80\n"), "{status}");
}

#[test]
fn own_nodes_of_a_machine_without_addresses_are_not_found() {
    let nowhere = Loopback::new(&["--id", "nas", "--port", "22", "--interface", "!lo"]);
    for arguments in
        [&["lookup", "nas"][..], &["lookup", "--wait", "86400", "nas"], &["connect", "nas"]]
    {
        let says =
            "nas is announced by this machine itself, which has no address now: see foghorn status";
        assert_failed(&nowhere.daemon.ask(arguments), 1, says);
    }
    let list = nowhere.daemon.ask(&["list"]);
    assert_eq!((list.code, list.out.as_str()), (0, ""));
    assert!(list.err.contains("no node has been heard yet"), "{list:?}");
}
