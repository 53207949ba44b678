#!/bin/sh
# Builds all packages for all devices, or for the given targets, into target/dist.
#
#     cross/dist.sh [TARGET...]
#
# It prints each file with its size. SHA256SUMS beside the files has their checksums.
set -eu
cd "$(dirname "$0")/.."
. cross/toolchain.sh

if [ $# = 0 ]; then
  # shellcheck disable=SC2154
  for target in $targets; do
    case $target in *-linux-musl*) set -- "$@" "$target" ;; esac
  done
fi
dist=$(realpath -m "${CARGO_TARGET_DIR:-target}/dist")
rm -rf "$dist"
mkdir -p "$dist"
for target; do
  cross/build.sh "$target" --quiet --locked
  case $target in
  # The package for ARMv6 runs on each Raspberry Pi, and on every machine that Debian calls armhf.
  x86_64-* | aarch64-* | arm-*) cross/debian/build.sh "$target" "$dist" ;;
  esac
  cross/openwrt/ipk.sh "$target" "$dist"
  cross/tarball/build.sh "$target" "$dist"
done >&2
install -m 644 cross/debian/copyright "$dist/COPYRIGHT"
cd "$dist"
files=$(ls)
# shellcheck disable=SC2086
sha256sum $files > SHA256SUMS
# shellcheck disable=SC2086
stat -c '%9s %n' $files
