#!/bin/sh
# Runs a 32-bit program that build.sh made in the year 2040, which the older system calls cannot
# express. qemu-user asks the C library of this machine for the time, and a library of this script
# answers instead.
#
#     cross/2040.sh TARGET
set -eu
cd "$(dirname "$0")/.."
. cross/toolchain.sh
use_toolchain "${1:-}" small

find_binary
[ -n "$emulator" ] ||
  fail "a binary for $target needs no emulator, so it asks the kernel for the time"
# The static emulator would not do: a library cannot replace a function of its C library.
runner="${emulator%-static}${runner#"$emulator"}"
need qemu-user "${emulator%-static}" --version
need gcc cc --version

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cc -shared -fPIC -x c -o "$directory/2040.so" - <<'END'
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
  int failed = syscall(SYS_clock_gettime, clock, time);
  if (!failed && clock == CLOCK_REALTIME)
    time->tv_sec = 2208988800 + time->tv_sec % 86400;
  return failed;
}
END

flags=-n
[ "$(id -u)" = 0 ] || flags=-Urn
# shellcheck disable=SC2016
unshare $flags sh -eu -c '
  ip link set lo up
  export FOGHORN_CONTROL="$2/control" LD_PRELOAD="$2/2040.so"
  for start in first second; do
    $1 run --interface lo --state "$2/state" 2>"$2/log" &
    trap "kill $! 2>/dev/null; wait" EXIT
    for attempt in $(seq 100); do
      ! $1 status >/dev/null 2>&1 || break
      sleep 0.1
    done
    told=$($1 doctor || true)
    kill $!
    trap - EXIT
    wait
    cat "$2/log"
    case $told in
    *"the clock"*) echo "$told"; exit 1 ;;
    *"the daemon answers"*) ;;
    *) exit 1 ;;
    esac
  done
  grep -q "restored [0-9]* nodes from .*, saved [0-9]* s ago" "$2/log"
' sh "$runner $binary" "$directory"
