
# SPDX-License-Identifier: GPL-2.0-only
# Appended to kmod/Kbuild where KCSAN is; see kcsan-watch.c.
barlease-vfio-pci-y += kcsan-watch.o
KCSAN_SANITIZE_kcsan-watch.o := n
LDFLAGS_barlease-vfio-pci.o := $(addprefix --wrap=__tsan_, \
	$(foreach kind,read write read_write,$(addprefix $(kind),1 2 4 8)))
