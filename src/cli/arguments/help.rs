//! The help texts.

/// Each command, with its help text.
pub(crate) const TEXTS: [(&str, &str); 9] = [
    ("run", RUN),
    ("lookup", LOOKUP),
    ("list", LIST),
    ("watch", WATCH),
    ("hosts", HOSTS),
    ("status", STATUS),
    ("connect", CONNECT),
    ("doctor", DOCTOR),
    ("help", OVERVIEW),
];

/// The help text of a command.
pub(crate) fn of(command: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(name, _)| *name == command).map(|(_, text)| *text)
}

pub(crate) const OVERVIEW: &str = "\
foghorn tells the nodes on a LAN where the others are.

Usage: foghorn COMMAND [OPTIONS]

Commands:
  run           announce nodes and hear the others: the daemon
  lookup NODE   where NODE is
  list          a table of all nodes
  watch         the nodes known now, then each change
  hosts         the nodes as a hosts file, printed or kept up to date
  status        how the daemon is doing
  connect NODE  a TCP connection to NODE, for standard input and output
  doctor        what is wrong, and what to type

Options:
  -h, --help     this text; after a command, its help
  -V, --version  the version

Example:
  foghorn run --id nas --port 22  on the NAS
  foghorn run --port 22           on the others, by their host names
  foghorn lookup nas              on any of them
  foghorn doctor                  where that does not work

Exit codes: 0 done, 1 not found, 2 wrong usage, 3 no daemon answers,
4 anything else failed.
";

pub(crate) const RUN: &str = "\
Announces nodes, hears the others, and answers the other commands.

Usage: foghorn run [OPTIONS]

Options:
  --id NODE --port PORT  announce NODE at TCP port PORT; without --id the host
                         name without its domain; without both only listen
  --announce NODE:PORT   one more node; repeatable
  --expect NODE          reserve room for NODE and show in status whether it is
                         there; repeatable
  --interval SECONDS     between announcements, 1 to 3600 [30]
  --interface PATTERN    use matching interfaces (* and ?); !PATTERN excludes;
                         repeatable [all but loopback and point-to-point]
  --allow NETWORK        hear nodes of other networks too, like 10.0.0.0/8;
                         repeatable [only those of the interface]
  --udp-port PORT        the protocol's port [21025]
  --log LEVEL            error, warn, info, debug or trace; or FOGHORN_LOG
                         [info]
  --log-to PATH          a file, or a program's Unix socket [standard error]
  --control PATH         control socket; or FOGHORN_CONTROL, for commands too
                         [/run/foghorn/control.sock, else
                         $XDG_RUNTIME_DIR/foghorn/control.sock, else
                         /run/user/UID/foghorn/control.sock]
  --state FILE           keep known nodes across restarts, best on tmpfs, like
                         /run/foghorn/state
  --user NAME            switch to this user (name or number) after opening

SIGHUP makes it look at the interfaces, the host name and its socket again,
announce now, save, and open the log anew if it was rotated.

Example:
  foghorn run --id nas --port 22 --announce web:80 --interface 'eth*'
";

pub(crate) const LOOKUP: &str = "\
Tells where a node is, like 198.18.0.2:22000.

Usage: foghorn lookup [OPTIONS] NODE

Options:
  --all           every live address, the one to use first
  --host          the IP address alone
  --wait SECONDS  wait for the node to appear
  --json          all that is known, as JSON
  --control PATH  the daemon's socket

Example:
  ping \"$(foghorn lookup --host nas)\"
  foghorn lookup --wait 10 nas

Exit code 1 if the node is not known.
";

pub(crate) const LIST: &str = "\
Lists all nodes, sorted by name. This machine's own nodes are marked own. On a
narrow terminal some columns and the middle of long names are left out.

Usage: foghorn list [OPTIONS]

Options:
  --json          one JSON array
  --html          a page for a browser
  --control PATH  the daemon's socket

Example:
  foghorn list --html > lan.new; mv lan.new /www/lan.html
";

pub(crate) const WATCH: &str = "\
Prints the nodes known now, then each change, a line each: known, found, moved,
contested or lost, then NODE, ADDRESS and INTERFACE. A node is contested when it
speaks at a second address, which comes last: it has two network cards, or
somebody claims its name.

Usage: foghorn watch [OPTIONS]

Options:
  --json          one JSON object a line
  --control PATH  the daemon's socket
  --exec CMD...   run the rest of the line for each instead, by no shell, told
                  by FOGHORN_EVENT, FOGHORN_NODE, FOGHORN_ADDRESS, FOGHORN_HOST,
                  FOGHORN_PORT, FOGHORN_INTERFACE and, when contested,
                  FOGHORN_RIVAL; after a restart of the daemon, or when CMD was
                  too slow, it is told what came of the changes it missed

A stranger chooses FOGHORN_NODE: it may be ../../etc/x or --exec. A script puts
it in quotes, and first refuses what could be a path or an option:
  case $FOGHORN_NODE in -* | *[!A-Za-z0-9_-]*) exit ;; esac

Examples:
  foghorn watch | grep --line-buffered lost
  foghorn watch --exec /etc/foghorn/changed
";

pub(crate) const HOSTS: &str = "\
Prints the nodes as lines of a hosts file. Left out are this machine's name,
those that mean something everywhere, like localhost, wpad and com, all that
is not of letters, digits and hyphens, and what other hosts files have:
/etc/hosts, those beside FILE, and those to keep out.

Usage: foghorn hosts [OPTIONS]

Options:
  --exclude PATTERN  leave out names that match (* and ?); repeatable
  --keep-out FILE    leave out names that FILE has, a hosts file or a name a
                     line; read again when it changes; repeatable
  --follow FILE      write FILE instead, and again after each change
  --exec CMD...      run the rest of the line after FILE was replaced; while
                     nodes keep changing at most once a minute
  --control PATH     the daemon's socket

Example:
  foghorn hosts --follow /tmp/hosts/foghorn --exec killall -HUP dnsmasq
";

pub(crate) const STATUS: &str = "\
Tells how the daemon is doing, and what it counted.

Usage: foghorn status [OPTIONS]

Options:
  --json          one JSON object
  --metrics       Prometheus' text format
  --control PATH  the daemon's socket

Example, for node_exporter:
  foghorn status --metrics > foghorn.new; mv foghorn.new foghorn.prom
";

pub(crate) const CONNECT: &str = "\
Connects to a node by TCP and joins that to standard input and output. SSH makes
names lower case: if there is no nas, the one node like NAS is meant.

Usage: foghorn connect [OPTIONS] NODE

Options:
  --control PATH  the daemon's socket

Example:
  ssh -o ProxyCommand='foghorn connect %h' nas
";

pub(crate) const DOCTOR: &str = "\
Checks daemon, interfaces, port, firewall and clock, and says what to type.

Usage: foghorn doctor [OPTIONS]

Options:
  --udp-port PORT  the protocol's port [the daemon's, or 21025]
  --control PATH   the daemon's socket

Example:
  sudo foghorn doctor

Exit code 1 if something is bad.
";
