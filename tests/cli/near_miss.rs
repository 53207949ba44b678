//! Typing errors, and what was meant.

use crate::common::run;
use crate::{Loopback, assert_failed};

#[test]
fn what_was_meant_is_asked_for() {
    for (arguments, says) in [
        (&["lokup", "nas"][..], "there is no command lokup: did you mean lookup? See foghorn --help"),
        (&["help", "lokup"], "did you mean lookup?"),
        (&["Status"], "did you mean status?"),
        (&["list", "--jsn"], "there is no option --jsn: did you mean --json?"),
        (&["lookup", "nas", "--wiat", "3"], "did you mean --wait?"),
        (&["connect", "--contorl", "x", "nas"], "did you mean --control?"),
        (&["run", "-id", "nas"], "there is no option -i: did you mean --id?"),
        (&["run", "-p", "22"], "there is no option -p: did you mean --port?"),
        (&["run", "--port", "22", "nas"], "did you mean --id nas?"),
        (&["-v"], "did you mean --version?"),
    ] {
        assert_failed(&run(arguments), 2, says);
    }
}

#[test]
fn what_comes_near_nothing_is_answered_by_the_help() {
    for (arguments, says) in [
        (&["--json", "list"][..], "there is no option --json; see foghorn COMMAND --help"),
        (&["list", "--frobnicate"], "there is no option --frobnicate; see foghorn COMMAND --help"),
        (&["lookup", "nas", "pi"], "unexpected argument \"pi\"; see foghorn COMMAND --help"),
        (&["frobnicate"], "there is no command frobnicate; see foghorn --help"),
        (&[&"x".repeat(100_000)], "see foghorn --help"),
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
}

#[test]
fn a_node_that_is_not_known_may_be_another_one() {
    let loopback = Loopback::new(&[]);
    let unknown = loopback.daemon.ask(&["lookup", "nas"]);
    assert_failed(&unknown, 1, "nas is not known: foghorn list shows who is");
    loopback.hear("nas", 22);
    for arguments in [
        &["lookup", "nsa"][..],
        &["lookup", "NAS"],
        &["lookup", "nas:22"],
        &["lookup", "nas.local"],
        &["lookup", "na"],
        &["lookup", "--wait", "0", "nsa"],
        &["connect", "nsa"],
    ] {
        let says = format!("{} is not known: did you mean nas?", arguments.last().unwrap());
        assert_failed(&loopback.daemon.ask(arguments), 1, &says);
    }
    assert_failed(
        &loopback.daemon.ask(&["nas"]),
        2,
        "there is no command nas: did you mean foghorn lookup nas?",
    );
}
