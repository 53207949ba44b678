#!/bin/sh
# Makes a package for Debian and Raspberry Pi OS of what cross/build.sh has left for a target, and prints its path.
#
#     cross/debian/build.sh TARGET [DIRECTORY [CARGO DEB ARGUMENTS]]
#
# The package is left in DIRECTORY, which is target/debian unless one is given. It holds the same bytes whenever and wherever it is made of
# the same binary and commit. Raspberry Pi OS calls ARMv6 armhf, too: the package for that runs on every Raspberry Pi.
set -eu
cd "$(dirname "$0")/../.."
. cross/toolchain.sh

target=${1:-}
[ $# = 0 ] || shift
directory=${1:-target/debian}
[ $# = 0 ] || shift
case $target in
x86_64-unknown-linux-musl | aarch64-unknown-linux-musl | arm-unknown-linux-musleabihf) ;;
*) fail "there is a package for each of x86_64-unknown-linux-musl, aarch64-unknown-linux-musl and arm-unknown-linux-musleabihf" ;;
esac
binary=${CARGO_TARGET_DIR:-target}/$target/small/foghorn
[ -x "$binary" ] || fail "there is no $binary: cross/build.sh $target makes it"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
grep -q "^foghorn ($version-" cross/debian/changelog || fail "cross/debian/changelog has no entry for $version"

cargo install --quiet --locked --debug --root target/tools --version 3.8.0 cargo-deb
# A checkout without its history was made by somebody who unpacked an archive: then the day of the package's changelog will do.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date -d "$(sed -n 's/^ -- .*>  //p' cross/debian/changelog | head -n 1)" +%s)
export SOURCE_DATE_EPOCH
target/tools/bin/cargo-deb deb --locked --no-build --no-strip --target "$target" --profile small --output "$directory/" "$@"
