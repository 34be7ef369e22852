# SPDX-License-Identifier: GPL-2.0-only
#
# Compares the kernel to build for with the list of those that are tested
# (../kernels). Said here, it is one sentence; the compiler would say it once a
# file, among what else does not compile.

barlease_tested := $(shell sed -n 's/^\[\([0-9]*\.[0-9]*\)\]$$/\1/p' \
	$(src)/kernels | sort -V)
barlease_lowest := $(firstword $(barlease_tested))
barlease_highest := $(lastword $(barlease_tested))
barlease_this := $(VERSION).$(PATCHLEVEL)

# $(call barlease_below,A,B) is not empty if version A is below B.
barlease_below = $(filter-out $(2),$(firstword \
	$(shell printf '%s\n' $(1) $(2) | sort -V)))

# Kbuild reads this file for more than building, and once is enough.
ifneq ($(filter %/Makefile.build,$(firstword $(MAKEFILE_LIST))),)
ifeq ($(barlease_tested),)
$(error barlease-vfio-pci: $(src)/kernels names no kernel)
endif
ifneq ($(call barlease_below,$(barlease_this),$(barlease_lowest)),)
$(error barlease-vfio-pci needs Linux $(barlease_lowest) or newer, this is Linux $(KERNELVERSION))
endif
ifneq ($(call barlease_below,$(barlease_highest),$(barlease_this)),)
$(warning warning: barlease-vfio-pci is tested up to Linux $(barlease_highest), this is Linux $(KERNELVERSION))
else ifeq ($(filter $(barlease_this),$(barlease_tested)),)
$(info barlease-vfio-pci: this is Linux $(KERNELVERSION), between those that are tested ($(barlease_tested)))
endif
endif
