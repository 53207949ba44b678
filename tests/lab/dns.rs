//! DNS names for nodes: dnsmasq reads the file that `hosts --follow` writes.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use crate::common::{TIMEOUT, tool};
use crate::lan::{Host, Lan};
use crate::server::Server;

/// A router with dnsmasq, and a host that asks it.
struct Resolver<'a> {
    dnsmasq: Server,
    client: &'a Host<'a>,
    dig: &'a PathBuf,
}

/// The paths of dnsmasq and dig.
fn tools() -> Option<[PathBuf; 2]> {
    Some([tool::find("dnsmasq", "dnsmasq-base")?, tool::find("dig", "bind9-dnsutils")?])
}

impl<'a> Resolver<'a> {
    /// Starts dnsmasq on the router, without the machine's own files, and with that option.
    fn start(
        [dnsmasq, dig]: &'a [PathBuf; 2],
        router: &Host<'_>,
        client: &'a Host<'a>,
        option: &str,
    ) -> Self {
        let mut arguments: Vec<_> = "--no-daemon --port=53 --no-resolv --no-hosts --user=root --group=root --pid-file= --conf-file=/dev/null"
            .split(' ')
            .collect();
        arguments.push(option);
        let dnsmasq = Server::start(router.command(dnsmasq), &arguments, "started, version");
        Self { dnsmasq, client, dig }
    }

    /// The output of dig for a query by the client.
    fn dig(&self, question: &str) -> String {
        let mut dig = self.client.command(self.dig);
        tool::output(
            dig.args(["+short", "+tries=3", "+time=5", "@198.18.0.1"]).args(question.split(' ')),
        )
    }

    /// Asks until it gets that answer.
    fn wait_for(&self, question: &str, expected: &str) {
        let begin = Instant::now();
        loop {
            let answer = self.dig(question);
            if answer == expected {
                return;
            }
            assert!(
                begin.elapsed() < TIMEOUT,
                "{question} is still {answer:?} and not {expected:?}"
            );
        }
    }
}

/// The node `nas` appears, moves and disappears.
fn tell_the_story_of_nas(lan: &Lan, resolver: &Resolver<'_>) {
    assert_eq!(resolver.dig("nas"), "");
    let host = lan.host(2);
    let arguments =
        ["--id", "NAS", "--port", "22", "--announce", "www.bank.example:443", "--interval", "1"];
    let mut nas = host.daemon(&arguments);
    resolver.wait_for("nas", "198.18.0.2\n");
    resolver.wait_for("-x 198.18.0.2", "nas.\n");
    assert_eq!(resolver.dig("www.bank.example"), "");

    host.ip("addr flush dev eth0");
    host.ip("addr add 198.18.0.77/24 dev eth0");
    resolver.wait_for("nas", "198.18.0.77\n");
    resolver.wait_for("-x 198.18.0.2", "");

    nas.crash();
    resolver.wait_for("nas", "");
}

#[test]
fn dnsmasq_answers_for_a_node_from_its_hostsdir() {
    let (Some(tools), Some(lan)) = (tools(), Lan::new()) else { return };
    let [router, client] = [1, 3].map(|number| lan.host(number));
    let directory = router.path("hostsdir");
    fs::create_dir(&directory).unwrap();
    let option = format!("--hostsdir={}", directory.display());
    let resolver = Resolver::start(&tools, &router, &client, &option);
    let daemon = router.daemon(&["--interval", "1"]);
    let file = directory.join("foghorn");
    let _follower = daemon.watch(&["hosts", "--follow", file.to_str().unwrap()]);
    tell_the_story_of_nas(&lan, &resolver);
    // It read that file and no temporary file of foghorn.
    let log = resolver.dnsmasq.log.seen();
    let read: Vec<_> = log.iter().filter(|line| line.starts_with("dnsmasq: read ")).collect();
    assert!(read.iter().all(|line| line.contains("hostsdir/foghorn ")), "{read:#?}");
}

#[test]
fn dnsmasq_answers_for_a_node_from_addn_hosts_after_a_reload() {
    let (Some(tools), Some(lan)) = (tools(), Lan::new()) else { return };
    let [router, client] = [1, 3].map(|number| lan.host(number));
    let file = router.path("hosts");
    let option = format!("--addn-hosts={}", file.display());
    let resolver = Resolver::start(&tools, &router, &client, &option);
    let daemon = router.daemon(&["--interval", "1"]);
    let look = format!("kill -HUP {}", resolver.dnsmasq.pid());
    let _follower =
        daemon.watch(&["hosts", "--follow", file.to_str().unwrap(), "--exec", "sh", "-c", &look]);
    tell_the_story_of_nas(&lan, &resolver);
}
