//! Gives up privileges for good: the daemon becomes another user, and keeps only the capabilities
//! that it needs.

use std::fmt;
use std::io;
use std::path::Path;

use rustix::io::Errno;
use rustix::thread::{self, CapabilitySet, CapabilitySets, Gid, Uid};

use super::accounts;
use crate::host::errors::reason::{failure, usage};
use crate::host::files::regular_file::read_file;
use crate::host::links::udp;
use crate::log::{info, warn};

/// Where the users of this machine are listed; passwd(5).
const USERS: &str = "/etc/passwd";

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    name: String,
    uid: u32,
    gid: u32,
}

impl User {
    /// Finds a user by name, else by number.
    ///
    /// # Errors
    ///
    /// There is no such user, or the list of users cannot be read. The error's text says what to
    /// do.
    pub fn find(wanted: &str) -> io::Result<Self> {
        let users = read_file(Path::new(USERS)).map_err(|error| {
            failure(
                error.kind(),
                format!("cannot look for the user \"{wanted}\" in {USERS}: {error}"),
            )
        })?;
        Self::in_list(&users, wanted).ok_or_else(|| {
            let message = format!(
                "no user \"{wanted}\": make one with useradd or adduser, or choose another with --user"
            );
            usage(message)
        })
    }

    fn in_list(users: &[u8], wanted: &str) -> Option<Self> {
        let find = |is_right: &dyn Fn(&str, u32) -> bool| {
            accounts::find(users, &|(name, uid, gid)| {
                is_right(name, uid) && accounts::number(gid).is_some()
            })
        };
        let by_number =
            || wanted.parse().ok().and_then(|wanted: u32| find(&|_, uid| uid == wanted));
        let (name, uid, gid) = find(&|name, _| name == wanted).or_else(by_number)?;
        let gid = accounts::number(gid)?;
        Some(Self { name: name.to_owned(), uid, gid })
    }

    pub(crate) fn uid(&self) -> u32 {
        self.uid
    }

    /// The user's own group.
    pub(crate) fn gid(&self) -> u32 {
        self.gid
    }
}

/// A line that says that this process lacks the privilege to open that UDP port, and what to do.
/// None if it has the privilege, or needs none. `root` is `/`, except in tests.
pub(crate) fn forbidden_port(root: &Path, port: u16) -> Option<String> {
    let first =
        read_file(&root.join("proc/sys/net/ipv4/ip_unprivileged_port_start")).unwrap_or_default();
    // Linux has it since 4.11.
    let first = str::from_utf8(first.trim_ascii_end())
        .ok()
        .and_then(|first| first.parse().ok())
        .unwrap_or(1024);
    (port < first && !udp::is_permitted(port)).then(|| {
        format!(
            "UDP port {port} needs privileges: choose one from {first} on with --udp-port, start foghorn as root, \
             or give it CAP_NET_BIND_SERVICE"
        )
    })
}

/// Makes this thread, which must be the only one of the process, run as `user`, if one is given. It
/// keeps only the capabilities that a socket for `udp_port` takes, and cannot get more.
pub(crate) fn drop(user: Option<&User>, udp_port: u16) -> io::Result<()> {
    if let Some(user) = user {
        become_user(user).map_err(|errno| {
            because(
                errno,
                format_args!("cannot become {} (prctl, setgroups, setgid, setuid)", user.name),
                "start foghorn as root, or leave --user out",
            )
        })?;
    }
    drop_capabilities(udp_port).map_err(|errno| {
        because(
            errno,
            format_args!("cannot give up capabilities"),
            "let foghorn use capget, capset and prctl",
        )
    })?;
    let Some(user) = user else { return Ok(()) };
    if user.uid != 0 && thread::set_thread_uid(Uid::ROOT).is_ok() {
        let name = &user.name;
        return Err(failure(
            io::ErrorKind::Other,
            format!("{name} can become root again: choose another user with --user"),
        ));
    }
    info!("running as {}", user.name.as_str());
    Ok(())
}

fn because(errno: Errno, what: fmt::Arguments<'_>, advice: &str) -> io::Error {
    failure(io::ErrorKind::Other, format!("{what}: {}: {advice}", io::Error::from(errno)))
}

/// Changes all users and groups of the thread. The caller must drop its capabilities afterwards.
fn become_user(user: &User) -> Result<(), Errno> {
    thread::set_keep_capabilities(true)?;
    thread::set_thread_groups(&[])?;
    thread::set_thread_gid(Gid::from_raw(user.gid))?;
    thread::set_thread_uid(Uid::from_raw(user.uid))?;
    thread::set_keep_capabilities(false)
}

fn drop_capabilities(udp_port: u16) -> Result<(), Errno> {
    let has = thread::capabilities(None)?;
    // A process without any capability may be forbidden to change them.
    if !(has.permitted | has.inheritable).is_empty() {
        let needed = needed(has.permitted, udp_port)?;
        set(needed, needed)?;
    }
    // A program that this one starts gets no capabilities either, whatever its file says.
    match thread::set_no_new_privs(true) {
        Err(Errno::INVAL) => {
            warn!(
                "this kernel has no PR_SET_NO_NEW_PRIVS (before Linux 3.5): continuing without it"
            );
            Ok(())
        }
        set => set,
    }
}

/// The fewest capabilities with which sockets can be opened: a port below 1024 takes one on most
/// machines, and an interface another before Linux 5.7.
fn needed(permitted: CapabilitySet, udp_port: u16) -> Result<CapabilitySet, Errno> {
    let (port, interface) = (CapabilitySet::NET_BIND_SERVICE, CapabilitySet::NET_RAW);
    for needed in [CapabilitySet::empty(), port, interface, port | interface] {
        if permitted.contains(needed) {
            set(needed, permitted)?;
            if udp::is_permitted(udp_port) {
                return Ok(needed);
            }
        }
    }
    Ok(CapabilitySet::empty())
}

fn set(effective: CapabilitySet, permitted: CapabilitySet) -> Result<(), Errno> {
    // A capability that is not inheritable cannot be ambient either.
    let inheritable = CapabilitySet::empty();
    thread::set_capabilities(None, CapabilitySets { effective, permitted, inheritable })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::scratch::Scratch;

    const LIST: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\
        latin:x:7:8:M\xfcller:/:/bin/false\n\
        \xff:x:9:9::/:\n\
        :x:10:10::/:\n\
        cut:x:11\n\
        words:x:eleven:12::/:\n\
        high:x:4294967295:1::/:\n\
        higher:x:4294967296:1::/:\n\
        less:x:-1:1::/:\n\
        +::::::\n\
        7:x:70:80::/:\n\
        twin:x:7:9::/:\n\
        last:x:100:101";

    #[test]
    fn users_are_found_by_name_and_else_by_number() {
        let found =
            |wanted| User::in_list(LIST, wanted).map(|user| (user.name, user.uid, user.gid));
        for (wanted, name, uid, gid) in [
            ("root", "root", 0, 0),
            ("0", "root", 0, 0),
            ("latin", "latin", 7, 8),
            ("7", "7", 70, 80),
            ("twin", "twin", 7, 9),
            ("100", "last", 100, 101),
        ] {
            assert_eq!(found(wanted), Some((name.to_owned(), uid, gid)), "{wanted}");
        }
        for wanted in [
            "",
            "nobody",
            "9",
            "10",
            "cut",
            "11",
            "words",
            "high",
            "4294967295",
            "higher",
            "less",
            "-1",
            "+",
            "root:x",
        ] {
            assert_eq!(found(wanted), None, "{wanted}");
        }
    }

    #[test]
    fn a_port_that_needs_a_privilege_is_reported() {
        let scratch = Scratch::new("forbidden");
        let root = scratch.to_path_buf();
        let directory = root.join("proc/sys/net/ipv4");
        fs::create_dir_all(&directory).unwrap();
        // Privileges are a thread's own.
        let thread = std::thread::spawn(move || {
            let has = udp::is_permitted(1);
            assert!(!has || forbidden_port(Path::new("/"), 1).is_none());
            let none = CapabilitySet::empty();
            set(none, none).unwrap();
            // Some containers let everybody have every port.
            if udp::is_permitted(1) {
                return;
            }
            let told = |port| forbidden_port(&root, port);
            // Bad ones count as none.
            for text in
                [None, Some(""), Some("many\n"), Some("-1\n"), Some("65536\n"), Some("1024\n")]
            {
                if let Some(text) = text {
                    fs::write(directory.join("ip_unprivileged_port_start"), text).unwrap();
                }
                let complaint = told(1).unwrap();
                assert!(
                    complaint.starts_with("UDP port 1 needs privileges: choose one from 1024 on "),
                    "{complaint}"
                );
                assert_eq!((told(1024), told(65_535)), (None, None), "{text:?}");
            }
            fs::write(directory.join("ip_unprivileged_port_start"), "1\n").unwrap();
            assert_eq!(told(1), None);
        });
        thread.join().unwrap();
    }

    #[test]
    fn as_little_is_kept_as_sockets_take() {
        for port in [1, 21_025] {
            // Privileges are a thread's own.
            let thread = std::thread::spawn(move || {
                let (could, before) =
                    (udp::is_permitted(port), thread::capabilities(None).unwrap());
                drop(None, port).unwrap();
                let (can, after) = (udp::is_permitted(port), thread::capabilities(None).unwrap());
                assert_eq!(can, could, "{port}");
                assert!(before.permitted.contains(after.permitted), "{before:?} {after:?}");
                assert_eq!(
                    (after.effective, after.inheritable),
                    (after.permitted, CapabilitySet::empty())
                );
                assert!(thread::no_new_privs().unwrap());
                for one in after.permitted {
                    set(after.permitted - one, after.permitted).unwrap();
                    assert!(!udp::is_permitted(port), "{one:?} is not needed for {port}");
                }
            });
            thread.join().unwrap();
        }
    }
}
