#!/bin/sh
# Packs the program that build.sh made for a target for systems without a package of their own: the
# program, ways to start it, and its documentation.
#
#     cross/tarball/build.sh TARGET [DIRECTORY]
#
# The archive goes to DIRECTORY, by default target/dist.
set -eu
cd "$(dirname "$0")/../.."
. cross/toolchain.sh
. cross/package.sh
use_binary "${1:-}"
output=$(realpath -m "${2:-${CARGO_TARGET_DIR:-target}/dist}")

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
umask 022
name=foghorn-$version-$target
packed=$directory/$name
mkdir -p "$packed/completions" "$output"
install -m 755 "$binary" cross/tarball/foghorn.init "$packed"
install -m 644 cross/tarball/Dockerfile cross/tarball/README.md cross/debian/foghorn.service \
  cross/man/foghorn.1 LICENSE-MIT LICENSE-APACHE "$packed"
install -m 644 cross/debian/copyright "$packed/COPYRIGHT"
install -m 644 cross/debian/default "$packed/foghorn.default"
install -m 644 cross/completions/* "$packed/completions"
(cd "$packed" && find . -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum) \
  > "$directory/sums"
mv "$directory/sums" "$packed/SHA256SUMS"
archive "$directory" "$name" > "$output/$name.tar.gz"
echo "$output/$name.tar.gz"
