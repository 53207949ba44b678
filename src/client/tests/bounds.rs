//! A daemon that says anything costs a bounded amount of memory and time.

use std::time::Duration;

use super::*;
use crate::client::deadline::Deadline;
use crate::control::Request;
use crate::limits::{CLIENT_LINE_CAPACITY, CLIENT_LINES, CLIENT_REPLY_CAPACITY};

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

/// The result of asking a daemon that repeats this until the client closes.
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
fn a_reply_that_trickles_in_times_out() {
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
    watch.connection.patience = 10 * pause;
    assert!(watch.by_ref().take(2).all(|event| event.is_ok()));
    assert!(matches!(watch.next(), Some(Err(Error::TimedOut))));
    assert!(watch.next().is_none());
}

#[test]
fn a_wait_ends_on_time_whatever_comes_meanwhile() {
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
