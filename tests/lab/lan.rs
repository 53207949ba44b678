//! A LAN: a bridge in a network namespace, and hosts in other namespaces, each with a cable to it.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::common::{Daemon, Directory, Ended, FOGHORN, TIMEOUT, skip, to_run};
use crate::peer::Peer;
use crate::role::Role;

/// A network namespace, held open by a process that waits for its input to end.
struct Namespace {
    holder: Child,
}

impl Namespace {
    /// A namespace made by the given command: `unshare`, run in the parent namespace.
    fn new(mut unshare: Command) -> Option<Self> {
        // The process prints a line once it is inside, and exits at the end of its standard input:
        // even if the test crashes.
        unshare.args(["sh", "-c", "echo ready; exec cat"]);
        let mut holder = unshare
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let lines = crate::common::Lines::of(holder.stdout.take()?);
        let namespace = Self { holder };
        (lines.first().as_deref() == Some("ready")).then_some(namespace)
    }

    /// A command that runs in the namespace.
    fn enter(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.holder.id()));
        if !nix::unistd::geteuid().is_root() {
            command
                .arg(format!("--user=/proc/{}/ns/user", self.holder.id()))
                .arg("--preserve-credentials");
        }
        command.arg(program);
        command
    }

    /// A command that runs a program of this build in the namespace.
    fn enter_built(&self, program: &str) -> Command {
        let (program, arguments) = to_run(program);
        let mut command = self.enter(&program);
        command.args(arguments);
        command
    }

    fn enter_this_program(&self) -> Command {
        self.enter_built(&std::env::current_exe().unwrap().to_string_lossy())
    }

    fn run(&self, program: &str, arguments: &str) {
        assert!(self.try_run(program, arguments), "{program} {arguments} failed");
    }

    fn try_run(&self, program: &str, arguments: &str) -> bool {
        let status = self.enter(program).args(arguments.split(' ')).stdin(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// Waits until the kernel has noticed that an interface has a link.
    fn wait_for_link(&self, interface: &str) {
        let begin = Instant::now();
        let is_up = || {
            let shown = self
                .enter("ip")
                .args(["-oneline", "link", "show", "dev", interface])
                .output()
                .unwrap();
            String::from_utf8_lossy(&shown.stdout).contains("state UP")
        };
        while !is_up() {
            assert!(begin.elapsed() < TIMEOUT, "{interface} has no link");
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A bridge with a port for each host.
pub(crate) struct Lan {
    switch: Namespace,
    directory: Directory,
    cables: AtomicU32,
}

/// A host on one or more LANs.
pub(crate) struct Host<'a> {
    namespace: Namespace,
    directory: &'a Directory,
    number: u8,
}

impl Lan {
    /// None where this machine can't make namespaces; a message has then been printed.
    pub(crate) fn new() -> Option<Self> {
        let mut unshare = Command::new("unshare");
        unshare.arg(if nix::unistd::geteuid().is_root() { "-n" } else { "-Urn" });
        let Some(switch) = Namespace::new(unshare).filter(|switch| add_bridge(switch, "lan"))
        else {
            skip("this machine can't make network namespaces with a bridge (unshare, nsenter, ip)");
            return None;
        };
        Some(Self { switch, directory: Directory::new(), cables: AtomicU32::new(0) })
    }

    /// A second LAN for hosts of this one.
    pub(crate) fn another(&self) -> OtherLan<'_> {
        assert!(add_bridge(&self.switch, "lan2"), "a second bridge can be made like the first");
        OtherLan(self)
    }

    /// A host with the address 198.18.0.NUMBER on eth0, at the port portNUMBER, without a route
    /// beyond.
    pub(crate) fn host(&self, number: u8) -> Host<'_> {
        self.host_on("lan", number)
    }

    /// A host with no interface but loopback.
    pub(crate) fn bare_host(&self, number: u8) -> Host<'_> {
        let mut unshare = self.switch.enter("unshare");
        unshare.arg("-n");
        let namespace = Namespace::new(unshare).expect("a namespace can be made beside the first");
        namespace.run("ip", "link set lo up");
        Host { namespace, directory: &self.directory, number }
    }

    fn host_on(&self, bridge: &str, number: u8) -> Host<'_> {
        let host = self.bare_host(number);
        self.plug_into(
            bridge,
            &host,
            "eth0",
            &format!("port{number}"),
            &format!("198.18.0.{number}/24"),
        );
        host
    }

    /// Gives a host another interface with an address.
    pub(crate) fn plug(&self, host: &Host<'_>, interface: &str, port: &str, address: &str) {
        self.plug_into("lan", host, interface, port, address);
    }

    fn plug_into(&self, bridge: &str, host: &Host<'_>, interface: &str, port: &str, address: &str) {
        // It gets its name in the switch first, where names like eth0 may be in use.
        let end = format!("cable{}", self.cables.fetch_add(1, Ordering::Relaxed));
        self.switch.run("ip", &format!("link add {port} type veth peer name {end}"));
        self.switch.run("ip", &format!("link set {end} netns {}", host.namespace.holder.id()));
        self.switch.run("ip", &format!("link set {port} master {bridge} up"));
        host.ip(&format!("link set {end} name {interface}"));
        host.ip(&format!("link set {interface} up"));
        // A running daemon sends as soon as it has an address.
        self.wait_for_cable(host, interface, port);
        host.ip(&format!("addr add {address} dev {interface}"));
    }

    /// Gives a host its address on an interface with that index; otherwise the kernel chooses one.
    pub(crate) fn plug_numbered(&self, host: &Host<'_>, interface: &str, index: u8, port: &str) {
        host.ip(&format!("link add {interface} index {index} type veth peer name {port}"));
        host.ip(&format!("link set {port} netns {}", self.switch.holder.id()));
        self.switch.run("ip", &format!("link set {port} master lan up"));
        host.ip(&format!("addr add 198.18.0.{}/24 dev {interface}", host.number));
        host.ip(&format!("link set {interface} up"));
        self.wait_for_cable(host, interface, port);
    }

    /// Waits until both ends of a host's cable have a link: earlier datagrams, at either end, are
    /// lost.
    pub(crate) fn wait_for_cable(&self, host: &Host<'_>, interface: &str, port: &str) {
        host.namespace.wait_for_link(interface);
        self.switch.wait_for_link(port);
    }

    /// Cuts the cable of a host in two, and runs an ignored test of this program in between. Its
    /// arguments are the interfaces at the two ends.
    pub(crate) fn splice(&self, host: &Host<'_>, test: &str) -> Role {
        let (port, inner, outer) = (
            format!("port{}", host.number),
            format!("inner{}", host.number),
            format!("outer{}", host.number),
        );
        self.switch.run("ip", &format!("link set {port} nomaster"));
        self.switch.run("ip", &format!("link add {outer} type veth peer name {inner}"));
        self.switch.run("ip", &format!("link set {inner} up"));
        self.switch.run("ip", &format!("link set {outer} master lan up"));
        Role::start(self.switch.enter_this_program(), test, format!("{port} {inner}\n").as_bytes())
    }

    /// Runs `ip` in the switch.
    pub(crate) fn ip(&self, arguments: &str) {
        self.switch.run("ip", arguments);
    }
}

/// Makes a bridge that forwards at once. It has no address, which would make it a host.
fn add_bridge(switch: &Namespace, name: &str) -> bool {
    switch.try_run("ip", &format!("link add {name} type bridge forward_delay 0"))
        && switch.try_run("ip", &format!("link set {name} up"))
}

/// A second bridge in the same switch.
pub(crate) struct OtherLan<'a>(&'a Lan);

impl OtherLan<'_> {
    pub(crate) fn host(&self, number: u8) -> Host<'_> {
        self.0.host_on("lan2", number)
    }

    pub(crate) fn plug(&self, host: &Host<'_>, interface: &str, port: &str, address: &str) {
        self.0.plug_into("lan2", host, interface, port, address);
    }
}

impl Host<'_> {
    /// Runs `ip` there.
    pub(crate) fn ip(&self, arguments: &str) {
        self.namespace.run("ip", arguments);
    }

    /// Runs `ip` there with many lines of arguments.
    pub(crate) fn ip_batch(&self, lines: &str) {
        let path = self.path("batch");
        std::fs::write(&path, lines).unwrap();
        assert!(self.namespace.enter("ip").arg("-batch").arg(path).status().unwrap().success());
    }

    /// Whether a command succeeds there.
    pub(crate) fn try_run(&self, program: &str, arguments: &str) -> bool {
        self.namespace.try_run(program, arguments)
    }

    /// A command that runs there.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.namespace.enter(program)
    }

    /// The path of a file of this host.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path(&format!("{}.{name}", self.number))
    }

    /// Runs foghorn there.
    pub(crate) fn daemon(&self, arguments: &[&str]) -> Daemon {
        let mut command = self.namespace.enter_built(FOGHORN);
        command.env_remove("FOGHORN_LOG");
        let control = self.path("sock");
        Daemon::start_with(command, &control, arguments)
    }

    /// Runs foghorn there and waits for its end.
    pub(crate) fn foghorn(&self, arguments: &[&str]) -> Ended {
        let mut command = self.namespace.enter_built(FOGHORN);
        command.args(arguments).env("FOGHORN_CONTROL", self.path("sock")).output().unwrap().into()
    }

    /// Runs a node there that sends recorded bytes.
    pub(crate) fn peer(&self, datagram: &[u8]) -> Peer {
        Peer::start(self.namespace.enter_this_program(), datagram)
    }

    /// Runs an ignored test of this program there.
    pub(crate) fn role(&self, test: &str, input: &str) -> Role {
        Role::start(self.namespace.enter_this_program(), test, input.as_bytes())
    }
}
