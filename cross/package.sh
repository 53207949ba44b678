# shellcheck shell=sh
# Sourced by the scripts that make packages, after toolchain.sh: what is the same for all packages.
#
#     use_binary TARGET
#
# sets target, binary to what build.sh left for it, and version. SOURCE_DATE_EPOCH is set to the time of all files in packages, if it is not
# yet, so that the same sources make the same packages.

use_binary() {
  target=$1
  # shellcheck disable=SC2154
  case " $targets " in
  *" ${target:-none} "*) ;;
  *) fail "no recipe for the target ${target:-(none given)}; there is one for each of: $targets" ;;
  esac
  find_binary
  binary=$(realpath "$binary")
  # shellcheck disable=SC2034
  version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
  # What is no checkout was made by somebody who unpacked an archive: then the day of Debian's changelog will do.
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null ||
    date -d "$(sed -n 's/^ -- .*>  //p' cross/debian/changelog | head -n 1)" +%s)}
  export SOURCE_DATE_EPOCH
  # Whoever gets the program is told whose work is in it.
  for library in $(cargo tree --quiet --locked -e normal,no-proc-macro --target "$target" --prefix none --format '{p}' | sed 's/ .*//' | sort -u); do
    [ "$library" = foghorn ] || grep -q "^ - $library: " cross/debian/copyright || fail "cross/debian/copyright does not tell of $library"
  done
}

# archive DIRECTORY NAMES: a compressed archive of these files of the directory, to standard output. They belong to root.
archive() {
  from=$1
  shift
  tar -C "$from" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$@" | gzip -9n
}
