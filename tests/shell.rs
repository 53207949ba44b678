//! The parser, the manual page and the shell completions agree with the options in the help texts,
//! and the completions do no harm.

#![expect(clippy::unwrap_used, reason = "a test must fail on the unexpected")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{
    Daemon, Directory, FOGHORN, NO_DAEMON, announcement, commands, free_udp_port, run, to_run, tool,
};

const MANUAL: &str = include_str!("../cross/man/foghorn.1");
const FISH_COMPLETION: &str = include_str!("../cross/completions/foghorn.fish");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Prints the text that bash would insert for each line, without the quotes, and then a space,
/// which no word contains.
const BASH: &str = r#"
    source "$0"
    # What bash completes by itself, where it is told to.
    compopt() { mapfile -t COMPREPLY < <(compgen -f -- "$typed"); }
    COMP_WORDBREAKS=$' \t\n"\'@><=;|&(:'
    for COMP_LINE in "$@"; do
        COMP_POINT=${#COMP_LINE}
        _foghorn
        for reply in "${COMPREPLY[@]}"; do
            # As when the line is run. What bash keeps of a word that is cut at a colon comes before it.
            typed=${COMP_LINE##* }
            case $typed in *:*) reply=${typed%:*}:$reply ;; esac
            eval "words=($reply)"
            printf '%s\n' "${words[@]}"
        done
        echo ' '
    done
"#;

/// The same for fish, which prints the text before it quotes it.
const FISH: &str = r"
    source $argv[1]
    for line in $argv[2..]
        complete -C $line | string replace -r '\t.*' ''
        echo ' '
    end
";

/// The same for zsh, on its own terminal. If there is only one candidate, this prints the end of
/// the line.
const ZSH: &str = r#"
    zmodload zsh/zpty
    zpty shell zsh -f -i
    await() { zpty -r shell output "*$1*" }
    zpty -w shell "
        PS1= PS2= RPS1= COLUMNS=1000 LINES=1000 LISTMAX=9999
        fpath=(${0:h} \$fpath)
        autoload -Uz compinit && compinit -u -D
        bindkey -e
        compadd() {
            if [[ \" \${@[1,(i)(-|--)]} \" == *\ -[OAD]\ * ]]; then builtin compadd \"\$@\"; return; fi
            local -a found
            builtin compadd -A found \"\$@\"
            hits+=(\$found)
            builtin compadd \"\$@\"
        }
        report() {
            local -a line=(\${(z)BUFFER})
            ((\$#hits == 1)) && hits=(\$line[-1])
            print -rl -- \${(Q)hits} ' ' >> $RESULT
            hits=()
            BUFFER=
            print -r -- do''ne
        }
        zle -N report
        bindkey '^X' report
        hits=()
        print -r -- rea''dy"
    await ready
    for line in "$@"; do
        zpty -w -n shell "$line"$'\t\x18'
        await done
    done
    zpty -d shell
    cat $RESULT
"#;

/// The environment of the completions: a directory with only the needed files, and a daemon.
struct Shells {
    directory: Directory,
    daemon: Option<Daemon>,
}

impl Shells {
    fn new() -> Self {
        let directory = Directory::new();
        let (program, arguments) = to_run(FOGHORN);
        let words: Vec<_> =
            [program].into_iter().chain(arguments).map(|word| format!("'{word}'")).collect();
        let script = format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" "));
        fs::create_dir(directory.path("bin")).unwrap();
        fs::write(directory.path("bin/foghorn"), script).unwrap();
        fs::set_permissions(directory.path("bin/foghorn"), fs::Permissions::from_mode(0o755))
            .unwrap();
        fs::create_dir(directory.path("home")).unwrap();
        Self { directory, daemon: None }
    }

    /// The completions of each line in each installed shell.
    fn complete(&self, lines: &[&str]) -> Vec<(&'static str, Vec<BTreeSet<String>>)> {
        let shells = [
            ("bash", &["--norc", "-c", BASH][..], "foghorn.bash"),
            ("fish", &["--no-config", "-c", FISH], "foghorn.fish"),
            ("zsh", &["-f", "-c", ZSH], "_foghorn"),
        ];
        let mut completed = vec![];
        for (shell, arguments, file) in shells {
            let Some(program) = tool::find(shell, shell) else { continue };
            let path = format!(
                "{}:{}",
                self.directory.path("bin").display(),
                std::env::var("PATH").unwrap()
            );
            let result = self.directory.path(&format!("result-{shell}"));
            let mut command = Command::new(program);
            command
                .args(arguments)
                .arg(Path::new(ROOT).join("cross/completions").join(file))
                .args(lines);
            command
                .current_dir(self.directory.path("home"))
                .env("HOME", self.directory.path("home"));
            command
                .env("PATH", path)
                .env("RESULT", result)
                .env("TERM", "dumb")
                .env("LC_ALL", "C.UTF-8");
            let control =
                self.daemon.as_ref().map_or(Path::new(NO_DAEMON), |daemon| &daemon.control);
            command
                .env_remove("XDG_RUNTIME_DIR")
                .env("FOGHORN_CONTROL", control)
                .stdin(Stdio::null());
            let output = command.output().unwrap();
            let out = String::from_utf8(output.stdout).unwrap();
            let sets: Vec<BTreeSet<_>> = out
                .split_terminator(" \n")
                .map(|set| set.lines().map(str::to_owned).collect())
                .collect();
            let err = String::from_utf8_lossy(&output.stderr);
            assert_eq!(sets.len(), lines.len(), "{shell} completed to {out}\n{err}");
            completed.push((shell, sets));
        }
        completed
    }
}

/// The options of a command, each with the name of its value in the help, in lower case; an empty
/// name if it takes none. All other lists are compared with the help.
fn options(command: &str) -> BTreeMap<String, String> {
    let help = run(&[command, "--help"]).out;
    let (_, options) = help.split_once("Options:\n").unwrap();
    let lines = options.lines().take_while(|line| !line.is_empty());
    // Two spaces end the options of a line; the columns after them are text.
    let heads = lines.filter_map(|line| line.strip_prefix("  -")?.split("  ").next());
    let pairs = heads.flat_map(|head| head.split("--").filter(|option| !option.trim().is_empty()));
    pairs
        .map(|option| {
            let (name, value) = option.trim().split_once(' ').unwrap_or((option.trim(), ""));
            (format!("--{}", name.trim_start_matches('-')), value.to_ascii_lowercase())
        })
        .collect()
}

/// The names of these options.
fn names(options: &BTreeMap<String, String>) -> BTreeSet<String> {
    options.keys().cloned().collect()
}

/// The commands that have options.
fn commands_with_options() -> impl Iterator<Item = (String, BTreeMap<String, String>)> {
    commands().into_iter().map(|command| {
        let options = options(&command);
        assert!(options.contains_key("--control"), "{command}: {options:?}");
        (command, options)
    })
}

#[test]
fn the_parser_accepts_each_option_and_value_of_the_help() {
    for (command, options) in commands_with_options() {
        for (option, value) in options {
            let (typed, says) = match value.as_str() {
                "" => (format!("{option}=x"), "takes no value".to_owned()),
                "cmd..." => (option.clone(), format!("{option} takes a command")),
                _ => (option.clone(), format!("{option} needs a ")),
            };
            let ended = run(&[&command, &typed]);
            assert!(ended.code == 2 && ended.err.contains(&says), "{command} {typed}: {ended:?}");
        }
    }
}

#[test]
fn the_manual_lists_exactly_the_commands_and_options_of_the_help() {
    let (_, sections) = MANUAL.split_once(".Sh COMMANDS\n.Ss ").unwrap();
    let (sections, _) = sections.split_once(".Sh ").unwrap();
    let mut told = BTreeSet::new();
    for section in sections.split("\n.Ss ") {
        let (command, section) = section.split_once('\n').unwrap();
        let lines = section.lines().filter_map(|line| line.strip_prefix(".It Fl -"));
        let found: BTreeMap<_, _> = lines
            .map(|line| {
                let (name, value) = line.split_once(" Ar ").unwrap_or((line, ""));
                (format!("--{name}"), value.replace(" : Ns Ar ", ":").replace(" ...", "..."))
            })
            .collect();
        assert_eq!(found, options(command), "{command}");
        told.insert(command.to_owned());
    }
    assert_eq!(told, commands().into_iter().collect());
}

#[test]
fn the_manual_renders_without_warnings() {
    let file = format!("{ROOT}/cross/man/foghorn.1");
    for (program, package, arguments) in [
        ("mandoc", "mandoc", ["-Tlint", "-Wwarning"].as_slice()),
        ("groff", "groff-base", &["-mdoc", "-wall", "-Tutf8"]),
    ] {
        let Some(path) = tool::find(program, package) else { continue };
        let output = Command::new(path).args(arguments).arg(&file).output().unwrap();
        let said =
            [output.stderr, if program == "mandoc" { output.stdout } else { vec![] }].concat();
        assert_eq!(String::from_utf8_lossy(&said), "", "{program}");
    }
}

#[test]
fn shells_complete_exactly_the_commands_and_options_of_the_help() {
    let commands: Vec<_> = commands_with_options().collect();
    let lines: Vec<_> =
        commands.iter().map(|(command, _)| format!("foghorn {command} --")).collect();
    let lines: Vec<_> = ["foghorn "].into_iter().chain(lines.iter().map(String::as_str)).collect();
    for (shell, completed) in Shells::new().complete(&lines) {
        let (first, rest) = completed.split_first().unwrap();
        let first: BTreeSet<_> =
            first.iter().filter(|word| !word.starts_with('-')).cloned().collect();
        assert_eq!(first, commands.iter().map(|(name, _)| name.clone()).collect(), "{shell}");
        for ((command, options), completed) in commands.iter().zip(rest) {
            let mut expected = names(options);
            expected.insert("--help".to_owned());
            assert_eq!(completed, &expected, "{shell}: {command}");
        }
    }
}

/// Whether the completion for fish declares that an option (after its command) takes a value.
fn fish_expects_value(option: &str) -> bool {
    let (command, name) = option.split_once(" --").unwrap();
    let mut lines = FISH_COMPLETION.lines().filter_map(|line| {
        let (commands, rest) = line.split_once("__foghorn_is ")?.1.split_once('\'')?;
        let rest = rest.strip_prefix(&format!(" -l {name} "))?;
        commands.split(' ').any(|other| other == command).then_some(rest)
    });
    let line = lines.next().unwrap();
    line.starts_with("-r") || line.starts_with("-x")
}

#[test]
fn shells_complete_an_option_value_according_to_the_help() {
    let shells = Shells::new();
    fs::write(shells.directory.path("home/a-file"), "").unwrap();
    let options: Vec<_> = commands_with_options()
        .flat_map(|(command, options)| {
            options.into_iter().map(move |(name, value)| (format!("{command} {name}"), value))
        })
        .collect();
    let lines: Vec<_> = options
        .iter()
        .flat_map(|(option, _)| ["--", "a-f"].map(|begin| format!("foghorn {option} {begin}")))
        .collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    for (shell, completed) in shells.complete(&lines) {
        for ((option, value), completed) in options.iter().zip(completed.chunks(2)) {
            let [other_options, files] = completed else { unreachable!() };
            let takes_value = !value.is_empty();
            let is_so = match shell {
                // After dashes it completes options all the same.
                "fish" => fish_expects_value(option),
                _ => other_options.is_empty(),
            };
            assert_eq!(is_so, takes_value, "{shell}: {option} {completed:?}");
            let takes_file = ["path", "file"].contains(&value.as_str());
            assert_eq!(files.contains("a-file"), takes_file, "{shell}: {option} {completed:?}");
        }
    }
}

#[test]
fn shells_complete_values() {
    let lines = [
        "foghorn run --log ",
        "foghorn run --interface l",
        "foghorn run --port ",
        "foghorn run --user roo",
    ];
    for (shell, completed) in Shells::new().complete(&lines) {
        let has =
            |line: usize, word: &str| completed.get(line).is_some_and(|words| words.contains(word));
        assert!(
            ["error", "warn", "info", "debug", "trace"].iter().all(|level| has(0, level)),
            "{shell}"
        );
        assert!(has(1, "lo") && has(3, "root"), "{shell}: {completed:?}");
        assert_eq!(completed.get(2).map(BTreeSet::len), Some(0), "{shell}");
    }
}

#[test]
fn a_node_name_with_any_characters_is_completed_as_one_word() {
    let names = [
        "a$(touch${IFS}pwned)",
        "b'\"`touch${IFS}pwned`",
        "c*;touch${IFS}pwned|&<>{}[]()",
        "d\\$HOME~!#%^",
        "e:f:g",
        "リビング",
        "h",
    ];
    let option = "--all";
    let mut shells = Shells::new();
    let port = free_udp_port();
    let control = shells.directory.path("control");
    let daemon =
        Daemon::start(&control, &["--interface", "lo", "--udp-port", &port, "--interval", "3600"]);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for name in names.into_iter().chain([option]) {
        socket
            .send_to(&announcement(name, 22), (Ipv4Addr::LOCALHOST, port.parse().unwrap()))
            .unwrap();
        assert_eq!(daemon.ask(&["lookup", "--wait", "20", "--", name]).code, 0, "{name}");
    }
    shells.daemon = Some(daemon);

    let lines: Vec<_> = names
        .iter()
        .map(|name| format!("foghorn lookup {}", name.chars().next().unwrap()))
        .chain(
            ["foghorn connect ", "foghorn run --expect ", "foghorn lookup e:f:"].map(str::to_owned),
        )
        .collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    // A node with the name of an option cannot be completed.
    let all: BTreeSet<_> = names.iter().map(|name| (*name).to_owned()).collect();
    for (shell, completed) in shells.complete(&lines) {
        let one = |name: &str| BTreeSet::from([name.to_owned()]);
        let expected: Vec<_> = names
            .iter()
            .map(|name| one(name))
            .chain([all.clone(), all.clone(), one("e:f:g")])
            .collect();
        assert_eq!(completed, expected, "{shell}");
        assert!(!shells.directory.path("home/pwned").exists(), "{shell}");
    }
}

#[test]
fn without_a_daemon_shells_complete_no_node_and_print_nothing() {
    for (shell, completed) in Shells::new().complete(&["foghorn lookup n", "foghorn connect n"]) {
        assert_eq!(completed, [const { BTreeSet::new() }; 2], "{shell}");
    }
}
