//! Watching: changes are written together, and to those who read them.

use super::*;

#[test]
fn the_changes_of_a_turn_are_written_together() {
    let mut memory = Memory::new();
    let mut table = Table::new("changes", &mut memory);
    let mut watcher = table.client(START, b"watch\n");
    for port in 1..=5 {
        table.change(START, port);
        assert_eq!(told(&mut watcher), "");
    }
    table.turn(START);
    assert_eq!(told(&mut watcher).lines().count(), 5);

    // More than its buffer holds: that is written whenever it is full, and nothing is missed.
    let (mut writes, mut said) = (0, String::new());
    for port in 6..=1005 {
        table.change(START, port);
        let more = told(&mut watcher);
        writes += usize::from(!more.is_empty());
        said.push_str(&more);
    }
    table.turn(START);
    said.push_str(&told(&mut watcher));
    assert!(writes <= said.len().div_ceil(REPLY_CAPACITY / 2), "{writes} for {}", said.len());
    let ports =
        said.lines().map(|line| line.strip_prefix("moved id=nas address=198.18.0.2:").unwrap());
    let ports = ports.map(|rest| rest.split_once(' ').unwrap().0.parse::<u16>().unwrap());
    assert!(ports.eq(6..=1005), "{said}");
}

/// Changes until the only client, which reads nothing, has been disconnected.
fn change_until_it_is_disconnected(table: &mut Table<'_>) {
    for port in 1..=u16::MAX {
        table.change(START, port);
        table.turn(START);
        if table.clients() == 0 {
            return;
        }
    }
    panic!("more waits for it than any socket holds");
}

#[test]
fn a_slow_watch_gets_an_error_after_a_whole_line() {
    let mut memory = Memory::new();
    let mut table = Table::new("behind", &mut memory);
    let mut slow = table.client(START, b"watch\n");
    change_until_it_is_disconnected(&mut table);
    let said = told(&mut slow);
    assert!(is_disconnected(&mut slow));
    let lines: std::vec::Vec<_> = said.lines().collect();
    let (error, changes) = lines.split_last().unwrap();
    assert!(said.ends_with('\n') && error.starts_with("error slow "), "{error}");
    assert!(changes.len() > 100);
    for (port, line) in (1..).zip(changes) {
        assert_eq!(*line, format!("moved id=nas address={NAS}:{port} interface=-"));
    }
}

#[test]
fn a_watch_that_is_not_read_always_ends_with_a_reason() {
    let patience = START + Duration::from_secs(30);
    for (name, code) in [("unread", "slow"), ("evicted", "busy")] {
        let mut memory = Memory::new();
        let mut table = Table::new(name, &mut memory);
        let mut stuck = table.client(START, b"watch\n");
        // As far as a part of a line, or whole ones that wait.
        let mut port = 0;
        while table.server.deadline().is_none() {
            port += 1;
            table.change(START, port);
            table.turn(START);
        }
        assert_eq!(table.server.deadline(), Some(patience));
        if code == "slow" {
            table.server.handle_timeout(patience);
        } else {
            table.server.evict(0, START);
        }
        let said = told(&mut stuck);
        let last = said.lines().last().unwrap();
        assert!(said.ends_with('\n') && last.starts_with(&format!("error {code} ")), "{last:?}");
    }
}

#[test]
fn a_watching_client_does_not_wake_the_loop_with_its_data() {
    let mut memory = Memory::new();
    let mut table = Table::new("watching", &mut memory);
    let mut watching = table.client(START, b"watch\n");
    watching.write_all(b"list\n").unwrap();
    assert_eq!(table.turn(START), 0);
    // But by leaving.
    drop(watching);
    assert_eq!(table.turn(START), 1);
    assert_eq!(table.clients(), 0);
}
