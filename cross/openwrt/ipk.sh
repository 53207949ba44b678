#!/bin/sh
# Packs the program that build.sh made for a target for OpenWrt's opkg: a package for each name that
# OpenWrt has for such processors.
#
#     cross/openwrt/ipk.sh TARGET [DIRECTORY]
#
# The packages go to DIRECTORY, by default target/dist. The script needs GNU make. OpenWrt 25.12 and
# later has apk instead of opkg: see cross/README.md.
set -eu
cd "$(dirname "$0")/../.."
. cross/toolchain.sh
. cross/package.sh
use_binary "${1:-}"
output=$(realpath -m "${2:-${CARGO_TARGET_DIR:-target}/dist}")

# `opkg print-architecture` prints the name on the router.
case $target in
armv7-unknown-linux-musleabihf)
  architectures="arm_cortex-a5_vfpv4 arm_cortex-a7_neon-vfpv4 arm_cortex-a7_vfpv4 \
arm_cortex-a8_vfpv3 arm_cortex-a9_neon arm_cortex-a9_vfpv3-d16 arm_cortex-a15_neon-vfpv4" ;;
arm-unknown-linux-musleabihf) architectures=arm_arm1176jzf-s_vfp ;;
aarch64-unknown-linux-musl)
  architectures="aarch64_cortex-a53 aarch64_cortex-a72 aarch64_cortex-a76 aarch64_generic" ;;
armv5te-unknown-linux-musleabi) architectures="arm_arm926ej-s arm_cortex-a9 arm_xscale" ;;
mipsel-unknown-linux-musl) architectures=mipsel_24kc ;;
mips-unknown-linux-musl) architectures=mips_24kc ;;
x86_64-unknown-linux-musl) architectures=x86_64 ;;
*) fail "OpenWrt has no processor for $target" ;;
esac

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
umask 022
mkdir -p "$directory/include" "$directory/feeds/packages/lang/rust" "$directory/bin" \
  "$directory/control" "$output"

# foghorn/Makefile includes three files of OpenWrt. The first one here stands in for all three.
cp cross/openwrt/ipk.mk "$directory/rules.mk"
touch "$directory/include/package.mk" "$directory/feeds/packages/lang/rust/rust-package.mk"
cp "$binary" "$directory/bin/foghorn"
make --silent --no-print-directory -C cross/openwrt/foghorn package TOPDIR="$directory" \
  PKG_INSTALL_DIR="$directory" ROOT="$directory/root" CONTROL="$directory/control"

# OpenWrt itself adds the user, and starts and stops the service. Both scripts begin like those of
# OpenWrt's own build.
for script in postinst prerm; do
  {
    echo '#!/bin/sh'
    # shellcheck disable=SC2016
    [ "$script" = prerm ] || echo '[ "${IPKG_NO_SCRIPT}" = "1" ] && exit 0'
    cat <<END
[ -s "\${IPKG_INSTROOT}/lib/functions.sh" ] || exit 0
. "\${IPKG_INSTROOT}/lib/functions.sh"
default_$script "\$0" "\$@"
END
  } > "$directory/control/$script"
  chmod 0755 "$directory/control/$script"
done

echo 2.0 > "$directory/debian-binary"
archive "$directory/root" . > "$directory/data.tar.gz"
cp "$directory/control/control" "$directory/fields"
size=$(gzip -dc "$directory/data.tar.gz" | wc -c)
package=$(sed -n 's/^Version: //p' "$directory/fields")
for architecture in $architectures; do
  # The description has several lines, so it is the last field.
  sed "/^Description:/i Architecture: $architecture\nInstalled-Size: $size" "$directory/fields" \
    > "$directory/control/control"
  archive "$directory/control" . > "$directory/control.tar.gz"
  ipk=$output/foghorn_${package}_$architecture.ipk
  archive "$directory" ./debian-binary ./data.tar.gz ./control.tar.gz > "$ipk"
  echo "$ipk"
done
