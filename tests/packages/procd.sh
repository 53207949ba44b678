# shellcheck shell=dash
# The sourced files are in the test's root, and eval reads and assigns.
# shellcheck disable=SC1090,SC2034,SC2154
# Stands in for OpenWrt, as far as foghorn's init script needs it: rc.common, functions.sh,
# network.sh, procd.sh and, behind them, ubus, procd and the firewall. tests/packages/openwrt
# installs this file as /etc/rc.common and as each of the libraries, in a root directory without
# OpenWrt.
#
# It behaves like the real ones of OpenWrt 22.03 to 25.12:
#
# - A reload calls `start`, unless the script has a reload_service. Each `start` calls
#   service_started.
# - procd restarts a running instance only if its command, files, data or user changed. It stops an
#   instance that it no longer receives.
# - A list is not an option: config_list_foreach ignores `option network 'lan'`.
# - The firewall has the zones, and the rules of services, as they were when it was loaded.
#
# It keeps these files in the root directory:
#
#     /procd/INSTANCE/       a running instance: each parameter is a file, with NUL between words
#     /procd/triggers        the triggers of the service, a line each: event, subject, delay in ms
#     /procd/events          the packages whose config.change has not been handled yet
#     /notes                 the actions of procd and the signals to dnsmasq, a line each
#     /networks, /zones      from the test: network and interface (none if down); network and zone
#     /firewall/             zones and rules as the firewall has loaded them

# Adds a word to a variable. UCI's own functions call this when they load a file, so a script with
# another function of that name breaks them.
append() { eval "$1=\"\${$1:+\$$1 }\$2\""; }

# UCI: its files are shell scripts with these three commands.
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

# A separate device exists only while the network is up.
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

# The commands of the script. BusyBox may have some of them built in, whatever PATH says.
logger() {
	if [ "$1" = -s ]; then
		shift
		echo "foghorn: $5" >&2
	fi
	echo "$*" >> /log
}
killall() { note "killall $*"; }

note() { echo "$*" >> /notes; }

# procd's message is collected in /procd/new.
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
	# procd compares the contents of these files.
	[ ! -e "$instance/file" ] || xargs -0 md5sum < "$instance/file" > "$instance/sums"
}
procd_open_data() { data=$instance/data; }
procd_close_data() { data=''; }
for function in json_add_object json_close_object json_add_string json_add_array json_close_array
do
	eval "$function() { echo \"$function \$*\" >> \"\$data\"; }"
done

# The message is complete: this is what procd does with it.
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
# Arguments: SERVICE [INSTANCE]
procd_kill() {
	local running
	[ -z "${2:-}" ] || [ -d "/procd/$2" ] || return 4
	for running in /procd/${2:-*}/; do
		[ ! -d "$running" ] || stop_instance "$(basename "$running")"
	done
	[ -n "${2:-}" ] || rm -f /procd/triggers
}
# Arguments: SERVICE INSTANCE SIGNAL. If the test runs the instance, it has written its process
# number there.
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
procd_add_reload_interface_trigger() {
	echo "interface.* $1 $PROCD_RELOAD_DELAY" >> /procd/triggers
}
procd_set_config_changed() { echo "$1" >> /procd/events; }

# The scripts of opkg and apk call this, with PKG_UPGRADE for an upgrade.
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

# As in rc.common, the arguments are the script and the action.
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
