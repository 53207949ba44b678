//! A non-blocking standard output, as another program may have made it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixListener;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Instant;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pipe2;

use crate::common::{Directory, TIMEOUT, foghorn};

/// The number of nodes whose lines overfill a pipe.
const NODES: usize = 3000;

/// The output of a command to a pipe that is not read before it is full, while a stand-in for the
/// daemon lists many nodes.
fn written(command: &'static [&'static str]) -> String {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let listener = UnixListener::bind(&control).unwrap();
    let daemon = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = BufReader::new(&stream).lines().nth(1).unwrap().unwrap();
        let mut reply = "version protocol=1 foghorn=0.1.0\nok\n".to_owned();
        for number in 0..NODES {
            match request.as_str() {
                "watch" => {
                    writeln!(reply, "known id=n{number:04} address=10.0.0.1:22 interface=eth0")
                }
                _ => writeln!(reply, "node id=n{number:04} addresses=10.0.0.1:22 interface=eth0"),
            }
            .unwrap();
        }
        reply.push_str("ok\n");
        stream.write_all(reply.as_bytes()).unwrap();
    });
    let (reader, writer) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).unwrap();
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    let child = start(command, &control, writer.try_clone().unwrap());
    let begin = Instant::now();
    let has_room =
        || poll(&mut [PollFd::new(writer.as_fd(), PollFlags::POLLOUT)], PollTimeout::ZERO) == Ok(1);
    while has_room() {
        assert!(begin.elapsed() < TIMEOUT, "the pipe is not full");
        thread::yield_now();
    }
    // The test reads to the end, which follows foghorn's exit.
    drop(writer);
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).unwrap();
    daemon.join().unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
    text
}

fn start(command: &[&str], control: &std::path::Path, writer: OwnedFd) -> Child {
    let mut foghorn = foghorn();
    foghorn.args(command).env("FOGHORN_CONTROL", control).stdout(writer).stderr(Stdio::piped());
    foghorn.spawn().unwrap()
}

#[test]
fn a_slow_reader_of_a_non_blocking_pipe_gets_all_output() {
    let json: serde_json::Value = serde_json::from_str(&written(&["list", "--json"])).unwrap();
    assert_eq!(json.as_array().unwrap().len(), NODES);
    let page = written(&["list", "--html"]);
    assert_eq!(page.matches("<tr><td>").count(), NODES);
    assert!(page.ends_with("</table>\n"));
    assert_eq!(written(&["list"]).lines().count(), NODES + 1);
    let changes = written(&["watch"]);
    assert_eq!(changes.lines().count(), NODES);
    assert!(changes.ends_with("known n2999 10.0.0.1:22 eth0\n"));
}
