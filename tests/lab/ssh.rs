//! OpenSSH and rsync reach a node by its name through `foghorn connect`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{Daemon, FOGHORN, skip, to_run, tool};
use crate::lan::{Host, Lan};
use crate::links::{start, wait_for};
use crate::server::Server;

/// The parts of OpenSSH, and keys. All files belong to the test.
struct Ssh {
    server: PathBuf,
    client: PathBuf,
    keygen: PathBuf,
}

impl Ssh {
    fn new() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            skip("only root can run an OpenSSH server");
            return None;
        }
        Some(Self {
            server: tool::find("sshd", "openssh-server")?,
            client: tool::find("ssh", "openssh-client")?,
            keygen: tool::find("ssh-keygen", "openssh-client")?,
        })
    }

    /// A new pair of keys: the path of the private one, and the public one.
    fn key(&self, host: &Host<'_>, name: &str) -> (PathBuf, String) {
        let path = host.path(name);
        tool::output(
            Command::new(&self.keygen).args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path),
        );
        (path, fs::read_to_string(host.path(&format!("{name}.pub"))).unwrap())
    }

    /// A server at port 22 that accepts that public key.
    fn serve(&self, host: &Host<'_>, host_key: &Path, let_in: &str) -> Server {
        let [config, authorized] = ["sshd_config", "authorized"].map(|name| host.path(name));
        fs::write(&authorized, let_in).unwrap();
        let lines = [
            format!("HostKey {}", host_key.display()),
            format!("AuthorizedKeysFile {}", authorized.display()),
            "ListenAddress 0.0.0.0".into(),
            "PermitRootLogin yes".into(),
            "StrictModes no".into(),
            "UsePAM no".into(),
            "PidFile none".into(),
        ];
        fs::write(&config, lines.join("\n") + "\n").unwrap();
        // It needs a directory in /run, which is created in a private mount namespace.
        let mut command = host.command("unshare");
        command.args([
            "-m",
            "sh",
            "-c",
            "mount -t tmpfs none /run && mkdir /run/sshd && exec \"$@\"",
            "sh",
        ]);
        command.arg(&self.server);
        let arguments = ["-D", "-e", "-f", config.to_str().unwrap()];
        Server::start(command, &arguments, "Server listening on 0.0.0.0 port 22")
    }

    /// The user's `.ssh/config`: it reaches `nas` through the daemon.
    fn configure(host: &Host<'_>, daemon: &Daemon, key: &Path, known_hosts: &Path) -> PathBuf {
        let (program, arguments) = to_run(FOGHORN);
        let foghorn = [&[program], &arguments[..]].concat().join(" ");
        let config = host.path("ssh_config");
        let lines = [
            format!("ProxyCommand {foghorn} connect --control {} %h", daemon.control.display()),
            "User root".into(),
            format!("IdentityFile {}", key.display()),
            "IdentitiesOnly yes".into(),
            "BatchMode yes".into(),
            "StrictHostKeyChecking yes".into(),
            format!("UserKnownHostsFile {}", known_hosts.display()),
            "GlobalKnownHostsFile /dev/null".into(),
        ];
        fs::write(&config, lines.join("\n") + "\n").unwrap();
        config
    }

    /// Runs a command on `nas`.
    fn run(&self, host: &Host<'_>, config: &Path, command: &str) -> Command {
        let mut ssh = host.command(&self.client);
        ssh.arg("-F").arg(config).args(["nas", command]).stdin(Stdio::null());
        ssh
    }
}

/// Files of some megabytes, one in a directory of its own.
fn fill(directory: &Path) {
    fs::create_dir_all(directory.join("deeper")).unwrap();
    let mut state = 1_u32;
    let mut bytes = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()
    };
    for name in ["a", "b", "deeper/c"] {
        let content: Vec<u8> = (0..400_000).flat_map(|_| bytes()).collect();
        fs::write(directory.join(name), content).unwrap();
    }
    fs::write(directory.join("empty"), "").unwrap();
}

#[test]
fn ssh_and_rsync_reach_a_node_by_its_name_even_after_it_has_moved() {
    let (Some(ssh), Some(rsync)) = (Ssh::new(), tool::find("rsync", "rsync")) else { return };
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let (key, public) = ssh.key(&first, "key");
    let (host_key, host_public) = ssh.key(&second, "host_key");
    let _server = ssh.serve(&second, &host_key, &public);
    let known_hosts = first.path("known_hosts");
    fs::write(&known_hosts, format!("nas {host_public}")).unwrap();

    let pi = start(&first, "pi");
    let nas = start(&second, "nas");
    wait_for(&pi, "nas");
    let config = Ssh::configure(&first, &pi, &key, &known_hosts);
    tool::output(&mut ssh.run(&first, &config, "true"));
    let told = tool::output(&mut ssh.run(&first, &config, "echo $SSH_CONNECTION"));
    assert!(told.ends_with(" 198.18.0.2 22\n"), "{told}");

    // The same works on the machine itself.
    let config_there = Ssh::configure(&second, &nas, &key, &known_hosts);
    let told = tool::output(&mut ssh.run(&second, &config_there, "echo $SSH_CONNECTION"));
    assert!(told.starts_with("198.18.0.2 ") && told.ends_with(" 198.18.0.2 22\n"), "{told}");
    assert_eq!(nas.ask(&["lookup", "--all", "nas"]).out, "198.18.0.2:22\n");

    second.ip("addr flush dev eth0");
    nas.ask_until(&["lookup", "nas"], |ended| ended.code == 1);
    let nowhere = nas.ask(&["connect", "nas"]);
    assert!(nowhere.err.contains("has no address now: see foghorn status"), "{nowhere:?}");
    second.ip("addr add 198.18.0.77/24 dev eth0");
    pi.ask_until(&["lookup", "--host", "nas"], |ended| ended.out == "198.18.0.77\n");
    let told = tool::output(&mut ssh.run(&first, &config, "echo $SSH_CONNECTION"));
    assert!(told.ends_with(" 198.18.0.77 22\n"), "{told}");

    let [from, to] = [first.path("from"), second.path("to")];
    fill(&from);
    let mut copy = first.command(rsync);
    copy.env("RSYNC_RSH", format!("{} -F {}", ssh.client.display(), config.display()));
    tool::output(copy.arg("-r").arg(from.join("")).arg(format!("nas:{}", to.display())));
    tool::output(Command::new("diff").arg("-r").args([&from, &to]));
    assert_eq!(fs::metadata(to.join("deeper/c")).unwrap().len(), 1_600_000);

    // A host that answers for the name must have its key.
    fs::write(&known_hosts, format!("nas {public}")).unwrap();
    let refused = ssh.run(&first, &config, "true").output().unwrap();
    assert_eq!(refused.status.code(), Some(255));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Host key verification failed"));
}
