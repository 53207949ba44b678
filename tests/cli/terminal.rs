//! Output for terminals only.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::thread;

use rustix::termios::{Winsize, tcsetwinsize};

use crate::common::{Directory, foghorn, terminal};

const LIST: &str = "\
node id=nas addresses=198.18.0.2:22,198.18.0.66:22 interface=eth0 age_s=3 known_s=300 expires_s=87 heard=4 contested=yes
node id=tv addresses=198.18.0.4:80 interface=eth0 age_s=50 known_s=90 expires_s=40 heard=2 contested=no
ok
";

const WATCH: &str = "\
known id=nas address=198.18.0.2:22 interface=eth0
found id=tv address=198.18.0.4:80 interface=eth0
contested id=nas address=198.18.0.2:22 interface=eth0 rival=198.18.0.66:22
lost id=tv address=198.18.0.4:80 interface=eth0
error busy enough
";

/// The output of a command in a terminal, or in a pipe, when a stand-in for the daemon sends this
/// reply.
fn shown(
    command: &'static str,
    reply: &'static str,
    in_terminal: bool,
    variables: &[(&str, &str)],
) -> String {
    shown_at(0, command, reply, in_terminal, variables)
}

/// The same in a terminal with that many columns; 0 if it does not report the number.
fn shown_at(
    columns: u16,
    command: &'static str,
    reply: &'static str,
    in_terminal: bool,
    variables: &[(&str, &str)],
) -> String {
    let directory = Directory::new();
    let listener = UnixListener::bind(directory.path("control.sock")).unwrap();
    let daemon = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let requests: Vec<_> =
            BufReader::new(&stream).lines().take(2).map(Result::unwrap).collect();
        assert_eq!(requests, ["version 1", command]);
        stream.write_all(b"version protocol=1 foghorn=0.1.0\nok\n").unwrap();
        stream.write_all(reply.as_bytes()).unwrap();
    });
    let mut foghorn = foghorn();
    foghorn.arg(command).arg("--control").arg(directory.path("control.sock")).stderr(Stdio::null());
    for name in ["COLUMNS", "NO_COLOR", "TERM", "LC_ALL", "LC_CTYPE", "LANG"] {
        foghorn.env_remove(name);
    }
    foghorn.envs(variables.iter().copied());
    let mut out = vec![];
    if in_terminal {
        let (outside, inside) = terminal();
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&inside, size).unwrap();
        let mut child = foghorn.stdout(inside).spawn().unwrap();
        // Once this is dropped, only the child holds the other end open.
        drop(foghorn);
        // A terminal without any process returns an error instead of an end.
        let _ = File::from(outside).read_to_end(&mut out);
        child.wait().unwrap();
    } else {
        out = foghorn.output().unwrap().stdout;
    }
    daemon.join().unwrap();
    String::from_utf8(out).unwrap().replace("\r\n", "\n")
}

const XTERM: (&str, &str) = ("TERM", "xterm");
const UTF8: (&str, &str) = ("LANG", "C.UTF-8");

#[test]
fn a_list_has_colours_and_bars_in_a_terminal() {
    let expected = "\
\x1b[1mNODE\x1b[m  \x1b[1mADDRESS\x1b[m         \x1b[1mINTERFACE\x1b[m  \x1b[1mHEARD\x1b[m           \x1b[1mKNOWN FOR\x1b[m  \x1b[1mTIMES\x1b[m
nas   \x1b[35m198.18.0.2:22\x1b[m   eth0       \x1b[32m█████ 3 s ago\x1b[m   5 min      4      \x1b[35mcontested\x1b[m
      \x1b[35m198.18.0.66:22\x1b[m
tv    198.18.0.4:80   eth0       \x1b[33m███░░ 50 s ago\x1b[m  90 s       2
";
    assert_eq!(shown("list", LIST, true, &[XTERM, UTF8]), expected);
}

#[test]
fn without_colours_there_are_no_escape_sequences() {
    let expected = "\
NODE  ADDRESS         INTERFACE  HEARD           KNOWN FOR  TIMES
nas   198.18.0.2:22   eth0       █████ 3 s ago   5 min      4      contested
      198.18.0.66:22
tv    198.18.0.4:80   eth0       ███░░ 50 s ago  90 s       2
";
    for variables in
        [&[XTERM, UTF8, ("NO_COLOR", "1")], &[("TERM", "dumb"), UTF8, ("NO_COLOR", "")]]
    {
        assert_eq!(shown("list", LIST, true, variables), expected, "{variables:?}");
        assert!(!shown("watch", WATCH, true, variables).contains('\x1b'), "{variables:?}");
    }
    let ascii = expected.replace('█', "#").replace('░', ".");
    assert_eq!(shown("list", LIST, true, &[("TERM", "dumb"), ("LC_ALL", "C"), UTF8]), ascii);
}

#[test]
fn a_watch_has_coloured_events_in_a_terminal() {
    let expected = "\
known nas 198.18.0.2:22 eth0
\x1b[32mfound\x1b[m tv 198.18.0.4:80 eth0
\x1b[35mcontested\x1b[m nas 198.18.0.2:22 eth0 198.18.0.66:22
\x1b[31mlost\x1b[m tv 198.18.0.4:80 eth0
";
    assert_eq!(shown("watch", WATCH, true, &[XTERM, UTF8]), expected);
}

#[test]
fn output_to_a_pipe_does_not_depend_on_the_terminal() {
    let list = "\
NODE  ADDRESS         INTERFACE  HEARD     KNOWN FOR  TIMES
nas   198.18.0.2:22   eth0       3 s ago   5 min      4
      198.18.0.66:22
tv    198.18.0.4:80   eth0       50 s ago  90 s       2
";
    assert_eq!(shown("list", LIST, false, &[XTERM, UTF8]), list);
    assert!(
        shown("watch", WATCH, false, &[XTERM, UTF8])
            .starts_with("known nas 198.18.0.2:22 eth0\nfound tv ")
    );
}

const LONG: &str = "\
own id=nas addresses=198.18.0.1:22 interface=eth0 age_s=0 known_s=300 expires_s=0 heard=0 contested=no own=yes
node id=P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ addresses=198.18.0.2:22000 interface=eth0 age_s=3 known_s=300 expires_s=87 heard=4 contested=no
ok
";

#[test]
fn a_list_is_no_wider_than_its_terminal() {
    let expected = "\
NODE                                             ADDRESS           HEARD
P56IOI7MZJNU2IQGDREYDM2MGTMGL3B…5BTBBZ4TJXZWICQ  198.18.0.2:22000  █████ 3 s ago
nas                                              198.18.0.1:22     own
";
    let list = shown_at(80, "list", LONG, true, &[UTF8]);
    assert_eq!(list, expected);
    assert_eq!(list.lines().map(|line| line.chars().count()).max(), Some(80));
    // If the terminal does not report its width, the environment may.
    assert_eq!(shown_at(0, "list", LONG, true, &[UTF8, ("COLUMNS", "80")]), list);
    let whole = "P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ";
    for columns in [0, 200] {
        let list = shown_at(columns, "list", LONG, true, &[UTF8]);
        assert!(list.contains(whole) && list.contains("TIMES"), "{list}");
    }
    // A program reads the text without changes.
    let list = shown_at(80, "list", LONG, false, &[UTF8, ("COLUMNS", "80")]);
    assert!(list.contains(whole) && list.contains("TIMES"), "{list}");
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

const STATUS: &str = "\
daemon version=9 uptime_s=1 interval_s=30 udp_port=21025 allowed=
registry used=1 capacity=256 found=100000 moved=100000 contested=100000 lost=100000
datagrams received=100000 own=100000 sent=100000 answers=100000
rejected truncated=0
interface name=eth0 address=198.18.0.1 networks=198.18.0.1/24,10.0.0.1/8 state=up received=100000 dropped=0 sent=100 send_errors=0
ok
";

#[test]
fn a_status_is_folded_between_its_parts_in_a_terminal() {
    let status = shown_at(80, "status", STATUS, true, &[]);
    assert!(status.lines().all(|line| line.len() <= 80), "{status}");
    assert!(
        status.contains("100 sent,\n              0 send errors, hears 198.18.0.1/24,10.0.0.1/8\n"),
        "{status}"
    );
    let whole = shown_at(80, "status", STATUS, false, &[]);
    assert!(whole.lines().any(|line| line.len() > 80), "{whole}");
    assert_eq!(words(&status), words(&whole));
}
