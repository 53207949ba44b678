#!/bin/sh
# Runs the tests for a device's processor, emulated by qemu-user: unit and integration tests, with
# the daemon and its clients as the device would run them.
#
#     cross/test.sh TARGET [ARGUMENTS OF cargo test]
set -eu
cd "$(dirname "$0")/.."
. cross/toolchain.sh
use_toolchain "${1:-}"
shift

case $target in
thumbv*) fail "nothing runs on $target here: cross/build.sh builds the core for it" ;;
esac
[ -z "$emulator" ] || need qemu-user-static "$emulator" --version
# An emulated instruction costs ten, so optimising pays. And qemu-user 7.2 hangs if one thread forks
# while another is in its slice allocator.
[ -z "$emulator" ] || export CARGO_PROFILE_DEV_OPT_LEVEL=1 G_SLICE=always-malloc
# Tests start the binary too, and the kernel does not know by itself how to run it.
export FOGHORN_TEST_RUNNER="$runner"
# shellcheck disable=SC2086
exec cargo test --target "$target" $build_std "$@"
