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
foghorn finds other machines on the LAN by name.

Usage: foghorn COMMAND [OPTIONS]

Commands:
  run           the daemon: announce nodes and listen for others
  lookup NODE   the address of NODE
  list          a table of all nodes
  watch         the nodes known now, then each change
  hosts         the nodes as a hosts file, printed or kept up to date
  status        how the daemon is doing
  connect NODE  a TCP connection to NODE on standard input and output
  doctor        what is wrong, and what to type

Options:
  -h, --help     this text; after a command, its help
  -V, --version  the version

Example:
  foghorn run --id nas --port 22  on the NAS
  foghorn run --port 22           on the others, by their host names
  foghorn lookup nas              on any of them
  foghorn doctor                  if that does not work

Exit codes: 0 done, 1 not found, 2 wrong usage, 3 no daemon answers,
4 anything else failed.

The manual page has more: man foghorn. Without man, see foghorn COMMAND --help.
";

pub(crate) const RUN: &str = "\
The daemon: announces nodes, listens for others, and answers the other commands.

Usage: foghorn run [OPTIONS]

Options:
  --id NODE --port PORT  announce NODE at TCP port PORT; without --id, the host
                         name without its domain; without both, only listen
  --announce NODE:PORT   one more node; repeatable
  --expect NODE          reserve room for NODE and show in status whether it is
                         there; repeatable
  --interval SECONDS     time between announcements, 1 to 3600 [30]
  --interface PATTERN    use matching interfaces (* and ?); !PATTERN excludes;
                         repeatable [all but loopback and point-to-point]
  --allow NETWORK        accept nodes from another network, like 10.0.0.0/8;
                         repeatable [only the networks of the interface]
  --udp-port PORT        UDP port of the protocol [21025]
  --log LEVEL            error, warn, info, debug or trace; or set FOGHORN_LOG
                         [info]
  --log-to PATH          log to a file, or to the Unix socket of a program
                         [standard error]
  --control PATH         control socket; or set FOGHORN_CONTROL, which all
                         commands read
                         [/run/foghorn/control.sock, else
                         $XDG_RUNTIME_DIR/foghorn/control.sock, else
                         /run/user/UID/foghorn/control.sock]
  --state FILE           keep known nodes across restarts, best on tmpfs, like
                         /run/foghorn/state
  --user NAME            switch to this user (name or number) after opening all
                         sockets and files

On SIGHUP it checks the interfaces, the host name and its socket, announces now,
saves the known nodes, and opens a rotated log again.

Example:
  foghorn run --id nas --port 22 --announce web:80 --interface 'eth*'
";

pub(crate) const LOOKUP: &str = "\
Prints the address of a node, like 198.18.0.2:22000.

Usage: foghorn lookup [OPTIONS] NODE

Options:
  --all           all live addresses, the preferred one first
  --host          only the IP address
  --wait SECONDS  wait for the node to appear
  --json          everything known about the node, as JSON
  --control PATH  the daemon's socket

Example:
  ping \"$(foghorn lookup --host nas)\"
  foghorn lookup --wait 10 nas

Exit code 1 if the node is not known.
";

pub(crate) const LIST: &str = "\
Lists all nodes, sorted by name. This machine's own nodes are marked own. A
narrow terminal shows fewer columns and shortens long names.

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
uses a second address, which is printed last: it has two cards in one network,
or another host claims its name.

Usage: foghorn watch [OPTIONS]

Options:
  --json          one JSON object a line
  --control PATH  the daemon's socket
  --exec CMD...   for each change run the rest of the line (no shell) with these
                  variables set: FOGHORN_EVENT, FOGHORN_NODE, FOGHORN_ADDRESS,
                  FOGHORN_HOST, FOGHORN_PORT, FOGHORN_INTERFACE and, when
                  contested, FOGHORN_RIVAL; after a restart of the daemon, or if
                  CMD is too slow, it runs once for each node that has changed

Strangers choose FOGHORN_NODE: it may be ../../etc/x or --exec. A script should
quote it, and first refuse names that could be a path or an option:
  case $FOGHORN_NODE in -* | *[!A-Za-z0-9_-]*) exit ;; esac

Examples:
  foghorn watch | grep --line-buffered lost
  foghorn watch --exec /etc/foghorn/changed
";

pub(crate) const HOSTS: &str = "\
Prints the nodes as lines of a hosts file. It leaves out this machine's name,
names with a special meaning, like localhost, wpad and com, names with other
characters than letters, digits and hyphens, and names in other hosts files:
/etc/hosts, files beside FILE, and files given with --keep-out.

Usage: foghorn hosts [OPTIONS]

Options:
  --exclude PATTERN  leave out names that match (* and ?); repeatable
  --keep-out FILE    leave out names in FILE, a hosts file or one name a line;
                     read again when it changes; repeatable
  --follow FILE      write to FILE, and again after each change
  --exec CMD...      run the rest of the line (no shell) after writing FILE; at
                     most once a minute while nodes keep changing
  --control PATH     the daemon's socket

Example:
  foghorn hosts --follow /tmp/hosts/foghorn --exec killall -HUP dnsmasq
";

pub(crate) const STATUS: &str = "\
Shows how the daemon is doing, with all its counters.

Usage: foghorn status [OPTIONS]

Options:
  --json          one JSON object
  --metrics       the text format of Prometheus
  --control PATH  the daemon's socket

Example, for node_exporter:
  foghorn status --metrics > foghorn.new; mv foghorn.new foghorn.prom
";

pub(crate) const CONNECT: &str = "\
Connects to a node by TCP, and connects it to standard input and output. SSH
makes names lower case: without a node nas, it uses the only one like NAS.

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
  --udp-port PORT  UDP port of the protocol [the daemon's, or 21025]
  --control PATH   the daemon's socket

Example:
  sudo foghorn doctor

Exit code 1 if a line is marked bad.
";
