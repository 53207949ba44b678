# Completion of foghorn's command line, for bash 4.2 or newer.

# Replies with the lines of standard input that begin with the typed word. Names of nodes come from
# strangers: each is quoted, and nothing evaluates it, as compgen -W would.
_foghorn_reply() {
    local name kept='' typed=$1
    # Bash replaces the text behind the last of these characters, which may be within a name.
    local breaks=${COMP_WORDBREAKS//[^:=@]/}
    [[ -z $breaks ]] || kept=${typed%"${typed##*["$breaks"]}"}
    while IFS= read -r name; do
        printf -v name %q "$name"
        [[ $name != "$typed"* ]] || COMPREPLY+=("${name#"$kept"}")
    done
}

# The nodes that the daemon knows. A line that begins with a space has a further address of the node
# above.
_foghorn_nodes() {
    foghorn list 2>/dev/null | sed -n '2,$s/^\([^ -][^ ]*\) .*/\1/p'
}

_foghorn_options() {
    case $1 in
    run)
        echo --id --port --announce --expect --interval --interface --allow --udp-port --log --log-to --control --state --user
        ;;
    lookup) echo --all --host --wait --json --control ;;
    list) echo --json --html --control ;;
    watch) echo --json --exec --control ;;
    hosts) echo --exclude --keep-out --follow --exec --control ;;
    status) echo --json --metrics --control ;;
    connect) echo --control ;;
    doctor) echo --udp-port --control ;;
    esac
    echo --help
}

_foghorn() {
    local words typed previous command
    # This uses the line itself, since COMP_WORDS is cut at colons, too. The x keeps a last word
    # that is empty.
    read -ra words <<< "${COMP_LINE:0:COMP_POINT}x"
    typed=${words[-1]%x} previous=${words[-2]-} command=${words[1]-}
    COMPREPLY=()
    if ((${#words[@]} == 2)); then
        _foghorn_reply "$typed" <<< $'run\nlookup\nlist\nwatch\nhosts\nstatus\nconnect\ndoctor\n--help\n--version'
        return
    fi
    if [[ " ${words[*]::${#words[@]}-2} " == *' --exec '* ]]; then
        compopt -o default
        return
    fi
    case $previous in
    --exec) _foghorn_reply "$typed" < <(compgen -c -- "$typed") ;;
    --expect) _foghorn_reply "$typed" < <(_foghorn_nodes) ;;
    --interface) _foghorn_reply "$typed" < <(ls /sys/class/net) ;;
    --user) _foghorn_reply "$typed" < <(compgen -u) ;;
    --log) _foghorn_reply "$typed" <<< $'error\nwarn\ninfo\ndebug\ntrace' ;;
    --log-to | --control | --state | --follow | --keep-out) compopt -o default ;;
    --id | --port | --announce | --interval | --allow | --udp-port | --wait | --exclude) ;;
    *)
        if [[ $typed == -* ]]; then
            _foghorn_reply "$typed" < <(_foghorn_options "$command" | tr ' ' '\n')
        elif [[ $command == @(lookup|connect) ]]; then
            _foghorn_reply "$typed" < <(_foghorn_nodes)
        fi
        ;;
    esac
}

complete -F _foghorn foghorn
