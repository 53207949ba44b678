# shellcheck shell=dash
# shellcheck disable=SC1090,SC2034,SC2154 # What is sourced is in the test's root, and eval reads and assigns.
# What an init script meets on OpenWrt, as far as foghorn's needs it: rc.common, functions.sh, network.sh, procd.sh and, behind them, ubus, procd
# and the firewall. tests/packages/openwrt makes it /etc/rc.common and each of the libraries of a root without anything of OpenWrt.
#
# It behaves as the real ones do, of OpenWrt 22.03 to 25.12:
#
# - A reload calls `start`, if the script has no reload_service, and each `start` calls service_started.
# - procd restarts an instance that runs only if its command, its files, its data or its user changed, and stops one that is not told of any more.
# - A list is no option: config_list_foreach passes over `option network 'lan'`.
# - The firewall has the zones, and the rules of services, of the time when it was loaded.
#
# What it keeps, in the root:
#
#     /procd/INSTANCE/       an instance that runs: each of its parameters is a file, the words apart by NUL
#     /procd/triggers        the triggers of the service, a line each: the event, of what, after how many ms
#     /procd/events          the packages whose config.change has not been dealt with yet
#     /notes                 what procd did and dnsmasq was told, a line each
#     /networks, /zones      the test's: network and interface (none if it is down); network and zone
#     /firewall/             zones and rules as the firewall has loaded them

# Adds a word to a variable. UCI's own functions call it when a file is loaded, so a script that has another of that name breaks them.
append() { eval "$1=\"\${$1:+\$$1 }\$2\""; }

# UCI: the form of its files is that of a shell script with these three commands.
config() { CONFIG_SECTION=$2; }
option() { eval "CONFIG_${CONFIG_SECTION}_$1=\$2"; }
list() {
	local length
	config_get length "$CONFIG_SECTION" "$1_LENGTH" 0
	[ "$length" -gt 0 ] || append lists "CONFIG_${CONFIG_SECTION}_$1"
	length=$((length + 1))
	eval "CONFIG_${CONFIG_SECTION}_$1_LENGTH=\$length CONFIG_${CONFIG_SECTION}_$1_ITEM$length=\$2"
	append "CONFIG_${CONFIG_SECTION}_$1" "$2"
}

config_load() {
	for loaded_list in $lists; do unset "$loaded_list" "${loaded_list}_LENGTH"; done
	lists=''
	. "/etc/config/$1"
}
config_get() { eval "$1=\${CONFIG_$2_$3:-\${4:-}}"; }
config_get_bool() {
	config_get "$@"
	eval "case \$$1 in
	1 | on | true | yes | enabled) $1=1 ;;
	0 | off | false | no | disabled) $1=0 ;;
	*) $1=\$4 ;;
	esac"
}
config_list_foreach() {
	local section=$1 option=$2 function=$3 length value item=1
	shift 3
	config_get length "$section" "${option}_LENGTH"
	[ -n "$length" ] || return 0
	while [ $item -le "$length" ]; do
		config_get value "$section" "${option}_ITEM$item"
		eval "$function \"\$value\" \"\$@\""
		item=$((item + 1))
	done
}
uci() {
	[ "$*" = "show foghorn" ] || return 1
	cat /etc/config/foghorn
}

# An interface of its own is only there while the network is up.
network_get_device() {
	local device
	device=$(sed -n "s/^$2 //p" /networks)
	if [ -n "$device" ]; then
		eval "$1=\$device"
	else
		unset "$1"
		return 1
	fi
}
ubus() {
	case $* in
	"list network.interface."*) grep -q "^${2#network.interface.}\( \|$\)" /networks ;;
	*) return 1 ;;
	esac
}

fw4() {
	[ "$1 $2" = "-q network" ] && sed -n "s/^$3 //p" /firewall/zones | grep .
}

# The commands that it runs. BusyBox may have some of them built in, whatever PATH says.
logger() {
	if [ "$1" = -s ]; then
		shift
		echo "foghorn: $5" >&2
	fi
	echo "$*" >> /log
}
killall() { note "killall $*"; }

note() { echo "$*" >> /notes; }

# procd's message: it is gathered in /procd/new.
procd_open_instance() {
	instance=/procd/new/$1
	mkdir -p "$instance"
}
procd_set_param() {
	rm -f "$instance/$1"
	procd_append_param "$@"
}
procd_append_param() {
	local parameter=$1
	shift
	printf '%s\0' "$@" >> "$instance/$parameter"
}
procd_close_instance() {
	# procd compares what is in them.
	[ ! -e "$instance/file" ] || xargs -0 md5sum < "$instance/file" > "$instance/sums"
}
procd_open_data() { data=$instance/data; }
procd_close_data() { data=''; }
for function in json_add_object json_close_object json_add_string json_add_array json_close_array; do
	eval "$function() { echo \"$function \$*\" >> \"\$data\"; }"
done

# The message is complete: what procd does then.
procd_close_service() {
	local name
	for instance in /procd/new/*/; do
		[ -d "$instance" ] || continue
		name=$(basename "$instance")
		if [ ! -d "/procd/$name" ]; then
			note "start $name"
		elif is_changed "$name"; then
			note "restart $name"
		fi
		rm -rf "/procd/${name:?}"
		cp -r "$instance" "/procd/$name"
	done
	for instance in /procd/*/; do
		name=$(basename "$instance")
		[ ! -d "$instance" ] || [ "$name" = new ] || [ -d "/procd/new/$name" ] || stop_instance "$name"
	done
	rm -rf /procd/new
}
is_changed() {
	local parameter
	for parameter in command env user netdev data sums; do
		if [ -e "/procd/$1/$parameter" ] || [ -e "/procd/new/$1/$parameter" ]; then
			cmp -s "/procd/$1/$parameter" "/procd/new/$1/$parameter" || return 0
		fi
	done
	return 1
}
stop_instance() {
	rm -r "/procd/${1:?}"
	note "stop $1"
}
# SERVICE [INSTANCE]
procd_kill() {
	local running
	[ -z "${2:-}" ] || [ -d "/procd/$2" ] || return 4
	for running in /procd/${2:-*}/; do
		[ ! -d "$running" ] || stop_instance "$(basename "$running")"
	done
	[ -n "${2:-}" ] || rm -f /procd/triggers
}
# SERVICE INSTANCE SIGNAL. If the test runs the instance, it has put its process there.
procd_send_signal() {
	[ -d "/procd/$2" ] || return 4
	note "signal $2 $3"
	[ ! -e "/procd/$2.pid" ] || kill "-$3" "$(cat "/procd/$2.pid")"
}

PROCD_RELOAD_DELAY=1000
procd_add_reload_trigger() {
	local package
	for package; do echo "config.change $package $PROCD_RELOAD_DELAY" >> /procd/triggers; done
}
procd_add_reload_interface_trigger() { echo "interface.* $1 $PROCD_RELOAD_DELAY" >> /procd/triggers; }
procd_set_config_changed() { echo "$1" >> /procd/events; }

# What opkg's scripts and apk's call, with PKG_UPGRADE for an upgrade.
default_postinst() {
	if ! grep -q ^foghorn: /etc/passwd; then
		echo foghorn:x:32768: >> /etc/group
		echo foghorn:x:32768:32768:foghorn:/var/run/foghorn:/bin/false >> /etc/passwd
	fi
	[ -n "${PKG_UPGRADE:-}" ] || /etc/init.d/foghorn enable
	/etc/init.d/foghorn start
	return 0
}
default_prerm() {
	[ -n "${PKG_UPGRADE:-}" ] || /etc/init.d/foghorn disable
	/etc/init.d/foghorn stop
}

# As rc.common: the script, then what it was asked for.
start() {
	mkdir -p /procd
	rm -rf /procd/new
	start_service "$@"
	rm -f /procd/triggers
	service_triggers
	procd_close_service
	! type service_started >/dev/null 2>&1 || service_started
}
stop() {
	stop_service "$@"
	procd_kill foghorn "${1:-}"
}
restart() {
	stop "$@"
	start "$@"
}
reload() {
	if type reload_service >/dev/null 2>&1; then reload_service "$@"; else start; fi
}
enable() { ln -sf "../init.d/$name" "/etc/rc.d/S$START$name"; }
disable() { rm -f "/etc/rc.d/S$START$name"; }

case ${1:-} in
/etc/init.d/*)
	name=${1##*/}
	action=$2
	. "$1"
	shift 2
	"$action" "$@"
	;;
esac
