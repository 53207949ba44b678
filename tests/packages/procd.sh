# shellcheck shell=dash
# shellcheck disable=SC1090,SC2154 # What is sourced is in the test's root, and eval assigns.
# What an init script meets on OpenWrt, as far as foghorn's needs it. Instead of telling procd what to run, it writes down what it would tell.
# tests/packages/openwrt makes it /etc/rc.common and each of the libraries of a root without anything of OpenWrt.

# Adds a word to a variable. UCI's own functions call it when a file is loaded, so a script that has another of that name breaks them.
append() { eval "$1=\"\${$1:+\$$1 }\$2\""; }

# UCI: the form of its files is that of a shell script with these three commands.
config() {
	section=$2
	append sections "$2"
}
option() { eval "uci_${section}_$1=\$2"; }
list() {
	eval "items=\$((\${uci_${section}_$1_items:-0} + 1))"
	[ "$items" -gt 1 ] || append lists "uci_${section}_$1_items"
	eval "uci_${section}_$1_items=\$items uci_${section}_$1_$items=\$2"
}

config_load() {
	for loaded in $lists; do eval "$loaded=0"; done
	lists=''
	. "/etc/config/$1"
}
config_get() { eval "$1=\${uci_$2_$3:-\${4:-}}"; }
config_get_bool() {
	config_get "$@"
	eval "case \$$1 in 1 | on | true | yes | enabled) $1=1 ;; *) $1=0 ;; esac"
}
config_list_foreach() {
	section=$1 option=$2 function=$3
	shift 3
	eval "items=\${uci_${section}_${option}_items:-0}"
	item=1
	while [ $item -le "$items" ]; do
		eval "value=\$uci_${section}_${option}_$item"
		"$function" "$value" "$@"
		item=$((item + 1))
	done
}

# The network lan is up, the network guest is not.
network_get_device() {
	eval "$1=''"
	[ "$2" = lan ] && eval "$1=br-lan"
}

# The network lan is in a zone that has another name.
fw4() { [ "$*" = "-q network lan" ] && echo home; }

# The commands that it runs. BusyBox may have some of them built in, whatever PATH says.
logger() { echo "$*" >> /log; }
killall() { echo "$*" >> /killed; }

# Writes a line: what was called, and each of its arguments between < and >.
note() {
	line=$1
	shift
	for argument; do line="$line <$argument>"; done
	echo "$line" >> /notes
}

for function in json_add_object json_close_object json_add_string json_add_array json_close_array procd_open_data procd_close_data \
	procd_close_instance procd_add_reload_trigger procd_add_reload_interface_trigger procd_set_config_changed procd_kill; do
	eval "$function() { note $function \"\$@\"; }"
done

procd_open_instance() { instance=$1; note procd_open_instance "$1"; }
procd_set_param() { note procd_set_param "$@"; keep "$@"; }
procd_append_param() { note procd_append_param "$@"; keep "$@"; }

# A command is kept as it is, too, so that it can be run.
keep() {
	[ "$1" = command ] || return 0
	shift
	printf '%s\0' "$@" >> "/command-$instance"
}

# What opkg's scripts call.
default_postinst() {
	echo foghorn:x:32768: >> /etc/group
	echo foghorn:x:32768:32768:foghorn:/var/run/foghorn:/bin/false >> /etc/passwd
	/etc/init.d/foghorn enable
	/etc/init.d/foghorn start
}
default_prerm() {
	/etc/init.d/foghorn disable
	/etc/init.d/foghorn stop
}

# As rc.common: the script, then what it was asked for.
case ${1:-} in
/etc/init.d/*)
	rm -f /notes /command-*
	. "$1"
	name=${1##*/}
	case $2 in
	enable) ln -s "../init.d/$name" "/etc/rc.d/S$START$name" ;;
	disable) rm "/etc/rc.d/S$START$name" ;;
	start | reload)
		start_service
		service_triggers
		[ "$2" = reload ] || service_started
		;;
	stop)
		stop_service
		procd_kill "$name"
		;;
	esac
	;;
esac
