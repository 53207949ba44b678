# What foghorn/Makefile gets from OpenWrt in a feed, as far as a package needs it whose program is there already: ipk.sh reads that file
# with this one, so that what is in the package is listed there alone.

INCLUDE_DIR:=$(TOPDIR)/include
INSTALL_DIR:=install -d -m 0755
INSTALL_BIN:=install -m 0755
INSTALL_CONF:=install -m 0600

# package: the files go to ROOT, what opkg is told of them to CONTROL, but for the architecture.
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
