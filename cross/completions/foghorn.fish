# Completion of foghorn's command line, for fish 3.0 or newer. Fish quotes what it inserts.

# The nodes that the daemon knows. A line that begins with a space has a further address of the node
# above.
function __foghorn_nodes
    foghorn list 2>/dev/null | tail -n +2 | string replace -rf '^([^ -]\S*) .*' '$1'
end

# Succeeds if one of these commands has been typed.
function __foghorn_is
    set -l words (commandline -opc)
    set -q words[2]; and contains -- $words[2] $argv
end

function __foghorn_is_bare
    test (count (commandline -opc)) -eq 1
end

complete -c foghorn -f
complete -c foghorn -n __foghorn_is_bare -a run -d 'Announce nodes and hear the others: the daemon'
complete -c foghorn -n __foghorn_is_bare -a lookup -d 'Where a node is'
complete -c foghorn -n __foghorn_is_bare -a list -d 'A table of all nodes'
complete -c foghorn -n __foghorn_is_bare -a watch -d 'The nodes known now, then each change'
complete -c foghorn -n __foghorn_is_bare -a hosts -d 'The nodes as lines of a hosts file'
complete -c foghorn -n __foghorn_is_bare -a status -d 'How the daemon does'
complete -c foghorn -n __foghorn_is_bare -a connect -d 'A TCP connection to a node'
complete -c foghorn -n __foghorn_is_bare -a doctor -d 'What is wrong, and what to type'
complete -c foghorn -s h -l help -d 'Help'
complete -c foghorn -n __foghorn_is_bare -s V -l version -d 'The version'

complete -c foghorn -n '__foghorn_is lookup connect' -a '(__foghorn_nodes)'
complete -c foghorn -n '__foghorn_is run lookup list watch hosts status connect doctor' -l control -rF -d 'The control socket'
complete -c foghorn -n '__foghorn_is lookup list watch status' -l json -d 'As JSON'
complete -c foghorn -n '__foghorn_is run doctor' -l udp-port -x -d 'The protocol\'s port'

complete -c foghorn -n '__foghorn_is run' -l id -x -d 'The node to announce'
complete -c foghorn -n '__foghorn_is run' -l port -x -d 'The TCP port where it can be reached'
complete -c foghorn -n '__foghorn_is run' -l announce -x -d 'One more NODE:PORT to announce'
complete -c foghorn -n '__foghorn_is run' -l expect -xa '(__foghorn_nodes)' -d 'Keep a place for a node'
complete -c foghorn -n '__foghorn_is run' -l interval -x -d 'Seconds between announcements'
complete -c foghorn -n '__foghorn_is run' -l interface -xa '(command ls /sys/class/net)' -d 'Interfaces to use'
complete -c foghorn -n '__foghorn_is run' -l allow -x -d 'A network from which to hear nodes, too'
complete -c foghorn -n '__foghorn_is run' -l log -xa 'error warn info debug trace' -d 'The level of the log'
complete -c foghorn -n '__foghorn_is run' -l log-to -rF -d 'Where the log goes'
complete -c foghorn -n '__foghorn_is run' -l state -rF -d 'Where to keep what is known over a restart'
complete -c foghorn -n '__foghorn_is run' -l user -xa '(__fish_complete_users)' -d 'The user to become'

complete -c foghorn -n '__foghorn_is lookup' -l all -d 'Every live address'
complete -c foghorn -n '__foghorn_is lookup' -l host -d 'The IP address alone'
complete -c foghorn -n '__foghorn_is lookup' -l wait -x -d 'Seconds to wait for the node to appear'
complete -c foghorn -n '__foghorn_is list' -l html -d 'As a page for a browser'
complete -c foghorn -n '__foghorn_is watch hosts' -l exec -xa '(__fish_complete_command)' -d 'A command to run'
complete -c foghorn -n '__foghorn_is hosts' -l exclude -x -d 'Names to leave out'
complete -c foghorn -n '__foghorn_is hosts' -l keep-out -rF -d 'A file with names to leave out'
complete -c foghorn -n '__foghorn_is hosts' -l follow -rF -d 'The file to keep up to date'
complete -c foghorn -n '__foghorn_is status' -l metrics -d 'For Prometheus'
