//! The socket's file, and how fast clients are taken in.

use super::*;

#[test]
fn the_socket_is_checked_once_a_minute_and_made_again() {
    let mut memory = Memory::new();
    let mut table = Table::new("gone", &mut memory);
    let mut connected = table.client(START, b"version\n");
    assert!(told(&mut connected).ends_with("ok\n"));
    std::fs::remove_file(&table.path).unwrap();
    let minute = START + Duration::from_secs(60);
    table.turn(minute - Duration::from_millis(1));
    assert!(!table.path.exists());
    // Nothing wakes the loop for that.
    assert_eq!(table.server.deadline(), Some(START + Duration::from_secs(30)));
    table.turn(minute);
    assert!(told(&mut table.client(minute, b"version\n")).ends_with("ok\n"));
    connected.write_all(b"version\n").unwrap();
    table.turn(minute);
    assert!(told(&mut connected).ends_with("ok\n"));

    // Another daemon has taken its place, and keeps it while it lives.
    std::fs::remove_file(&table.path).unwrap();
    let other = std::os::unix::net::UnixListener::bind(&table.path).unwrap();
    table.turn(minute + Duration::from_secs(60));
    other.set_nonblocking(true).unwrap();
    table.connect();
    // The first who connected was the server, to see whether somebody listens.
    assert!(other.accept().is_ok() && other.accept().is_ok());
    drop(other);
    table.turn(minute + Duration::from_secs(120));
    assert!(told(&mut table.client(minute, b"version\n")).ends_with("ok\n"));
}

#[test]
fn only_a_directory_of_its_own_is_made_again() {
    let directory =
        std::env::temp_dir().join(format!("foghorn-server-{}-directory", std::process::id()));
    for is_own in [false, true] {
        make_directory(&directory).unwrap();
        let poll = Poll::new().unwrap();
        let (path, poll) = (directory.join("control.sock"), poll.registry());
        let mut listener = Listener::new(&path, is_own, None, poll, Token(0)).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_dir(&directory).unwrap();
        listener.check_file(START, poll, Token(0));
        assert_eq!(path.exists(), is_own);
        drop(listener);
        let _ = std::fs::remove_dir(&directory);
    }
}

thread_local! {
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

#[test]
fn newcomers_are_accepted_within_their_share_of_processor_time() {
    let mut memory = Memory::new();
    let mut table = Table::new("pace", &mut memory);
    table.turn(START);
    // Whatever is done takes 1/16 of a millisecond, and they may cost four of these in ten
    // milliseconds.
    table.processor_time = || {
        SPENT.set(SPENT.get() + 62_500);
        Some(SPENT.get())
    };
    let mut asking = [(); 8].map(|()| table.connect());
    for client in &mut asking {
        client.write_all(b"version\n").unwrap();
    }
    let mut answered = |table: &mut Table<'_>, now| {
        table.turn(now);
        asking.iter_mut().map(told).filter(|told| told.ends_with("ok\n")).count()
    };
    assert_eq!(answered(&mut table, START), 4);
    assert_eq!(table.server.deadline(), Some(START + Duration::from_millis(10)));
    assert_eq!(answered(&mut table, START + Duration::from_millis(10)), 4);

    // Those who ask nothing cost more: what is done for them counts too.
    drop(asking);
    table.turn(START + Duration::from_secs(1));
    assert_eq!(table.clients(), 0);
    let _silent = [(); 8].map(|()| table.connect());
    table.turn(START + Duration::from_secs(2));
    assert_eq!(table.clients(), 2);
}

#[test]
fn without_a_processor_clock_newcomers_are_accepted_one_at_a_time() {
    let mut memory = Memory::new();
    let mut table = Table::new("unknown-cost", &mut memory);
    table.processor_time = || None;
    table.turn(START);
    let _silent = [(); 3].map(|()| table.connect());
    for clients in 1..=3 {
        table.turn(START + Duration::from_secs(clients));
        assert_eq!(table.clients().try_into(), Ok(clients));
    }
}
