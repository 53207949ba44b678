# shellcheck shell=bash
# shellcheck disable=SC2154 # The test has set $directory and $root.
# Sourced by the tests of packages: waiting, comparing, hosts made of network namespaces, and the
# message if they cannot be made.

say() { echo "${0##*/}: $*" >&2; }
fail() { say "$*"; exit 1; }

# Says that nothing was tested. That is a failure if all tests must run.
skip() {
  [ -z "${FOGHORN_REQUIRE_LAB:-}" ] || fail "FOGHORN_REQUIRE_LAB is set, but $*"
  echo "SKIPPED, not tested: $*" >&2
  exit 0
}

# equal WHAT GOT WANTED: fails unless the last two are equal.
equal() {
  [ "$2" = "$3" ] || fail "$1 is not what it should be:
$(diff <(echo "$3") <(echo "$2"))"
}

# await COMMAND: runs a command until it succeeds.
await() {
  local start=$SECONDS
  until "$@" >/dev/null 2>&1; do
    [ $((SECONDS - start)) -lt 60 ] || { "$@" >&2 || true; fail "this did not come true: $*"; }
    sleep 0.1
  done
}

# Runs the script again with its arguments, in namespaces of its own. All processes end with the
# script.
isolate() {
  [ -z "${FOGHORN_ISOLATED:-}" ] || return 0
  [ "$(id -u)" = 0 ] || skip "only root can make a root for a package"
  unshare -nmp --fork true 2>/dev/null || skip "this machine can't make namespaces"
  for pair in busybox:busybox-static setpriv:util-linux ip:iproute2; do
    command -v "${pair%%:*}" >/dev/null ||
      skip "${pair%%:*} is missing; on Debian it is in the package ${pair##*:}"
  done
  ! ldd "$(command -v busybox)" >/dev/null 2>&1 ||
    skip "busybox needs libraries here; on Debian busybox-static does not"
  FOGHORN_ISOLATED=1 exec unshare -nmp --fork --kill-child --mount-proc "$0" "$@"
}

# make_root DIRECTORY: makes a root directory with BusyBox and nothing else. leave_root removes it.
make_root() {
  mkdir -p "$1"/{bin,dev,etc/init.d,proc,tmp,usr/bin,var/run}
  cp "$(command -v busybox)" "$1/bin/busybox"
  chroot "$1" /bin/busybox --install -s /bin
  echo root:x:0:0:root:/root:/bin/sh > "$1/etc/passwd"
  echo root:x:0: > "$1/etc/group"
  touch "$1/dev/null"
  mount --bind /dev/null "$1/dev/null"
  mount -t proc proc "$1/proc"
}

# inside COMMAND: runs a command in the root directory $root.
inside() { chroot "$root" /bin/env -i PATH=/usr/bin:/bin "$@"; }

leave_root() { umount -ql "$1/dev/null" "$1/proc" || true; }

# make_neighbour INTERFACE PROGRAM: gives this host an interface to a LAN with another host,
# 192.168.1.2. There the program, foghorn, announces nas. Its files are in $directory.
make_neighbour() {
  ip link set lo up
  unshare -n sleep 600 &
  await has_other_network $!
  ip link add "$1" type veth peer name eth0 netns $!
  ip address add 192.168.1.1/24 brd + dev "$1"
  ip link set "$1" up
  nsenter -t $! -n sh -c 'ip address add 192.168.1.2/24 brd + dev eth0
    ip link set eth0 up
    ip link set lo up'
  nsenter -t $! -n "$2" run --id nas --port 22 --control "$directory/nas.sock" \
    2>"$directory/nas.log" &
}

has_other_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
