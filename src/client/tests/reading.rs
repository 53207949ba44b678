//! Nodes and events, read from lines.

use std::time::Duration;

use super::*;
use crate::limits::NODE_ID_CAPACITY;

#[test]
fn a_node_is_read_with_all_its_values() {
    let node = node(NAS).unwrap().unwrap();
    assert_eq!(node.id, name("nas"));
    assert_eq!(node.addresses, [address("198.18.0.2:22"), address("198.18.0.3:22")]);
    assert_eq!(node.interface.as_deref(), Some("eth0"));
    assert_eq!([node.age, node.known, node.expires_in], [3, 120, 87].map(Duration::from_secs));
    assert_eq!((node.heard, node.contested), (4, true));
}

#[test]
fn a_missing_or_invalid_key_is_named_and_an_unknown_one_is_ignored() {
    for pair in NAS.split(' ').skip(1) {
        let key = pair.split('=').next().unwrap();
        assert_eq!(invalid(node(&NAS.replace(&format!(" {pair}"), ""))), key);
    }
    for (key, bad) in [
        ("addresses", "=198.18.0.2:22,"),
        ("addresses", "=nas.local:22"),
        ("addresses", "=198.18.0.2"),
        ("addresses", "=198.18.0.2:70000"),
        ("addresses", "="),
        ("age_s", "=-1"),
        ("age_s", "=1.5"),
        ("known_s", "=18446744073709551616"),
        ("expires_s", "=soon"),
        ("heard", "=4294967296"),
        ("contested", "=maybe"),
        ("contested", ""),
    ] {
        let pairs = NAS.split(' ').map(|pair| match pair.split_once('=') {
            Some((known, _)) if known == key => format!("{key}{bad}"),
            _ => pair.to_owned(),
        });
        assert_eq!(invalid(node(&pairs.collect::<Vec<_>>().join(" "))), key, "{bad}");
    }
    assert_eq!(node(&format!("{NAS} signed=yes x")).unwrap(), node(NAS).unwrap());
    assert_eq!(node("future id=nas").unwrap(), None);
    assert_eq!(node(&NAS.replace("eth0", "-")).unwrap().unwrap().interface, None);
}

#[test]
fn a_name_that_this_build_does_not_accept_hides_no_other_node() {
    // Told by a daemon of another build, where strangers may have such names.
    let long = "x".repeat(NODE_ID_CAPACITY + 1);
    let odd = [long.as_str(), "\u{378}", ""].map(|id| NAS.replace("id=nas", &format!("id={id}")));
    let mut client = client(format!("{VERSION}{}\n{NAS}\nok\n", odd.join("\n")));
    assert_eq!(
        client.nodes().unwrap().iter().map(|node| node.id.as_str()).collect::<Vec<_>>(),
        ["nas"]
    );
    assert_eq!(
        event(&format!("found id={long} address=198.18.0.2:22 interface=eth0")).unwrap(),
        None
    );
}

#[test]
fn each_kind_of_change_is_read() {
    let kinds = [
        ("known", EventKind::Known),
        ("found", EventKind::Found),
        ("moved", EventKind::Moved),
        ("contested", EventKind::Contested { rival: address("198.18.0.9:22") }),
        ("lost", EventKind::Lost),
    ];
    for (word, kind) in kinds {
        let line =
            format!("{word} id=nas address=198.18.0.2:22 interface=eth0 rival=198.18.0.9:22");
        let expected = Event {
            kind,
            id: name("nas"),
            address: address("198.18.0.2:22"),
            interface: Some("eth0".to_owned()),
        };
        assert_eq!(event(&line).unwrap(), Some(expected));
        for key in ["id", "address", "interface"] {
            assert_eq!(invalid(event(&line.replace(&format!(" {key}="), " no="))), key);
        }
    }
    assert_eq!(event("renamed id=nas").unwrap(), None);
    let contested = "contested id=nas address=198.18.0.2:22 interface=eth0";
    assert_eq!(invalid(event(contested)), "rival");
    assert_eq!(invalid(event(&format!("{contested} rival=yes"))), "rival");
}

#[test]
fn addresses_of_both_families_are_read() {
    let both =
        format!("{NAS} addresses6=[2001:db8::2]:22,[fe80::2%lo]:22,[fe80::3%no-such-link]:22");
    let both = node(&both).unwrap().unwrap();
    assert_eq!(
        both.addresses,
        ["198.18.0.2:22", "198.18.0.3:22", "[2001:db8::2]:22", "[fe80::2%1]:22"].map(address)
    );
    for (kind, is_own) in [("node6", false), ("own6", true)] {
        let line = NAS.replace("node ", &format!("{kind} "));
        let line = line.replace("198.18.0.2:22,198.18.0.3:22", "[fe80::2%lo]:22,[2001:db8::2]:22");
        let v6 = node(&line).unwrap().unwrap();
        assert_eq!(v6.addresses, ["[fe80::2%1]:22", "[2001:db8::2]:22"].map(address));
        assert_eq!(v6.own, is_own);
        // Every interface may be gone.
        let gone = node(&line.replace("%lo", "%-").replace(",[2001:db8::2]:22", ""));
        assert_eq!(gone.unwrap().unwrap().addresses, []);
    }
}

#[test]
fn an_invalid_ipv6_address_is_refused() {
    for bad in [
        "",
        "fe80::2%lo:22",
        "[fe80::2]:22",
        "[fe80::2%]:22",
        "[fe80::2%lo]",
        "[fe80::2%lo]:0",
        "[fe80::2%lo]:65536",
        "[2001:db8::2%lo]:22",
        "[fe80::2%sixteen-bytes-xx]:22",
        "[2001:db8::2]:22,",
        "198.18.0.2%lo:22",
        "[198.18.0.2]:22",
    ] {
        assert_eq!(invalid(node(&format!("{NAS} addresses6={bad}"))), "addresses6", "{bad}");
        let found = format!("found6 id=nas address={bad} interface=lo");
        assert_eq!(invalid(event(&found)), "address", "{bad}");
        let contested = format!("contested6 id=nas address=[::1]:22 interface=lo rival={bad}");
        assert_eq!(invalid(event(&contested)), "rival", "{bad}");
    }
}

#[test]
fn an_event_with_an_ipv6_address_is_read() {
    let read = |text: &str| event(text).unwrap();
    let found = read("found6 id=nas address=[fe80::2%lo]:22 interface=lo").unwrap();
    assert_eq!((found.kind, found.address), (EventKind::Found, address("[fe80::2%1]:22")));
    let line = "contested6 id=nas address=[2001:db8::2]:22 interface=lo rival=[fe80::9%lo]:22";
    let rival = address("[fe80::9%1]:22");
    assert_eq!(read(line).unwrap().kind, EventKind::Contested { rival });

    // An interface may be gone. That a node is lost counts nevertheless.
    for gone in ["known6", "found6", "moved6"] {
        assert_eq!(read(&format!("{gone} id=nas address=[fe80::2%-]:22 interface=-")), None);
    }
    assert_eq!(read(&line.replace("%lo", "%-")), None);
    let lost = read("lost6 id=nas address=[fe80::2%-]:22 interface=-").unwrap();
    assert_eq!(
        (lost.kind, lost.address, lost.interface),
        (EventKind::Lost, address("[fe80::2]:22"), None)
    );
}
