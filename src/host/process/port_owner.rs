//! Finds the process that has a UDP port or a Unix socket, in the kernel's tables of sockets and
//! the descriptors of all processes; proc(5).

use std::ffi::OsStr;
use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, RawDir};

use crate::host::files::regular_file::{open_file, read_file};

/// How many descriptors are looked at in all processes together.
const DESCRIPTORS: u32 = 100_000;

/// How the kernel marks a Unix socket that listens.
const LISTENS: &str = "00010000";

/// Bytes for entries of a directory. One takes at most 280.
const BUFFER: usize = 2048;

/// A line that says which other process has a UDP port, and what to do. None if no process has it.
/// Only root can see the processes of other users. `root` is `/`, except in tests.
pub(crate) fn port_owner(root: &Path, port: u16) -> Option<String> {
    let (mut sockets, wanted) = (vec![], format!(":{port:04X}"));
    // A socket for IPv6 may take the port for IPv4, too.
    for table in ["proc/net/udp", "proc/net/udp6"] {
        let table = read_file(&root.join(table)).unwrap_or_default();
        for line in table.split(|byte| *byte == b'\n') {
            sockets.extend(inode(line, &wanted));
        }
    }
    if sockets.is_empty() {
        return None;
    }
    let owner = match &owner(root, &sockets) {
        Some(process) => name(process),
        None => "another program (sudo foghorn doctor tells which)".to_owned(),
    };
    // A daemon shares the port, so it blocks nobody. But it may be the one that the user looks for.
    let remedy = if owner.starts_with("foghorn (") {
        "give its --control"
    } else {
        "choose another port with --udp-port"
    };
    Some(format!("UDP port {port} is in use by {owner}: stop it, or {remedy}"))
}

/// A line that says which process still listens at a Unix socket whose file is gone, and what to
/// do. None if there is none.
pub(crate) fn lost_socket(root: &Path, path: &Path) -> Option<String> {
    let table = read_file(&root.join("proc/net/unix")).unwrap_or_default();
    let listens = |line: &[u8]| listener(line, path.as_os_str().as_bytes());
    let socket = table.split(|byte| *byte == b'\n').find_map(listens)?;
    let path = path.display();
    Some(match owner(root, &[socket]) {
        Some(process) => {
            let (name, number) =
                (name(&process), process.file_name().unwrap_or_default().display());
            format!(
                "{name} runs, but its socket {path} is gone: sudo kill -HUP {number} makes it again"
            )
        }
        None => format!("a daemon runs, but its socket {path} is gone: see sudo foghorn doctor"),
    })
}

/// Another process that has one of these sockets, by their inodes.
fn owner(root: &Path, sockets: &[u64]) -> Option<PathBuf> {
    let mut left = DESCRIPTORS;
    find(&root.join("proc"), &mut |process| {
        is_other(process)
            && find(&process.join("fd"), &mut |descriptor| {
                left = left.saturating_sub(1);
                // The link leads to the socket itself, whose inode is the one in the table.
                left > 0
                    && fs::metadata(descriptor).is_ok_and(|metadata| {
                        metadata.file_type().is_socket() && sockets.contains(&metadata.ino())
                    })
            })
            .is_some()
    })
}

/// Whether another program of that name runs.
pub(crate) fn is_running(root: &Path, program: &str) -> bool {
    find(&root.join("proc"), &mut |process| {
        if !is_other(process) {
            return false;
        }
        let name = read_file(&process.join("comm")).unwrap_or_default();
        name.strip_suffix(b"\n") == Some(program.as_bytes())
    })
    .is_some()
}

/// The first entry of a directory that satisfies the condition.
fn find(directory: &Path, is_right: &mut dyn FnMut(&Path) -> bool) -> Option<PathBuf> {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut entries = RawDir::new(open_file(directory, OFlags::RDONLY).ok()?, &mut buffer);
    loop {
        let entry = entries.next()?.ok()?;
        let path = directory.join(OsStr::from_bytes(entry.file_name().to_bytes()));
        if is_right(&path) {
            return Some(path);
        }
    }
}

/// Whether an entry of `/proc` is a process, and not this one.
fn is_other(process: &Path) -> bool {
    let number = process.file_name().and_then(|name| name.to_str()?.parse().ok());
    number.is_some_and(|number: u32| number != std::process::id())
}

/// The name and the number of a process. It can choose any name, so characters that are not
/// printable become question marks.
fn name(process: &Path) -> String {
    let mut name = read_file(&process.join("comm")).unwrap_or_default();
    name.pop();
    for byte in &mut name {
        if !(b' '..=b'~').contains(byte) {
            *byte = b'?';
        }
    }
    let name = String::from_utf8(name).unwrap_or_default();
    format!("{name} (process {})", process.file_name().unwrap_or_default().display())
}

/// The inode of a socket whose address has the wanted end. The fields of its line are `sl
/// local_address rem_address st queues timer retrnsmt uid timeout inode`.
fn inode(line: &[u8], wanted: &str) -> Option<u64> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    words.nth(1).filter(|address| address.ends_with(wanted))?;
    words.nth(7)?.parse().ok()
}

/// The inode of a Unix socket that listens at a path, by its line:
/// `address: references protocol flags type state inode path`.
fn listener(line: &[u8], path: &[u8]) -> Option<u64> {
    let mut words = std::str::from_utf8(line.strip_suffix(path)?).ok()?.split_ascii_whitespace();
    words.nth(3).filter(|flags| *flags == LISTENS)?;
    let inode = words.nth(2)?.parse().ok()?;
    // If a word is left, the line is of another path, which ends like this one.
    words.next().is_none().then_some(inode)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::scratch::Scratch;

    const HEAD: &str = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn line(port: u16, inode: u64) -> String {
        format!(
            " 1234: 00000000:{port:04X} 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 {inode} 2 0000000000000000 0\n"
        )
    }

    /// A directory in place of `/`, with a process 9000812 that has the socket of that inode. No
    /// real process has so high a number, least of all this one.
    fn system(name: &str, comm: &[u8]) -> (Scratch, u64) {
        let root = Scratch::new(name);
        fs::create_dir_all(root.join("proc/net")).unwrap();
        fs::create_dir_all(root.join("proc/9000812/fd")).unwrap();
        fs::create_dir_all(root.join("proc/9000813")).unwrap();
        // Its own process is none of those that are looked at.
        for own in ["self".to_owned(), std::process::id().to_string()] {
            std::os::unix::fs::symlink("9000812", root.join("proc").join(own)).unwrap();
        }
        fs::write(root.join("proc/9000812/comm"), comm).unwrap();
        fs::write(root.join("proc/9000812/fd/1"), "").unwrap();
        drop(UnixListener::bind(root.join("proc/9000812/fd/3")).unwrap());
        let inode = fs::metadata(root.join("proc/9000812/fd/3")).unwrap().ino();
        (root, inode)
    }

    #[test]
    fn the_process_is_named() {
        let (root, inode) = system("named", b"sync\x1b[2J\n");
        let other = fs::metadata(root.join("proc/9000812/fd/1")).unwrap().ino();
        let table = |lines: &[String]| {
            fs::write(root.join("proc/net/udp"), HEAD.to_owned() + &lines.concat())
        };
        let owner = || port_owner(&root, 21025);
        assert_eq!(owner(), None);
        table(&[line(53, inode)]).unwrap();
        assert_eq!(owner(), None);
        table(&[line(53, 1), line(21025, inode)]).unwrap();
        let told = "UDP port 21025 is in use by sync?[2J (process 9000812): stop it, or choose another port with --udp-port";
        assert_eq!(owner().unwrap(), told);
        fs::write(root.join("proc/9000812/comm"), "foghorn\n").unwrap();
        let told =
            "UDP port 21025 is in use by foghorn (process 9000812): stop it, or give its --control";
        assert_eq!(owner().unwrap(), told);
        fs::rename(root.join("proc/9000812"), root.join("proc/cpuinfo")).unwrap();
        assert!(owner().unwrap().contains("by another program"));
        fs::rename(root.join("proc/cpuinfo"), root.join("proc/9000812")).unwrap();
        // A file of that number is no socket.
        table(&[line(21025, other)]).unwrap();
        assert!(owner().unwrap().contains("by another program"));
        fs::rename(root.join("proc/net/udp"), root.join("proc/net/udp6")).unwrap();
        assert!(owner().is_some());
    }

    #[test]
    fn a_program_that_runs_is_found_by_its_name() {
        let (root, _) = system("running", b"firewalld\n");
        assert!(is_running(&root, "firewalld") && !is_running(&root, "firewall"));
        fs::remove_dir_all(&*root).unwrap();
        assert!(!is_running(&root, "firewalld"));
    }

    #[test]
    fn a_process_whose_socket_has_no_file_any_more_is_named() {
        let (root, inode) = system("lost", b"foghorn\n");
        let path = Path::new("/run/my foghorn/control.sock");
        let lost = |flags: &str, inode: u64, at: &str| {
            let line =
                format!("0000000000000000: 00000002 00000000 {flags} 0001 01 {inode} {at}\n");
            fs::write(root.join("proc/net/unix"), line).unwrap();
            lost_socket(&root, path)
        };
        let told = "foghorn (process 9000812) runs, but its socket /run/my foghorn/control.sock is gone: sudo kill -HUP 9000812 makes it again";
        let at = path.to_str().unwrap();
        assert_eq!(lost("00010000", inode, at).unwrap(), told);
        let told = "a daemon runs, but its socket /run/my foghorn/control.sock is gone: see sudo foghorn doctor";
        assert_eq!(lost("00010000", 1, at).unwrap(), told);
        // A connection to it, and another socket.
        assert_eq!(lost("00000000", inode, at), None);
        assert_eq!(lost("00010000", inode, &format!("/mnt {at}")), None);
        assert_eq!(lost("00010000", inode, "/run/control.sock"), None);
    }

    #[test]
    fn damaged_lines_are_left() {
        assert_eq!(inode(line(21025, 7).as_bytes(), ":5221"), Some(7));
        assert_eq!(inode(line(21026, 7).as_bytes(), ":5221"), None);
        let long = "1: 00000000:5221 00000000:0000 07 0:0 0:0 0 0 0 18446744073709551616";
        for bad in [
            HEAD,
            "",
            " ",
            "1:",
            "1: 00000000:5221",
            "1: 5221 0 7 0 0 0 0 0 9",
            long,
            "1: 0:15221 0 7 0 0 0 0 0 9",
        ] {
            assert_eq!(inode(bad.as_bytes(), ":5221"), None, "{bad:?}");
        }
        assert_eq!(inode(b"1: 0:5221 0 7 0 0 0 0 0 \xff", ":5221"), None);
    }
}
