# shellcheck shell=sh
# Sourced by the scripts that make packages, after toolchain.sh: the parts that are the same for all
# packages.
#
#     use_binary TARGET
#
# sets target, binary (the program that build.sh made for the target) and version. It also sets
# SOURCE_DATE_EPOCH, if that is not set yet: the time of all files in packages. So the same sources
# make the same packages.

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
  # Without a checkout the sources come from an archive. The day of Debian's changelog will do then.
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null ||
    date -d "$(sed -n 's/^ -- .*>  //p' cross/debian/changelog | head -n 1)" +%s)}
  export SOURCE_DATE_EPOCH
  # The copyright file must name every library in the program.
  for library in $(cargo tree --quiet --locked -e normal,no-proc-macro --target "$target" \
    --prefix none --format '{p}' | sed 's/ .*//' | sort -u); do
    [ "$library" = foghorn ] || grep -q "^ - $library: " cross/debian/copyright ||
      fail "cross/debian/copyright does not name $library"
  done
}

# archive DIRECTORY NAMES: writes a compressed archive of these files of the directory to standard
# output. The files belong to root.
archive() {
  from=$1
  shift
  tar -C "$from" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner \
    --mtime="@$SOURCE_DATE_EPOCH" -cf - "$@" | gzip -9n
}
