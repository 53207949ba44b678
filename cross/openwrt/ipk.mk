# Stands in for OpenWrt's build files when the program exists already. ipk.sh reads foghorn/Makefile
# with this file, so only that Makefile lists the contents of the package.

INCLUDE_DIR:=$(TOPDIR)/include
INSTALL_DIR:=install -d -m 0755
INSTALL_BIN:=install -m 0755
INSTALL_CONF:=install -m 0600

# package: puts the files into ROOT, and the metadata for opkg, except the architecture, into
# CONTROL.
define BuildPackage
$(eval $(Package/$(1)))
package:
	$(call Package/$(1)/install,$(ROOT))
	$$(file >$(CONTROL)/conffiles,$$(Package/$(1)/conffiles))
	$$(file >$(CONTROL)/control,$$(fields))
endef

define fields
Package: $(PKG_NAME)
Version: $(PKG_VERSION)-$(PKG_RELEASE)
License: $(PKG_LICENSE)
Section: $(SECTION)
Require-User: $(USERID)
Maintainer: $(PKG_MAINTAINER)
Description: $(TITLE)
$(Package/$(PKG_NAME)/description)
endef
