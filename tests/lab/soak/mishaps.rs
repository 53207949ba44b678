//! Events that hit the daemons of a soak.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::site::{Resident, Site};
use crate::common::{announcement, foghorn};
use crate::flood::flood;

/// The shortest time between floods.
const BETWEEN_FLOODS: Duration = Duration::from_secs(15);
const FLOOD: u32 = 10_000;

/// One host loses its link, or sleeps, for longer than it remembers the others.
const OUTAGE: Duration = Duration::from_secs(4);

/// The number of useless clients at a time. A daemon has room for more.
const IDLE_CLIENTS: usize = 2;

/// An event that takes a few seconds at most.
type Mishap = fn(&mut Site<'_>);

pub(super) const MISHAPS: [(&str, Mishap); 12] = [
    ("a neighbour came, left or crashed", come_or_go),
    ("a neighbour moved", move_away),
    ("a link was lost for a moment", flap),
    ("a link was lost for some seconds", cut),
    ("a second address came and went", readdress),
    ("a bad datagram came", send_bad_datagram),
    ("a flood from one address or all was due", send_flood),
    ("a client wanted nothing or sent rubbish", misbehave),
    ("a client read or watched and left", watch),
    ("a client listed all and asked for the status", list),
    ("a daemon was hung up", hang_up),
    ("a host slept for some seconds", sleep),
];

fn any<'a, 'b>(site: &'b mut Site<'a>) -> &'b Resident<'a> {
    let number = site.random.below(site.residents.len());
    &site.residents[number]
}

fn come_or_go(site: &mut Site<'_>) {
    let (number, crashes) = (site.random.below(site.visitors.len()), site.random.below(2) == 0);
    let visitor = &mut site.visitors[number];
    match visitor.daemon.take() {
        None => {
            let id = format!("visitor{number}");
            visitor.daemon =
                Some(visitor.host.daemon(&["--id", &id, "--port", "22", "--interval", "1"]));
        }
        Some(mut daemon) if crashes => daemon.crash(),
        Some(mut daemon) => assert!(daemon.stop().success()),
    }
}

fn move_away(site: &mut Site<'_>) {
    let (number, to) = (site.random.below(site.visitors.len()), site.random.below(4));
    let visitor = &site.visitors[number];
    visitor.host.ip("addr flush dev eth0");
    visitor.host.ip(&format!("addr add 198.18.0.{}/24 dev eth0", visitor.number + 10 * to));
}

fn flap(site: &mut Site<'_>) {
    let port = 1 + site.random.below(site.residents.len());
    site.lan.ip(&format!("link set port{port} down"));
    site.lan.ip(&format!("link set port{port} up"));
}

fn cut(site: &mut Site<'_>) {
    site.lan.ip("link set port3 down");
    site.ask_for(OUTAGE);
    site.lan.ip("link set port3 up");
}

fn readdress(site: &mut Site<'_>) {
    let resident = any(site);
    resident.host.ip("addr add 198.19.0.1/16 dev eth0");
    resident.host.ip("addr delete 198.19.0.1/16 dev eth0");
}

fn send_bad_datagram(site: &mut Site<'_>) {
    let bad: [&[u8]; 6] = [
        b"\x00\x12\x10",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x12\x10\x25\x55\xf0\x00\x00\0\0\0\0",
        b"\x00\x12\x10\x25\x00\x00\x00\x03nas\0\0\0\0",
        b"\x00\x12\x10\x25\x55\xf0\xff\xffnas\0\0\0\0",
        &announcement("\x1b[2J", 22),
    ];
    let number = site.random.below(bad.len());
    site.stranger.peer(bad[number]);
}

fn send_flood(site: &mut Site<'_>) {
    if site.flooded.is_some_and(|at| at.elapsed() < BETWEEN_FLOODS) {
        return;
    }
    let sources = if site.random.below(2) == 0 { 1 } else { 200 };
    let mut flood = flood(&site.stranger, FLOOD, Ipv4Addr::new(198, 18, 0, 50), sources);
    flood.end_input();
    while !flood.lines.seen().iter().any(|line| line.contains("flood: ends")) {
        site.ask();
    }
    site.flooded = Some(Instant::now());
}

fn misbehave(site: &mut Site<'_>) {
    let requests: [&[u8]; 5] = [b"", b"look", b"watch\n", b"\xff\x00\n\n{}\n", &[b'x'; 4096]];
    let request = requests[site.random.below(requests.len())];
    if let Ok(mut client) = UnixStream::connect(&any(site).daemon.control) {
        // The daemon may close the connection before it has read everything.
        let _ = client.write_all(request);
        site.clients.push(client);
    }
    if site.clients.len() > IDLE_CLIENTS {
        site.clients.remove(0);
    }
}

fn watch(site: &mut Site<'_>) {
    let daemon = &any(site).daemon;
    daemon.watch(&["watch"]).lines.wait_for("198.18.0.");
    // A client that disconnects before the answer.
    let mut client = foghorn()
        .args(["lookup", "--wait", "60", "nobody", "--control"])
        .arg(&daemon.control)
        .spawn()
        .unwrap();
    client.kill().unwrap();
    client.wait().unwrap();
}

fn list(site: &mut Site<'_>) {
    let daemon = &any(site).daemon;
    assert_eq!(daemon.ask(&["list", "--json"]).code, 0);
    assert_eq!(daemon.ask(&["status", "--json"]).code, 0);
}

fn hang_up(site: &mut Site<'_>) {
    any(site).daemon.signal(Signal::SIGHUP);
}

fn sleep(site: &mut Site<'_>) {
    site.residents[2].daemon.suspend();
    site.ask_for(OUTAGE);
    site.residents[2].daemon.resume();
}
