#!/bin/sh
# Builds foghorn for a device: as small as it gets, stripped, and static where the target is musl.
#
#     cross/build.sh TARGET [CARGO ARGUMENTS]
#
# cross/README.md tells which target is for which device. It needs Debian (or a toolchain that has the target) and cargo, and neither Docker
# nor a toolchain from elsewhere. It prints the path and the size of what it made. For thumbv* it builds the library's core alone.
set -eu
cd "$(dirname "$0")/.."
. cross/toolchain.sh
use_toolchain "${1:-}" small
shift

case $target in
thumbv*)
  # shellcheck disable=SC2086
  exec cargo build --lib --no-default-features --target "$target" ${build_std:+-Zbuild-std=core} "$@" ;;
esac

# A library built from source is built for size and without the text of panics: who panics dies by an illegal instruction.
if [ -n "$build_std" ]; then
  build_std="$build_std -Zbuild-std-features=optimize_for_size -Zpanic-immediate-abort"
  export CARGO_PROFILE_SMALL_PANIC=immediate-abort
fi
# shellcheck disable=SC2086
cargo build --profile small --target "$target" $build_std "$@"
find_binary
echo "$binary: $(wc -c < "$binary") bytes"
