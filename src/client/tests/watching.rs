//! Watching, with what a daemon may say.

use std::os::fd::AsFd as _;
use std::time::Duration;

use rustix::net::RecvFlags;

use super::*;

#[test]
fn a_watch_ends_with_its_first_error() {
    let watch = |says: &str| client(format!("{VERSION}{says}")).watch().unwrap();
    let found = "found id=nas address=198.18.0.2:22 interface=eth0\n";
    let mut ended = watch(&format!("{found}renamed id=nas to=tv\n{found}"));
    assert!(ended.by_ref().take(2).all(|event| event.unwrap().kind == EventKind::Found));
    assert!(matches!(ended.next(), Some(Err(Error::Lost(_)))));
    assert!(ended.next().is_none());

    let mut wrong: Watch = watch(&format!("found id=nas\n{found}"));
    assert_eq!(invalid(wrong.next().unwrap()), "address");
    assert!(wrong.next().is_none());
    assert!(watch("ok\n").next().is_none());
}

#[test]
fn a_refusal_has_its_reason() {
    let refused =
        client(format!("{VERSION}error bad-request no such thing\n")).nodes().unwrap_err();
    assert!(refused.to_string().starts_with("the daemon refused: no such thing: "), "{refused}");
    assert!(matches!(refused, Error::Refused { code, .. } if code == "bad-request"));
    let nas = "found id=nas address=10.0.0.2:22 interface=eth0";
    let mut watch = client(format!("{VERSION}{nas}\nerror slow no room\n")).watch().unwrap();
    assert!(matches!(watch.next(), Some(Ok(event)) if event.id == name("nas")));
    let slow = watch.next().unwrap().unwrap_err();
    assert!(slow.to_string().contains("reads changes more slowly than they happen"), "{slow}");
    assert!(matches!(slow, Error::Refused { code, .. } if code == "slow"));
    assert!(watch.next().is_none());
}

/// A watch of a daemon that says this, and what the daemon says later.
fn watched(says: &str) -> (Watch, UnixStream) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(format!("{VERSION}{says}").as_bytes()).unwrap();
    let connection = Some(Connection::new(ours).unwrap());
    (Client { control: None, connection }.watch().unwrap(), theirs)
}

const FOUND: &str = "found id=nas address=198.18.0.2:22 interface=eth0\n";

#[test]
fn a_watch_with_a_timeout_goes_on_after_it() {
    let (mut watch, mut daemon) = watched(&format!("{FOUND}{FOUND}"));
    let now = |watch: &mut Watch| watch.next_timeout(Duration::ZERO).unwrap().is_some();
    assert!(now(&mut watch) && now(&mut watch) && !now(&mut watch));
    assert!(watch.next_timeout(Duration::from_millis(1)).unwrap().is_none());
    // An event that comes in pieces, with lines before it that are none.
    let (first, last) = FOUND.split_at(20);
    for (piece, is_whole) in [("later\n", false), (first, false), (last, true)] {
        daemon.write_all(piece.as_bytes()).unwrap();
        assert_eq!(now(&mut watch), is_whole, "{piece}");
    }
    daemon.write_all(FOUND.as_bytes()).unwrap();
    assert!(watch.next_timeout(Duration::from_secs(3600)).unwrap().is_some());
    daemon.write_all(FOUND.as_bytes()).unwrap();
    assert!(watch.next().unwrap().is_ok());
    drop(daemon);
    assert!(matches!(watch.next_timeout(Duration::ZERO), Err(Error::Lost(_))));
    assert!(matches!(watch.next_timeout(Duration::ZERO), Err(Error::Ended)));
    assert!(watch.next().is_none());
}

#[test]
fn a_watch_reads_all_that_has_come_before_it_returns_none() {
    let (mut watch, mut daemon) = watched("");
    // More than one read takes.
    let lines = format!("later {}\n", "x".repeat(1000)).repeat(10) + &FOUND.repeat(200);
    daemon.write_all(lines.as_bytes()).unwrap();
    let mut events = 0;
    while watch.next_timeout(Duration::ZERO).unwrap().is_some() {
        events += 1;
    }
    assert_eq!(events, 200);
}

#[test]
fn a_timeout_ends_whatever_comes_meanwhile() {
    let (mut watch, mut daemon) = watched("");
    thread::spawn(move || while daemon.write_all(b"later\n").is_ok() {});
    assert!(watch.next_timeout(Duration::ZERO).unwrap().is_none());
    assert!(watch.next_timeout(Duration::from_millis(10)).unwrap().is_none());
}

#[test]
fn a_watch_is_stopped_by_another_thread() {
    for timeout in [None, Some(Duration::from_secs(3600))] {
        let (mut watch, mut daemon) = watched("");
        let stopper = watch.stopper().unwrap();
        let waiting = thread::spawn(move || match timeout {
            None => assert!(watch.next().is_none() && watch.next().is_none()),
            Some(timeout) => {
                assert!(matches!(watch.next_timeout(timeout), Err(Error::Ended)));
                assert!(matches!(watch.next_timeout(timeout), Err(Error::Ended)));
            }
        });
        stopper.stop();
        waiting.join().unwrap();
        stopper.stop();
        // The daemon sees that the client has gone, and what waits is not handed out.
        assert!(daemon.write_all(FOUND.as_bytes()).is_err());
    }
}

#[test]
fn a_watch_has_a_descriptor_that_can_be_polled() {
    let (mut watch, mut daemon) = watched("");
    let is_readable = |watch: &Watch| {
        let mut byte = [0];
        let flags = RecvFlags::DONTWAIT | RecvFlags::PEEK;
        rustix::net::recv(watch.as_fd(), &mut byte, flags).is_ok()
    };
    assert!(!is_readable(&watch));
    daemon.write_all(FOUND.as_bytes()).unwrap();
    assert!(is_readable(&watch));
    assert!(watch.next_timeout(Duration::ZERO).unwrap().is_some() && !is_readable(&watch));
}
