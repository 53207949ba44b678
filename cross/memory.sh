#!/bin/sh
# Measures the resident memory of the ARMv7 program that build.sh made, with a full registry. The
# kernel counts, and a kernel for ARM counts other pages than the one here. So qemu-system emulates
# a machine with Debian's kernel, and with foghorn, BusyBox and bash in its initramfs.
# cross/README.md explains the output.
#
#     cross/memory.sh
set -eu
cd "$(dirname "$0")/.."
. cross/toolchain.sh

target=armv7-unknown-linux-musleabihf
find_binary
need qemu-system-arm qemu-system-arm --version
need cpio cpio --version

# The names of the guest's packages. The kernel's name changes with its version.
guest_packages() {
  echo busybox-static bash-static linux-image-armmp
  apt-cache depends linux-image-armmp | sed -n 's/^ *Depends: linux-image-/linux-image-/p'
}

guest=$cache/guest
if [ ! -e "$cache/guest-complete" ]; then
  command -v apt-get >/dev/null ||
    fail "this needs apt-get: the emulated machine uses a kernel and programs of Debian"
  say "fetching a kernel for ARM from Debian"
  rm -rf "$guest"
  unpack armhf "$guest" guest_packages ||
    fail "cannot fetch Debian's linux-image-armmp, busybox-static and bash-static for armhf"
  # An emulated machine needs no modules and no descriptions of real machines.
  rm -rf "$cache/guest/lib" "$cache/guest/usr/lib"
  touch "$cache/guest-complete"
fi

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
root=$directory/root
mkdir -p "$root/bin" "$root/dev" "$root/proc"
cp "$binary" "$root/bin/foghorn"
find "$guest" -type f \( -name busybox -o -name bash-static \) -path '*/bin/*' \
  -exec cp {} "$root/bin" \;
cat > "$root/init" <<'INIT'
#!/bin/bash-static
set -eu
export FOGHORN_CONTROL=/control
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
ip link set lo up
# A datagram to an address of loopback then also has that address as its source.
ip route change table local local 127.0.0.0/8 dev lo

await() { for _ in {1..100}; do "$@" >/dev/null 2>&1 && return; sleep 0.2; done; false; }
is_full() { foghorn status | grep '^registry *256 of 256 nodes'; }

# measure OPTIONS OF foghorn run: prints a table of resident memory.
measure() {
  foghorn run --interface lo --id nas --port 22 --log error "$@" &
  await foghorn status
  # 16 nodes from each of 16 addresses: 32 from one address are allowed. Their names are as long as
  # those of the reference node.
  for number in {0..255}; do
    printf '\000\022\020\045\125\360\000\064%s%04d\0\0\0\0' \
      P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZ "$number" \
      > "/dev/udp/127.1.1.$((number % 16 + 1))/21025"
  done
  await is_full
  # With --state the daemon now saves its nodes. The rest of the time is for answers.
  kill -HUP $!
  sleep 5
  is_full
  printf '| foghorn run%s | resident |\n| --- | ---: |\n' "${*:+ $*}"
  awk '/^[0-9a-f]+-/ { mapping = $2 " " ($6 == "" ? "without a name" : $6) }
    /^Rss:/ { sum += $2; if ($2) print "| " mapping " | " $2 " kB |" }
    END { print "| Sum | " sum " kB |" }' /proc/$!/smaps
  kill $!
  wait
}

measure
measure --state /state
echo measured
poweroff -f
INIT
chmod +x "$root"/bin/* "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc) > "$directory/initramfs"

# If /init fails, the kernel panics, which ends the emulation. It takes half a minute on a PC.
say "emulating a Cortex-A7 with $(basename "$guest"/boot/vmlinuz-*)"
console=$directory/console
timeout 300 qemu-system-arm -M virt,highmem=off -cpu cortex-a7 -m 256 -nic none -nographic \
  -no-reboot -kernel "$guest"/boot/vmlinuz-* -initrd "$directory/initramfs" \
  -append 'console=ttyAMA0 quiet panic=-1' < /dev/null > "$console" 2>&1 || true
grep -q '^measured' "$console" || { cat "$console" >&2; fail "the measurement was not finished"; }
tr -d '\r' < "$console" | grep '^|'
