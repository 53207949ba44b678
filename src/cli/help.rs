//! The help texts.

pub(super) const OVERVIEW: &str = "\
foghorn tells the nodes on a LAN where the others are.

Usage: foghorn COMMAND [OPTIONS]

Commands:
  run           announce nodes and hear the others: the daemon
  lookup NODE   where NODE is, like 198.18.0.2:22000
  list          a table of all nodes
  watch         the nodes known now, then each change as it happens
  hosts         the nodes as lines of a hosts file, printed or kept up to date
  status        how the daemon does
  connect NODE  a TCP connection to NODE, joined to standard input and output
  doctor        what is wrong, and what to type

Options:
  -h, --help     this text; foghorn COMMAND --help tells about a command
  -V, --version  the version

Example:
  foghorn run --id nas --port 22   on the NAS; foghorn run on the other boxes
  foghorn lookup nas               on any of them
  foghorn doctor                   where that does not work

Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 no daemon answers,
4 anything else failed.
";

pub(super) const RUN: &str = "\
Announces nodes, hears the others, and answers the other commands.

Usage: foghorn run [OPTIONS]

Options:
  --id NODE --port PORT  announce NODE at TCP port PORT; without --id the host
                         name; without both only listen
  --announce NODE:PORT   one more node to announce; repeatable
  --expect NODE          keep a place for NODE whoever else comes, and tell in
                         status whether it is there; repeatable
  --interval SECONDS     between announcements, 1 to 3600 [30]
  --interface PATTERN    use only interfaces that match (* and ?), !PATTERN
                         leaves out; repeatable [all that are running and can
                         broadcast, but not loopback and point-to-point]
  --allow NETWORK        hear nodes from NETWORK, too, like 10.0.0.0/8, or from
                         one address; they are not answered; repeatable [only
                         those from networks of the interface are heard]
  --udp-port PORT        the protocol's port [21025]
  --log LEVEL            error, warn, info, debug or trace; or FOGHORN_LOG
                         [info]
  --log-to PATH          append the log to a file, or send it to the Unix socket
                         that a program listens at [standard error]
  --control PATH         the control socket; or FOGHORN_CONTROL
                         [/run/foghorn/control.sock where that can be used, else
                         $XDG_RUNTIME_DIR/foghorn/control.sock]
  --state FILE           keep what is known over a restart in FILE, best one in
                         memory, like /run/foghorn/state
  --user NAME            become this user, given by name or number, once all is
                         open; only root can

SIGTERM and SIGINT end it, SIGHUP makes it look at the interfaces again,
announce now, and save what is known.

Example:
  foghorn run --id nas --port 22 --announce web:80 --interface 'eth*'
";

pub(super) const LOOKUP: &str = "\
Tells where a node is: the address heard last, like 198.18.0.2:22000.

Usage: foghorn lookup [OPTIONS] NODE

Options:
  --all           every live address, freshest first
  --host          the IP address alone
  --wait SECONDS  wait for the node to appear
  --json          all that is known, as JSON
  --control PATH  the daemon's socket; or FOGHORN_CONTROL

Example:
  ping \"$(foghorn lookup --host nas)\"
  foghorn lookup --wait 10 nas

Exit code 1 if the node is not known.
";

pub(super) const LIST: &str = "\
Lists all nodes, sorted by name.

Usage: foghorn list [OPTIONS]

Options:
  --json          one JSON array
  --html          a page for a browser
  --control PATH  the daemon's socket; or FOGHORN_CONTROL

Example:
  foghorn list --html > lan.$$ && mv lan.$$ /www/lan.html
";

pub(super) const WATCH: &str = "\
Prints the nodes known now, then each change as it happens, a line each:
known, found, moved, contested or lost, then NODE, ADDRESS and INTERFACE.
A node is contested when it speaks at two addresses: it has two network cards,
or somebody claims its name. ADDRESS is the one to use, the other comes last.

Usage: foghorn watch [OPTIONS]

Options:
  --json          one JSON object a line
  --control PATH  the daemon's socket; or FOGHORN_CONTROL
  --exec CMD...   print nothing, but run the rest of the line for each, one by
                  one and by no shell, told by FOGHORN_EVENT, FOGHORN_NODE,
                  FOGHORN_ADDRESS, FOGHORN_HOST, FOGHORN_PORT,
                  FOGHORN_INTERFACE and, when contested, FOGHORN_RIVAL; the
                  daemon leaves a watch that falls far behind: exit code 3

Examples:
  foghorn watch | grep --line-buffered lost
  foghorn watch --exec /etc/foghorn/changed
";

pub(super) const HOSTS: &str = "\
Prints the nodes as lines of a hosts file: the address to use, a tab, the name
in lower case. Only names of one label, letters, digits and hyphens, are there:
nobody can pose as www.bank.example. Left out are this machine's name and
those that programs trust, like localhost and wpad.

Usage: foghorn hosts [OPTIONS]

Options:
  --exclude PATTERN  leave out names that match (* and ?); repeatable
  --follow FILE      print nothing, but write FILE now and replace it after each
                     change, at most once a second
  --exec CMD...      run the rest of the line after FILE was replaced
  --control PATH     the daemon's socket; or FOGHORN_CONTROL

Example:
  foghorn hosts --follow /run/foghorn/hosts --exec pkill -HUP dnsmasq
";

pub(super) const STATUS: &str = "\
Tells how the daemon does: what it announces, its interfaces, how full its
registry is, and what it counted.

Usage: foghorn status [OPTIONS]

Options:
  --json          one JSON object
  --metrics       the same for Prometheus, in its text format
  --control PATH  the daemon's socket; or FOGHORN_CONTROL

Example, for the textfile collector of node_exporter:
  foghorn status --metrics > foghorn.$$ && mv foghorn.$$ foghorn.prom
";

pub(super) const CONNECT: &str = "\
Connects to a node by TCP and joins that to standard input and output.

Usage: foghorn connect [OPTIONS] NODE

Options:
  --control PATH  the daemon's socket; or FOGHORN_CONTROL

Example:
  ssh -o ProxyCommand='foghorn connect %h' nas
";

pub(super) const DOCTOR: &str = "\
Checks daemon, interfaces, port, firewall and clock, and says what to type.

Usage: foghorn doctor [OPTIONS]

Options:
  --udp-port PORT  the protocol's port [the daemon's, or 21025]
  --control PATH   the daemon's socket; or FOGHORN_CONTROL

Example:
  sudo foghorn doctor

Exit code 1 if something is bad.
";
