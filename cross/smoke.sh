#!/bin/sh
# Runs the program that build.sh made for a device, emulated by qemu-user. Two daemons find each
# other on the loopback of a private network namespace.
#
#     cross/smoke.sh TARGET
set -eu
cd "$(dirname "$0")/.."
. cross/toolchain.sh
use_toolchain "${1:-}" small

find_binary
[ -z "$emulator" ] || need qemu-user-static "$emulator" --version

flags=-n
[ "$(id -u)" = 0 ] || flags=-Urn
# shellcheck disable=SC2016
exec unshare $flags sh -eu -c '
  foghorn=$1
  directory=$(mktemp -d)
  daemons=
  trap "kill \$daemons; wait; rm -rf $directory" EXIT
  ip link set lo up
  $foghorn --version
  for id in nas pi; do
    $foghorn run --id $id --port 22 --interface lo --control "$directory/$id" \
      2>"$directory/$id.log" &
    daemons="$daemons $!"
  done
  # The clients wait for the node, but not for the daemon.
  for attempt in $(seq 100); do
    ! $foghorn status --control "$directory/pi" >/dev/null 2>&1 || break
    sleep 0.1
  done
  found=$($foghorn lookup --wait 20 nas --control "$directory/pi") || {
    cat "$directory"/*.log
    exit 1
  }
  echo "nas is at $found"
  [ "$found" = 127.0.0.1:22 ]
' sh "$runner $binary"
