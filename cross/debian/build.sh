#!/bin/sh
# Makes a package for Debian and Raspberry Pi OS from the program that cross/build.sh made for a
# target, and prints its path.
#
#     cross/debian/build.sh TARGET [DIRECTORY [CARGO DEB ARGUMENTS]]
#
# The package goes to DIRECTORY, by default target/dist. Raspberry Pi OS calls ARMv6 armhf, too, so
# the package for ARMv6 runs on every Raspberry Pi.
set -eu
cd "$(dirname "$0")/../.."
. cross/toolchain.sh
. cross/package.sh
use_binary "${1:-}"
shift
directory=${1:-${CARGO_TARGET_DIR:-target}/dist}
[ $# = 0 ] || shift
# shellcheck disable=SC2154
case $target in
x86_64-unknown-linux-musl | aarch64-unknown-linux-musl | arm-unknown-linux-musleabihf) ;;
*) fail "there is a package for each of x86_64-unknown-linux-musl, aarch64-unknown-linux-musl \
and arm-unknown-linux-musleabihf" ;;
esac
grep -q "^foghorn ($version-" cross/debian/changelog ||
  fail "cross/debian/changelog has no entry for $version"

cargo install --quiet --locked --debug --root target/tools --version 3.8.0 cargo-deb
target/tools/bin/cargo-deb deb --locked --no-build --no-strip --target "$target" --profile small \
  --output "$directory/" "$@"
