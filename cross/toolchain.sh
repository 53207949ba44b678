# shellcheck shell=sh
# Sourced by the scripts beside it: finds or fetches the tools that build foghorn for a device and
# run it here.
#
#     use_toolchain TARGET [small]
#
# sets cargo's environment: the compiler, the linker, their flags and the runner. It sets build_std
# to the arguments of cargo for that compiler, emulator to the program that runs the target's
# programs, and runner to its whole command. All three are empty if nothing is needed.
#
# If the installed toolchain has the target, the script uses that. Otherwise, on Debian, it unpacks
# the compiler rustc-web and the source of that compiler's library into a cache directory, and
# builds the library from source: compiler and source must match. The linker and C library for musl
# come with zig, from PyPI, in the same directory. The linkers for glibc and the emulator are
# ordinary Debian packages.

say() { echo "cross: $*" >&2; }
fail() { say "$*"; exit 1; }

targets="armv7-unknown-linux-gnueabihf armv7-unknown-linux-musleabihf \
arm-unknown-linux-musleabihf armv5te-unknown-linux-musleabi aarch64-unknown-linux-musl \
x86_64-unknown-linux-musl mipsel-unknown-linux-musl mips-unknown-linux-musl \
thumbv6m-none-eabi thumbv7em-none-eabi thumbv7em-none-eabihf"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/foghorn-cross
mkdir -p "$cache/bin"
cache=$(cd "$cache" && pwd)
root=$cache/root

# need PACKAGE COMMAND: installs the Debian package of a command that does not run. Only root can,
# and with FOGHORN_NO_INSTALL it only says what is missing.
need() {
  package=$1
  shift
  "$@" >/dev/null 2>&1 && return
  command -v apt-get >/dev/null ||
    fail "'$*' does not work; on Debian it is in the package $package"
  if [ "$(id -u)" != 0 ] || [ -n "${FOGHORN_NO_INSTALL:-}" ]; then
    fail "'$*' does not work; as root: apt-get install $package"
  fi
  say "installing $package"
  apt-get -qq update >&2
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$package" >&2
}

# unpack ARCHITECTURE DIRECTORY NAMES: unpacks packages of Debian into a directory. The function
# NAMES prints their names. It installs nothing.
unpack() {
  apt=$cache/apt-$1
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs" "$2"
  # This apt has a state of its own over the system's sources: it downloads packages, and knows of
  # none that is installed.
  cat > "$apt/conf" <<END
Dir::State "$apt"; Dir::State::status "$apt/status"; Dir::Cache "$apt/cache";
APT::Architecture "$1"; APT::Architectures { "$1"; }; APT::Sandbox::User "root";
Acquire::Languages "none"; Acquire::Retries "3";
END
  : > "$apt/status"
  # shellcheck disable=SC2046
  (
    export APT_CONFIG="$apt/conf"
    # The update fails even if only one of many sources fails. If packages are missing then, the
    # download shows it.
    apt-get -qq update || true
    cd "$apt/debs" && apt-get -qq download $("$3")
  ) >&2 || return
  for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" "$2" || return; done
  rm -f "$apt"/debs/*.deb
}

# The names of the compiler's packages, and of the libraries that not every Debian has. Those names
# change with their versions.
compiler() {
  echo rustc-web rust-web-src
  apt-cache depends --recurse --important rustc-web |
    grep -xE 'libstd-rust-web-.*|libllvm[0-9]+|lib(edit|bsd|md|ffi|icu|xml2|z3)[-0-9]*' | sort -u
}

# Unpacks Debian's compiler, with the source of its library, beside the system.
fetch_compiler() {
  [ -e "$cache/compiler-complete" ] && return
  command -v apt-get >/dev/null || fail "the toolchain has no $target: rustup target add $target"
  say "the toolchain has no $target: fetching a compiler with the source of its library from Debian"
  unpack "$(dpkg --print-architecture)" "$root" compiler ||
    fail "Debian's rustc-web could not be fetched; rustup target add $target would do as well"
  touch "$cache/compiler-complete"
}

use_compiler() {
  libdir=$(rustc --print target-libdir --target "$target" 2>/dev/null || true)
  if [ -n "$libdir" ] && [ -d "$libdir" ]; then
    say "building for $target with the installed $(rustc --version)"
    build_std=
    return
  fi
  fetch_compiler
  # Another build may be running these, so each is replaced as a whole.
  for program in rustc rustdoc; do
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' \
      "$(echo "$root"/usr/lib/*-linux-gnu)" "$root/usr/bin/$program" > "$cache/bin/$program.$$"
    chmod +x "$cache/bin/$program.$$"
    mv "$cache/bin/$program.$$" "$cache/bin/$program"
  done
  say "building for $target, with its standard library," \
    "with Debian's $("$cache/bin/rustc" --version)"
  # A stable compiler builds its library only with this confirmation.
  export RUSTC="$cache/bin/rustc" RUSTDOC="$cache/bin/rustdoc" RUSTC_BOOTSTRAP=1
  # shellcheck disable=SC2034
  build_std=-Zbuild-std=std,panic_abort
}

# zig ARGUMENTS: makes a linker from zig's C compiler, which has musl's source for every
# architecture.
zig() {
  if [ ! -e "$cache/zig-complete" ]; then
    say "fetching zig, for its linker and musl"
    need python3-venv python3 -c 'import ensurepip'
    rm -rf "$cache/zig"
    { python3 -m venv "$cache/zig" && "$cache/zig/bin/pip" install -q ziglang==0.13.0; } >&2 ||
      fail "zig could not be fetched from PyPI"
    touch "$cache/zig-complete"
  fi
  export ZIG_GLOBAL_CACHE_DIR="$cache/zig-cache"
  # The linker belongs to this checkout, because it names a file of it.
  linker=$(realpath -m "${CARGO_TARGET_DIR:-target}")/zig-$target$small
  mkdir -p "${linker%/*}"
  # The script removes a workaround for the errata of one core, which zig's linker does not know,
  # and in small builds the unwinding library: nothing unwinds the stack, and it would add musl's
  # stdio, 1 kB.
  left_out='-Wl,--fix-cortex-a53-*'
  [ -z "$small" ] || left_out="$left_out | -lunwind"
  # The linker takes one script, the last one. For a log in frames that is the program's own, and
  # then all code lies together.
  cat > "$linker" <<END
#!/bin/sh
for argument do
  shift
  case \$argument in $left_out) ;; *) set -- "\$@" "\$argument" ;; esac
done
exec $(echo "$cache"/zig/lib/python3*/site-packages/ziglang/zig) cc $* -T $PWD/cross/layout.ld "\$@"
END
  chmod +x "$linker"
  # A program at a fixed address needs no relocation: less code, and no page that is written before
  # it is read.
  flags="$flags -Clink-self-contained=no -Ctarget-feature=+crt-static"
  flags="$flags -Crelocation-model=static -Crelro-level=off"
}

# find_binary: sets binary to the program that build.sh made for the target.
find_binary() {
  binary=${CARGO_TARGET_DIR:-target}/$target/small/foghorn
  [ -x "$binary" ] || fail "there is no $binary: cross/build.sh $target makes it"
}

# use_toolchain TARGET [small]: see above.
use_toolchain() {
  target=$1
  case " $targets " in
  *" $target "*) ;;
  *) fail "no recipe for the target ${target:-(none given)}; there is one for each of: $targets" ;;
  esac
  use_compiler
  # An installed standard library unwinds the stack.
  small=''
  [ "${2:-}" != small ] || [ -z "$build_std" ] || small=-small

  linker='' runner='' emulator=''
  # The user's own flags for all targets would replace those for this one, so they are joined here.
  flags=${RUSTFLAGS:-}
  unset RUSTFLAGS
  # Every ARMv7 has Thumb-2, whose code is a quarter smaller.
  case $target in armv7-*) flags="$flags -Ctarget-feature=+thumb-mode" ;; esac
  # A build that ends at a panic never unwinds the stack.
  [ "${2:-}" != small ] ||
    flags="$flags -Cforce-unwind-tables=no -Cllvm-args=-enable-machine-outliner=always"
  case $target in
  armv7-unknown-linux-gnueabihf)
    need gcc-arm-linux-gnueabihf arm-linux-gnueabihf-gcc --version
    need libc6-dev-armhf-cross test -e /usr/arm-linux-gnueabihf/lib/Scrt1.o
    linker=arm-linux-gnueabihf-gcc emulator=qemu-arm-static
    runner="-cpu cortex-a9 -L /usr/arm-linux-gnueabihf" ;;
  armv7-unknown-linux-musleabihf)
    # Not every ARMv7 processor can divide or has NEON: those in many a NAS cannot. The C library is
    # Thumb code, too.
    zig -target thumb-linux-musleabihf -mcpu=generic+v7a+vfp3d16 "$PWD/cross/align.s"
    emulator=qemu-arm-static runner="-cpu cortex-a9" ;;
  arm-unknown-linux-musleabihf)
    zig -target arm-linux-musleabihf -mcpu=arm1176jzf_s
    emulator=qemu-arm-static runner="-cpu arm1176" ;;
  armv5te-unknown-linux-musleabi)
    zig -target arm-linux-musleabi -mcpu=arm926ej_s
    emulator=qemu-arm-static runner="-cpu arm926" ;;
  aarch64-unknown-linux-musl)
    zig -target aarch64-linux-musl
    emulator=qemu-aarch64-static runner="-cpu cortex-a53" ;;
  mipsel-unknown-linux-musl | mips-unknown-linux-musl)
    # On MIPS rustix reads the time through the C library, whose old calls end in 2038.
    flags="$flags --cfg=libc_unstable_time64"
    zig -target "${target%%-*}-linux-musl" -msoft-float
    emulator=qemu-${target%%-*}-static runner="-cpu 24Kc" ;;
  x86_64-unknown-linux-musl)
    zig -target x86_64-linux-musl ;;
  esac
  [ -z "$emulator" ] || runner="$emulator $runner"

  # Cargo reads these variables: CARGO_TARGET_(THE TARGET)_LINKER and others.
  variable=CARGO_TARGET_$(echo "$target" | tr a-z- A-Z_)
  [ -z "$linker" ] || export "${variable}_LINKER=$linker"
  [ -z "$runner" ] || export "${variable}_RUNNER=$runner"
  export "${variable}_RUSTFLAGS=$flags" "${variable}_RUSTDOCFLAGS=$flags"
}
