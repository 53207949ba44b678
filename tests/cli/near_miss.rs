//! Typing errors, and suggestions.

use crate::common::run;
use crate::{Loopback, assert_failed};

/// A command line as typed, without quotes in it, and the suggestion.
type Typed = (&'static str, &'static str);

const COMMANDS: &[Typed] = &[
    ("", "no command given; try foghorn --help"),
    ("lokup nas", "there is no command lokup: did you mean foghorn lookup nas? See foghorn --help"),
    ("help lokup", "did you mean foghorn lookup"),
    ("Status", "did you mean foghorn status?"),
    ("--list", "did you mean foghorn list?"),
    ("--status", "did you mean foghorn status?"),
    ("--lookup nas", "did you mean foghorn lookup nas?"),
    ("/list", "did you mean foghorn list?"),
    ("start", "foghorn run, systemctl start foghorn or service foghorn start"),
    ("daemon", "foghorn run"),
    ("--daemon", "foghorn run"),
    ("-d", "foghorn run"),
    ("serve", "foghorn run"),
    ("server", "foghorn run"),
    ("stop", "systemctl stop foghorn or service foghorn stop"),
    ("kill", "systemctl stop foghorn"),
    ("restart", "systemctl restart foghorn or service foghorn restart"),
    ("reload", "systemctl reload foghorn or service foghorn reload"),
    ("enable", "systemctl enable foghorn"),
    ("disable", "systemctl disable foghorn"),
    ("version", "foghorn --version"),
    ("-v", "foghorn --version"),
    ("--verson", "foghorn --version"),
    ("-?", "foghorn --help"),
    ("/?", "foghorn --help"),
    ("h", "foghorn --help"),
    ("man", "foghorn --help"),
    ("usage", "foghorn --help"),
    ("--hlep", "foghorn --help"),
    ("ls", "foghorn list?"),
    ("-l", "foghorn list?"),
    ("nodes", "foghorn list?"),
    ("devices", "foghorn list?"),
    ("show", "foghorn list?"),
    ("ps", "foghorn list?"),
    ("discover", "foghorn list?"),
    ("scan", "foghorn list?"),
    ("json", "foghorn list --json?"),
    ("html", "foghorn list --html?"),
    ("metrics", "foghorn status --metrics?"),
    ("info", "foghorn status?"),
    ("check", "foghorn doctor?"),
    ("monitor", "foghorn watch?"),
    ("follow", "foghorn watch?"),
    ("config", "foghorn run --help?"),
    ("log", "journalctl -u foghorn or logread -e foghorn"),
    ("find nas", "foghorn lookup nas?"),
    ("get nas", "foghorn lookup nas?"),
    ("resolve nas", "foghorn lookup nas?"),
    ("where nas", "foghorn lookup nas?"),
    ("host nas", "foghorn lookup nas?"),
    ("ssh nas", "ssh -o ProxyCommand='foghorn connect %h' nas?"),
    ("ping nas", "ping \"$(foghorn lookup --host nas)\"?"),
    ("ping", "ping \"$(foghorn lookup --host NODE)\"?"),
    ("telnet nas", "foghorn connect nas?"),
    ("announce nas:22", "foghorn run --announce nas:22?"),
    ("--verbose", "foghorn run --log debug?"),
    ("--debug", "foghorn run --log debug?"),
    ("--name x", "foghorn run --id?"),
    ("-p 22", "foghorn run --port?"),
    ("-i eth0", "foghorn run --id or --interval or --interface?"),
    ("-id nas", "foghorn run --id nas?"),
    ("--id nas --port 22", "foghorn run --id nas --port 22?"),
    ("--port=22", "foghorn run --port=22?"),
    ("--json list", "options go behind the command: did you mean foghorn list --json?"),
    ("--json lookup nas", "options go behind the command: did you mean foghorn lookup --json nas?"),
    ("--control /x list --html", "did you mean foghorn list --control /x --html?"),
    ("--control=/x status", "did you mean foghorn status --control=/x?"),
    ("--wait 3 lookup nas", "did you mean foghorn lookup --wait 3 nas?"),
    ("--frobnicate", "there is no option --frobnicate; see foghorn --help"),
    ("frobnicate", "there is no command frobnicate; see foghorn --help"),
    ("--json frobnicate", "did you mean foghorn list --json?"),
    ("-", "see foghorn --help"),
    ("-- list", "see foghorn --help"),
];

const OPTIONS: &[Typed] = &[
    ("list --jsn", "there is no option --jsn: did you mean --json? See foghorn list --help"),
    ("lookup nas --wiat 3", "did you mean --wait? See foghorn lookup --help"),
    ("lookup nas --timeout 3", "did you mean --wait?"),
    ("lookup nas -w 3", "did you mean --wait?"),
    ("connect --contorl x nas", "did you mean --control?"),
    ("status --socket x", "did you mean --control?"),
    ("doctor --port 3", "did you mean --udp-port?"),
    ("run -id nas", "there is no option -i: did you mean --id or"),
    ("run -port 22", "there is no option -p: did you mean --port?"),
    ("run -p 22", "did you mean --port?"),
    ("run --name x", "there is no option --name: did you mean --id? See foghorn run --help"),
    ("run --hostname x", "did you mean --id?"),
    ("run --iface eth0", "did you mean --interface?"),
    ("run --verbose", "did you mean --log debug?"),
    ("run -v", "did you mean --log debug?"),
    ("run --quiet", "did you mean --log error?"),
    ("run --daemon", "did you mean foghorn run,"),
    ("list --watch", "did you mean foghorn watch?"),
    ("list --frobnicate", "there is no option --frobnicate; see foghorn list --help"),
    ("list --json --html", "use either --json or --html"),
    ("status --json=yes", "--json takes no value: leave =yes out"),
    ("lookup --host=nas", "--host takes no value: leave =nas out"),
];

const VALUES: &[Typed] = &[
    ("run --id --port 22", "--id needs a name; see foghorn run --help"),
    ("run --port --id nas", "--port needs a port"),
    ("run --announce --json", "--announce needs a node:port"),
    ("run --expect --state x", "--expect needs a name"),
    ("run --interval --log info", "--interval needs a number of seconds"),
    ("run --interface --port 22", "--interface needs a pattern"),
    ("run --allow --port 22", "--allow needs a network"),
    ("run --udp-port --port 22", "--udp-port needs a port"),
    ("run --log --log-to x", "--log needs a level"),
    ("run --log-to --log info", "--log-to needs a path"),
    ("run --control --json", "--control needs a path"),
    ("run --state --expect nas", "--state needs a file"),
    ("run --user --state x", "--user needs a name"),
    ("run --id --", "--id needs a name"),
    ("run --id", "--id needs a name"),
    ("lookup nas --wait --json", "--wait needs a number of seconds"),
    ("list --control --json", "--control needs a path; see foghorn list --help"),
    ("watch --control --exec true", "--control needs a path"),
    ("hosts --exclude --follow x", "--exclude needs a pattern"),
    ("hosts --follow --exec true", "--follow needs a file"),
    ("hosts --keep-out --follow x", "--keep-out needs a file"),
    ("status --control --metrics", "--control needs a path"),
    ("connect --control --help", "--control needs a path"),
    ("doctor --udp-port --control x", "--udp-port needs a port"),
    ("run --port=ssh", "a whole number from 1 to 65535, not \"ssh\""),
    ("run --port 22/tcp", "did you mean --port 22?"),
    ("run --port 70000", "1 to 65535, not \"70000\""),
    ("run --interval 30s", "did you mean --interval 30?"),
    ("run --interval 0.5", "a whole number from 1 to 3600"),
    ("run --interval=", "a whole number from 1 to 3600"),
    ("run --interface eth0,eth1", "like --interface eth0 --interface eth1"),
    ("run --allow 10.0.0.0/255.0.0.0", "like 10.0.0.0/8"),
    ("run --log verbose", "error, warn, info, debug or trace"),
    ("run --user 4294967294", "no user \"4294967294\""),
    ("lookup nas --wait 5s", "like 10 or 0.5"),
    ("lookup nas --wait=", "like 10 or 0.5"),
    ("run --announce nas 22", "like nas:22, not \"nas\""),
    ("run --announce :22", "NODE:PORT"),
    (
        "run --announce http://nas:80",
        "\"http://nas\" is a URL, not a node's name: did you mean --announce nas:80?",
    ),
    ("run --announce http://nas", "like nas:22, not \"http://nas\""),
    ("run --announce nas:22:80", "did you mean --announce nas:80?"),
    ("run --announce 198.18.7.3:22", "\"198.18.7.3\" is an address, not a node's name"),
    ("run --id nas:22", "did you mean --id nas --port 22?"),
    ("run --id nas:22 --port 22", "did you mean --id nas --port 22?"),
    ("run --id ssh://pi@nas:22/", "did you mean --id nas"),
    ("run --id 198.18.7.3 --port 22", "is an address"),
    ("run --id nas", "--id needs --port: add the port of the node, like --port 22"),
    ("run --expect nas:22", "did you mean --expect nas?"),
    ("run --expect http://nas/", "did you mean --expect nas?"),
    ("run --expect 198.18.7.3", "is an address"),
    ("run --expect fe80::1", "is an address"),
];

const ARGUMENTS: &[Typed] = &[
    (
        "list nas",
        "unexpected argument \"nas\": did you mean foghorn lookup nas? See foghorn list --help",
    ),
    ("watch nas", "did you mean foghorn lookup nas? See foghorn watch --help"),
    ("hosts nas", "did you mean foghorn lookup nas?"),
    ("status nas", "did you mean foghorn lookup nas?"),
    ("doctor nas", "did you mean foghorn lookup nas?"),
    ("list json", "did you mean --json?"),
    ("list watch", "did you mean foghorn watch?"),
    ("status metrics", "did you mean --metrics?"),
    ("hosts follow x", "did you mean --follow?"),
    ("lookup", "no node given; try foghorn lookup NODE"),
    ("connect", "no node given; try foghorn connect NODE"),
    (
        "lookup nas tv",
        "unexpected argument \"tv\": lookup takes one node, and foghorn list shows all; see foghorn lookup --help",
    ),
    ("connect nas 22", "connect takes one node"),
    ("lookup all nas", "did you mean --all?"),
    ("lookup host nas", "did you mean --host?"),
    ("lookup nas json", "did you mean --json?"),
    ("lookup nas wait 5", "did you mean --wait?"),
    ("run nas", "did you mean --id nas? Its port goes behind --port"),
    ("run --port 22 nas", "did you mean --id nas?"),
    ("run nas:22", "did you mean --announce nas:22?"),
    ("run 22", "did you mean --port 22?"),
    ("run port 22", "did you mean --port 22?"),
    ("run id nas", "did you mean --id nas?"),
    ("run announce nas:22", "did you mean --announce nas:22?"),
    ("run expect nas", "did you mean --expect nas?"),
    ("run interval 30", "did you mean --interval 30?"),
    ("run interface eth0", "did you mean --interface eth0?"),
    ("run allow 10.0.0.0/8", "did you mean --allow 10.0.0.0/8?"),
    ("run udp-port 21025", "did you mean --udp-port 21025?"),
    ("run log debug", "did you mean --log debug?"),
    ("run log-to x", "did you mean --log-to x?"),
    ("run control x", "did you mean --control x?"),
    ("run state x", "did you mean --state x?"),
    ("run user nobody", "did you mean --user nobody?"),
    ("run port", "did you mean --port?"),
];

#[test]
fn a_typing_error_gets_a_suggestion() {
    for table in [COMMANDS, OPTIONS, VALUES, ARGUMENTS] {
        for (line, says) in table {
            let words: Vec<_> = line.split_ascii_whitespace().collect();
            let ended = run(&words);
            assert_failed(&ended, 2, says);
            assert!(!ended.err.contains("COMMAND"), "{ended:?}");
        }
    }
}

#[test]
fn a_wrong_word_is_shown_safely_even_if_it_is_long() {
    let long = "x".repeat(100_000);
    for (arguments, says) in [
        (&["\x1b[2J"][..], "there is no command ?[2J"),
        (&["ping", "na\ns"], "--host na?s"),
        (&["--json", "list", "\x1b"], "foghorn list --json ?"),
        (&["run", "port", "\x07"], "--port ?"),
        (&["list", "a\u{9b}2J"], "\"a?2J\""),
        (&["list", "--\x1b"], "there is no option --?"),
        (&["list", "--json=\x1b"], "leave =? out"),
        (&[""], "see foghorn --help"),
        (&["list", ""], "unexpected argument \"\""),
        (&["run", ""], "did you mean"),
        (&[&long], "see foghorn --help"),
        (&["lookup", "a", &long], "takes one node"),
        (&["list", &format!("--{}", "json".repeat(10_000))], "json"),
    ] {
        assert_failed(&run(arguments), 2, says);
    }
}

#[test]
fn help_takes_a_command() {
    assert_eq!(run(&["help", "lookup"]).out, run(&["lookup", "--help"]).out);
    assert_eq!(run(&["help", "help"]).out, run(&["--help"]).out);
    assert_eq!(run(&["lookup", "--help", "nas"]).out, run(&["lookup", "--help"]).out);
    assert_eq!(run(&["-h", "nas"]).out, run(&["--help"]).out);
}

#[test]
fn a_value_with_dashes_needs_an_equals_sign() {
    let loopback = Loopback::new(&["--id=--x", "--port=22", "--expect=--y"]);
    assert_eq!(loopback.daemon.status()["expected"][0]["id"], "--y");
    assert_failed(&loopback.daemon.ask(&["lookup", "--", "--z"]), 1, "--z is not known");
}

#[test]
fn an_unknown_node_gets_a_suggestion() {
    let loopback = Loopback::new(&[]);
    let unknown = loopback.daemon.ask(&["lookup", "nas"]);
    assert_failed(&unknown, 1, "nas is not known: foghorn list shows the known nodes");
    loopback.hear("nas", 22);
    for (line, says) in [
        ("lookup nsa", "nsa is not known: did you mean nas?"),
        ("lookup NAS", "NAS is not known: did you mean nas?"),
        ("lookup na", "na is not known: did you mean nas?"),
        ("lookup nas.local", "nas.local is not known: did you mean nas?"),
        ("lookup nas.lan", "did you mean nas?"),
        ("lookup nas.fritz.box", "did you mean nas?"),
        ("lookup --wait 0 nsa", "nsa is not known: did you mean nas?"),
        ("connect nsa", "nsa is not known: did you mean nas?"),
        ("lookup nas:22", "nas:22 is not known: that is a name and a port: did you mean nas?"),
        ("lookup http://nas", "that is a URL: did you mean nas?"),
        ("lookup ssh://pi@nas:22/home", "that is a URL: did you mean nas?"),
        ("lookup pi@nas", "that is a user and a name: did you mean nas?"),
        ("connect pi@nas", "that is a user and a name: did you mean nas?"),
        ("connect pi@nas.local:22", "did you mean nas?"),
        ("lookup 127.0.0.1", "that is an address: did you mean nas?"),
        ("lookup 127.0.0.1:22", "that is an address: did you mean nas?"),
        ("connect 127.0.0.1", "that is an address: did you mean nas?"),
        ("lookup 198.18.7.3", "that is an address: foghorn list shows the known nodes"),
        ("lookup fe80::1", "that is an address: foghorn list shows the known nodes"),
        ("lookup http://printer/", "that is a URL: foghorn list shows the known nodes"),
    ] {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        assert_failed(&loopback.daemon.ask(&words), 1, says);
    }
    for word in ["nas", "nas:22", "http://nas"] {
        assert_failed(
            &loopback.daemon.ask(&[word]),
            2,
            &format!("there is no command {word}: did you mean foghorn lookup nas?"),
        );
    }
}

#[test]
fn a_node_with_an_odd_name_is_found() {
    let loopback = Loopback::new(&[]);
    for id in ["urn:nas:22", "http://nas", "198.18.7.3", "pi@nas", "all", "json"] {
        loopback.hear(id, 9);
        assert_eq!(loopback.daemon.ask(&["lookup", id]).out, "127.0.0.1:9\n", "{id}");
    }
}
