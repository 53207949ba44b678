//! Looking nodes up, with what a daemon may answer.

use std::time::Duration;

use super::*;
use crate::client::InvalidPeerAddress;
use crate::control::Request;
use crate::limits::NODE_ID_CAPACITY;

#[test]
fn an_own_node_is_looked_up_in_the_list() {
    let own = NAS.replace("node ", "own ") + " own=yes";
    let refused = "error own-node nas is announced by this machine itself";
    let mut client = client(format!("{VERSION}{refused}\n{VERSION}{NAS}\n{own}\nok\n"));
    let found = client.lookup("nas").unwrap().unwrap();
    assert!(found.own && !node(NAS).unwrap().unwrap().own);
    assert_eq!(found.addresses, [address("198.18.0.2:22"), address("198.18.0.3:22")]);
}

#[test]
fn an_own_node_without_an_address_differs_from_an_unknown_node() {
    let refused =
        "error own-node nas is announced by this machine itself, which has no address now";
    let says = format!("{VERSION}{refused}\n{VERSION}{NAS}\nok\n");
    for lookup in [Client::lookup, |client: &mut Client, name: &str| {
        client.lookup_timeout(name, Duration::from_secs(3600))
    }] {
        let error = lookup(&mut client(says.as_str()), "nas").unwrap_err();
        assert!(matches!(&error, Error::OwnNode { id } if *id == name("nas")), "{error:?}");
        assert!(error.to_string().ends_with("has no address now: see foghorn status"), "{error}");
    }
    let unknown = format!("{VERSION}error unknown-node nas is not known\n");
    assert_eq!(client(unknown).lookup("nas").unwrap(), None);
}

#[test]
fn a_name_that_no_node_can_have_is_refused_before_the_daemon_is_asked() {
    for (bad, says) in [
        ("", "\"\" is not a valid node name: a NodeID can't be empty"),
        ("my nas", "\"my nas\" is not a valid node name: a NodeID is printable"),
        ("\x1b[2J", "\"?[2J\" is not a valid node name: "),
        (&"x".repeat(NODE_ID_CAPACITY + 1), "x\" is not a valid node name: a NodeID has at most"),
    ] {
        let mut client = client("");
        let failed = [
            client.lookup(bad),
            client.lookup_timeout(bad, Duration::from_secs(3600)),
            PeerAddress::Dynamic.resolve(bad, || Ok(client)).map(|_| None),
        ];
        for error in failed.map(Result::unwrap_err) {
            assert!(
                matches!(&error, Error::InvalidName { name, .. } if *name == *bad),
                "{error:?}"
            );
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}

#[test]
fn an_answer_that_is_cut_short_is_an_error() {
    for says in
        ["", "version", VERSION, &format!("{VERSION}{NAS}\n"), &format!("{VERSION}{NAS}\nok")]
    {
        let mut connection = connection(says);
        let asked =
            connection.send(&Request::List).and_then(|()| connection.reply(|_| Ok(Some(()))));
        assert!(matches!(&asked, Err(Error::Lost(_))), "{says:?} {asked:?}");
        assert_eq!(
            asked.unwrap_err().to_string(),
            "the daemon closed the connection: see foghorn doctor"
        );
    }
    assert_eq!(invalid(client(format!("{VERSION}ok\n")).lookup("nas")), "node");
    assert_eq!(invalid(client(format!("{VERSION}{NAS}\nok\n")).lookup("tv")), "node");
}

#[test]
fn no_answer_is_mistaken_for_the_answer_to_a_later_question() {
    let refused = "error unknown-node tv is not known\n";
    let mut both = client(format!("{VERSION}{refused}{VERSION}{NAS}\nok\n"));
    assert_eq!(both.lookup("tv").unwrap(), None);
    assert_eq!(both.lookup("nas").unwrap().unwrap().id, name("nas"));

    // What comes late, or after what was not understood, is not read any more: it connects again.
    let mut late = client(format!("{VERSION}node\n{NAS}\nok\n{VERSION}{NAS}\nok\n"));
    assert_eq!(invalid(late.nodes()), "id");
    assert!(matches!(late.nodes(), Err(Error::NoDaemon { .. })));
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let mut silent = Connection::new(ours).unwrap();
    silent.patience = Duration::from_millis(1);
    let mut silent = Client { control: Some("/nowhere".into()), connection: Some(silent) };
    assert!(matches!(silent.nodes(), Err(Error::TimedOut)));
    assert!(matches!(silent.nodes(), Err(Error::NoDaemon { .. })));
}

#[test]
fn a_peer_address_is_fixed_or_dynamic_and_no_name_is_resolved() {
    for text in ["198.18.0.2:22000", "[2001:db8::1]:22", "[fe80::1%1]:22", "dynamic"] {
        assert_eq!(text.parse::<PeerAddress>().unwrap().to_string(), text);
    }
    assert_eq!("[fe80::1%lo]:22".parse(), Ok(PeerAddress::Fixed(address("[fe80::1%1]:22"))));
    for (text, reason, advice) in [
        ("[fe80::1]:22", InvalidPeerAddress::NoInterface, "[fe80::2%eth0]:22000"),
        ("[fe80::1%no-such-link]:22", InvalidPeerAddress::UnknownInterface, "ip link"),
        ("[fe80::1%lo]", InvalidPeerAddress::Form, "[2001:db8::2]:22000"),
        ("fe80::1%lo:22", InvalidPeerAddress::Form, "198.18.0.2:22000"),
    ] {
        let invalid = text.parse::<PeerAddress>().unwrap_err();
        assert_eq!(invalid, reason);
        assert!(invalid.to_string().contains(advice), "{invalid}");
    }
    let bad = [
        "",
        "Dynamic",
        "dynamic:22",
        " dynamic",
        "nas",
        "nas:22",
        "localhost:22",
        "198.18.0.2",
        "198.18.0.2:0",
        "198.18.0.2%lo:22",
        "[2001:db8::1]",
        "[2001:db8::1]:0",
        "[2001:db8::1%lo]:22",
        "2001:db8::1",
    ];
    for text in bad {
        assert!(text.parse::<PeerAddress>().is_err(), "{text:?}");
    }
    let fixed = PeerAddress::Fixed(address("198.18.0.9:22"));
    let found = fixed.resolve("nas", || panic!("the daemon was asked"));
    assert_eq!(found.unwrap(), Some(address("198.18.0.9:22")));
    let ask = |says: &str| {
        PeerAddress::Dynamic.resolve("nas", || Ok(client(format!("{VERSION}{says}\n"))))
    };
    assert_eq!(ask(&format!("{NAS}\nok")).unwrap(), Some(address("198.18.0.2:22")));
    assert_eq!(ask("error unknown-node nas is not known").unwrap(), None);
    assert!(matches!(ask("error busy try again later"), Err(Error::Refused { .. })));
}
