#!/bin/sh
# Builds foghorn for a device: as small as possible, stripped, and static if the target is musl.
#
#     cross/build.sh TARGET [CARGO ARGUMENTS]
#
# cross/README.md says which target is for which device. The script needs cargo and Debian (or a
# toolchain that has the target). It needs neither Docker nor a downloaded toolchain. It prints the
# path and the size of the program. For thumbv* it builds only the core of the library.
set -eu
cd "$(dirname "$0")/.."
. cross/toolchain.sh
use_toolchain "${1:-}" small
shift

case $target in
thumbv*)
  # shellcheck disable=SC2086
  exec cargo build --lib --no-default-features --target "$target" \
    ${build_std:+-Zbuild-std=core} "$@" ;;
esac

# A library built from source is optimised for size and has no texts of panics: a panic ends the
# program with an illegal instruction.
if [ -n "$build_std" ]; then
  build_std="$build_std -Zbuild-std-features=optimize_for_size -Zpanic-immediate-abort"
  export CARGO_PROFILE_SMALL_PANIC=immediate-abort
fi
# shellcheck disable=SC2086
cargo build --profile small --target "$target" $build_std "$@"
find_binary
echo "$binary: $(wc -c < "$binary") bytes"
