//! What a terminal is shown, and that nobody else is.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::thread;

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

/// What a command shows in a terminal, or passes on in a pipe, when a stand-in for the daemon gives this reply.
fn shown(
    command: &'static str,
    reply: &'static str,
    in_terminal: bool,
    variables: &[(&str, &str)],
) -> String {
    let directory = Directory::new();
    let listener = UnixListener::bind(directory.path("control.sock")).unwrap();
    let daemon = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let requests: Vec<_> = BufReader::new(&stream).lines().take(2).map(Result::unwrap).collect();
        assert_eq!(requests, ["version 1", command]);
        stream.write_all(b"version protocol=1 foghorn=0.1.0\nok\n").unwrap();
        stream.write_all(reply.as_bytes()).unwrap();
    });
    let mut foghorn = foghorn();
    foghorn.arg(command).arg("--control").arg(directory.path("control.sock")).stderr(Stdio::null());
    for name in ["NO_COLOR", "TERM", "LC_ALL", "LC_CTYPE", "LANG"] {
        foghorn.env_remove(name);
    }
    foghorn.envs(variables.iter().copied());
    let mut out = vec![];
    if in_terminal {
        let (outside, inside) = terminal();
        let mut child = foghorn.stdout(inside).spawn().unwrap();
        // What holds the other end open is the child alone, once this is gone.
        drop(foghorn);
        // A terminal that all have left gives an error instead of an end.
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
fn who_wants_no_colours_gets_no_escape_sequences() {
    let expected = "\
NODE  ADDRESS         INTERFACE  HEARD           KNOWN FOR  TIMES
nas   198.18.0.2:22   eth0       █████ 3 s ago   5 min      4      contested
      198.18.0.66:22
tv    198.18.0.4:80   eth0       ███░░ 50 s ago  90 s       2
";
    for variables in [&[XTERM, UTF8, ("NO_COLOR", "1")], &[("TERM", "dumb"), UTF8, ("NO_COLOR", "")]] {
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
fn what_a_program_reads_does_not_depend_on_the_terminal() {
    let list = "\
NODE  ADDRESS         INTERFACE  HEARD     KNOWN FOR  TIMES
nas   198.18.0.2:22   eth0       3 s ago   5 min      4
      198.18.0.66:22
tv    198.18.0.4:80   eth0       50 s ago  90 s       2
";
    assert_eq!(shown("list", LIST, false, &[XTERM, UTF8]), list);
    assert!(
        shown("watch", WATCH, false, &[XTERM, UTF8]).starts_with("known nas 198.18.0.2:22 eth0\nfound tv ")
    );
}
