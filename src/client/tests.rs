use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use super::{Change, ChangeKind, Client, Connection, Error, Node, PeerAddress, Watch};
use crate::client::deadline::Deadline;
use crate::control::Request;
use crate::limits::{CLIENT_LINE_CAPACITY, CLIENT_LINES, CLIENT_REPLY_CAPACITY, NODE_ID_CAPACITY};
use crate::wire::NodeId;

const VERSION: &str = "version protocol=1 foghorn=0.1.0\nok\n";
const NAS: &str = "node id=nas addresses=198.18.0.2:22,198.18.0.3:22 interface=eth0 age_s=3 known_s=120 expires_s=87 heard=4 contested=yes";

/// A connection to a daemon that says this whatever it is asked, and then ends.
fn connection(says: impl Into<Vec<u8>>) -> Connection {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let says = says.into();
    thread::spawn(move || {
        // A client that has heard enough leaves.
        let _ = theirs.write_all(&says);
        let _ = theirs.shutdown(Shutdown::Write);
        let _ = theirs.read_to_end(&mut vec![]);
    });
    Connection::new(ours).unwrap()
}

/// A client of such a daemon. There is no other to connect to.
fn client(says: impl Into<Vec<u8>>) -> Client {
    Client { control: Some("/nowhere".into()), connection: Some(connection(says)) }
}

fn name(text: &str) -> NodeId {
    NodeId::try_from(text).unwrap()
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn node(line: &str) -> Result<Option<Node>, Error> {
    Node::read(line)
}

fn change(line: &str) -> Result<Option<Change>, Error> {
    Change::read(line)
}

fn invalid<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Protocol { what }) => what,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was believed"),
    }
}

#[test]
fn a_node_is_read_as_it_was_told() {
    let node = node(NAS).unwrap().unwrap();
    assert_eq!(node.id, name("nas"));
    assert_eq!(node.addresses, [address("198.18.0.2:22"), address("198.18.0.3:22")]);
    assert_eq!(node.interface.as_deref(), Some("eth0"));
    assert_eq!([node.age, node.known, node.expires_in], [3, 120, 87].map(Duration::from_secs));
    assert_eq!((node.heard, node.contested), (4, true));
}

#[test]
fn what_is_missing_or_invalid_is_named_and_what_is_unknown_passed_over() {
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
fn an_own_node_is_looked_up_in_the_list() {
    let own = NAS.replace("node ", "own ") + " own=yes";
    let refused = "error own-node nas is announced by this machine itself";
    let mut client = client(format!("{VERSION}{refused}\n{VERSION}{NAS}\n{own}\nok\n"));
    let found = client.lookup(&name("nas")).unwrap().unwrap();
    assert!(found.own && !node(NAS).unwrap().unwrap().own);
    assert_eq!(found.addresses, [address("198.18.0.2:22"), address("198.18.0.3:22")]);
}

#[test]
fn an_own_node_without_an_address_is_nowhere() {
    let refused =
        "error own-node nas is announced by this machine itself, which has no address now";
    let mut client = client(format!("{VERSION}{refused}\n{VERSION}{NAS}\nok\n"));
    assert_eq!(client.lookup(&name("nas")).unwrap(), None);
}

#[test]
fn a_name_that_is_none_here_hides_no_other_node() {
    // Told by a daemon of another build, where strangers may have such names.
    let long = "x".repeat(NODE_ID_CAPACITY + 1);
    let odd = [long.as_str(), "\u{378}", ""].map(|id| NAS.replace("id=nas", &format!("id={id}")));
    let mut client = client(format!("{VERSION}{}\n{NAS}\nok\n", odd.join("\n")));
    assert_eq!(
        client.nodes().unwrap().iter().map(|node| node.id.as_str()).collect::<Vec<_>>(),
        ["nas"]
    );
    assert_eq!(
        change(&format!("found id={long} address=198.18.0.2:22 interface=eth0")).unwrap(),
        None
    );
}

#[test]
fn each_kind_of_change_is_read() {
    let kinds = [
        ("known", ChangeKind::Known),
        ("found", ChangeKind::Found),
        ("moved", ChangeKind::Moved),
        ("contested", ChangeKind::Contested { rival: address("198.18.0.9:22") }),
        ("lost", ChangeKind::Lost),
    ];
    for (word, kind) in kinds {
        let line =
            format!("{word} id=nas address=198.18.0.2:22 interface=eth0 rival=198.18.0.9:22");
        let expected = Change {
            kind,
            id: name("nas"),
            address: address("198.18.0.2:22"),
            interface: Some("eth0".to_owned()),
        };
        assert_eq!(change(&line).unwrap(), Some(expected));
        for key in ["id", "address", "interface"] {
            assert_eq!(invalid(change(&line.replace(&format!(" {key}="), " no="))), key);
        }
    }
    assert_eq!(change("renamed id=nas").unwrap(), None);
    let contested = "contested id=nas address=198.18.0.2:22 interface=eth0";
    assert_eq!(invalid(change(contested)), "rival");
    assert_eq!(invalid(change(&format!("{contested} rival=yes"))), "rival");
}

#[test]
fn a_watch_ends_with_its_first_error() {
    let watch = |says: &str| client(format!("{VERSION}{says}")).watch().unwrap();
    let found = "found id=nas address=198.18.0.2:22 interface=eth0\n";
    let mut ended = watch(&format!("{found}renamed id=nas to=tv\n{found}"));
    assert!(ended.by_ref().take(2).all(|change| change.unwrap().kind == ChangeKind::Found));
    assert!(matches!(ended.next(), Some(Err(Error::Lost(_)))));
    assert!(ended.next().is_none());

    let mut wrong: Watch = watch(&format!("found id=nas\n{found}"));
    assert_eq!(invalid(wrong.next().unwrap()), "address");
    assert!(wrong.next().is_none());
    assert!(watch("ok\n").next().is_none());
}

#[test]
fn a_daemon_that_says_anything_costs_a_bounded_amount() {
    // As long as a line may be, and one byte more.
    let line =
        |length: usize| format!("{VERSION}{NAS} x={}\nok\n", "x".repeat(length - NAS.len() - 4));
    assert_eq!(client(line(CLIENT_LINE_CAPACITY)).nodes().unwrap().len(), 1);
    for line in [CLIENT_LINE_CAPACITY + 1, 100 * CLIENT_LINE_CAPACITY].map(line) {
        assert_eq!(invalid(client(line).nodes()), "line");
    }
    let lines = |count| format!("{VERSION}{}ok\n", "later\n".repeat(count));
    assert!(client(lines(CLIENT_LINES - 1)).nodes().unwrap().is_empty());
    assert_eq!(invalid(client(lines(CLIENT_LINES)).nodes()), "end");
    let mut endless = client(format!("{}{VERSION}", "later\n".repeat(CLIENT_LINES)));
    assert_eq!(invalid(endless.nodes()), "end");
    for text in
        [&b"version \xff\nok\n"[..], b"version \x1b[31m\nok\n", b"version \xc2\x9b31m\nok\n"]
    {
        assert_eq!(invalid(client(text).nodes()), "text");
    }
}

/// What a daemon said that repeats this until nobody listens.
fn endless(begin: &str, repeat: impl AsRef<[u8]>, pause: Duration) -> Connection {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let (begin, repeat) = (begin.to_owned(), repeat.as_ref().to_owned());
    thread::spawn(move || {
        let mut said = theirs.write_all(begin.as_bytes());
        while said.is_ok() {
            thread::sleep(pause);
            said = theirs.write_all(&repeat);
        }
    });
    Connection::new(ours).unwrap()
}

#[test]
fn a_reply_has_a_bounded_number_of_bytes() {
    let line = format!("{NAS} x={}\n", "x".repeat(CLIENT_LINE_CAPACITY - NAS.len() - 4));
    let lines = |count| client(format!("{VERSION}{}ok\n", line.repeat(count)));
    let most = CLIENT_REPLY_CAPACITY / (line.len() - 1);
    assert_eq!(lines(most).nodes().unwrap().len(), most);
    assert_eq!(invalid(lines(most + 1).nodes()), "end");
    // Neither lines nor pairs cost more than their bytes, and no reply goes on for ever.
    for repeat in [line, "later a b c d e f g h\n".repeat(100)] {
        let endless = endless(VERSION, repeat, Duration::ZERO);
        let mut client = Client { control: Some("/nowhere".into()), connection: Some(endless) };
        assert_eq!(invalid(client.nodes()), "end");
    }
}

#[test]
fn what_trickles_in_is_not_waited_for() {
    let pause = Duration::from_millis(5);
    let in_vain = |begin: &str, repeat: &str| {
        let mut connection = endless(begin, repeat, pause);
        connection.patience = 10 * pause;
        let mut client = Client { control: Some("/nowhere".into()), connection: Some(connection) };
        assert!(matches!(client.nodes(), Err(Error::TimedOut)), "{begin:?} {repeat:?}");
    };
    // Before the version, after it and amid a line; each byte and each line comes in time.
    for (begin, repeat) in
        [("", "x"), (VERSION, "x"), (VERSION, "later\n"), (&format!("{VERSION}{NAS}"), " x")]
    {
        in_vain(begin, repeat);
    }
    // A watch has no end, but its lines have.
    let found = "found id=nas address=198.18.0.2:22 interface=eth0\n";
    let connection = endless(&format!("{VERSION}{found}{found}"), "x", pause);
    let mut watch = Client { control: None, connection: Some(connection) }.watch().unwrap();
    watch.connection.as_mut().unwrap().patience = 10 * pause;
    assert!(watch.by_ref().take(2).all(|change| change.is_ok()));
    assert!(matches!(watch.next(), Some(Err(Error::TimedOut))));
    assert!(watch.next().is_none());
}

#[test]
fn a_wait_ends_whatever_comes_meanwhile() {
    for (repeat, pause) in [("later\n", 0), ("later\n", 1), ("x", 1)] {
        let mut connection = endless(VERSION, repeat, Duration::from_millis(pause));
        connection.send(&Request::Watch).unwrap();
        connection.wait_until(Some(Deadline::after(Duration::from_millis(50)).unwrap()));
        let end = loop {
            match connection.next() {
                Ok(line) => assert_eq!(line, Some("later")),
                Err(error) => break error,
            }
        };
        assert!(matches!(end, Error::TimedOut), "{repeat:?} {end}");
    }
}

#[test]
fn an_answer_that_is_cut_short_is_none() {
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
    assert_eq!(invalid(client(format!("{VERSION}ok\n")).lookup(&name("nas"))), "node");
    assert_eq!(invalid(client(format!("{VERSION}{NAS}\nok\n")).lookup(&name("tv"))), "node");
}

#[test]
fn no_answer_is_taken_for_that_to_a_later_question() {
    let refused = "error unknown-node tv is not known\n";
    let mut both = client(format!("{VERSION}{refused}{VERSION}{NAS}\nok\n"));
    assert_eq!(both.lookup(&name("tv")).unwrap(), None);
    assert_eq!(both.lookup(&name("nas")).unwrap().unwrap().id, name("nas"));

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
fn what_the_daemon_refuses_is_told_with_its_reason() {
    let refused =
        client(format!("{VERSION}error bad-request no such thing\n")).nodes().unwrap_err();
    assert_eq!(refused.to_string(), "the daemon refused: no such thing");
    assert!(matches!(refused, Error::Refused { code, .. } if code == "bad-request"));
    let nas = "found id=nas address=10.0.0.2:22 interface=eth0";
    let mut watch = client(format!("{VERSION}{nas}\nerror slow no room\n")).watch().unwrap();
    assert!(matches!(watch.next(), Some(Ok(change)) if change.id == name("nas")));
    let slow = watch.next().unwrap().unwrap_err();
    assert!(slow.to_string().contains("reads changes more slowly than they happen"), "{slow}");
    assert!(matches!(slow, Error::Refused { code, .. } if code == "slow"));
    assert!(watch.next().is_none());
}

#[test]
fn an_address_is_fixed_or_dynamic_and_nothing_is_resolved() {
    for text in ["198.18.0.2:22000", "[fe80::1]:22", "dynamic"] {
        assert_eq!(text.parse::<PeerAddress>().unwrap().to_string(), text);
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
    ];
    for text in bad {
        assert!(text.parse::<PeerAddress>().is_err(), "{text:?}");
    }
    let fixed = PeerAddress::Fixed(address("198.18.0.9:22"));
    let found = fixed.resolve(&name("nas"), || panic!("the daemon was asked"));
    assert_eq!(found.unwrap(), Some(address("198.18.0.9:22")));
    let ask = |says: &str| {
        PeerAddress::Dynamic.resolve(&name("nas"), || Ok(client(format!("{VERSION}{says}\n"))))
    };
    assert_eq!(ask(&format!("{NAS}\nok")).unwrap(), Some(address("198.18.0.2:22")));
    assert_eq!(ask("error unknown-node nas is not known").unwrap(), None);
    assert!(matches!(ask("error busy try again later"), Err(Error::Refused { .. })));
}
