# SPDX-License-Identifier: GPL-2.0-only
#
# Asks the kernel's headers what they offer, by feature rather than by version:
# distributions backport. Each line defines BARLEASE_HAVE_<name> when the
# (extended) pattern stands in the header; compat.h says what follows from it.

barlease_have = $(if $(shell grep -qsE '$(2)' $(srctree)/include/linux/$(1) \
	&& echo y),-DBARLEASE_HAVE_$(3))

ccflags-y += $(call barlease_have,module.h,import_ns.*__stringify,NS_TOKEN)
ccflags-y += $(call barlease_have,huge_mm.h,vmf_insert_pfn_pmd.*pfn_t,PFN_T)
ccflags-y += $(call barlease_have,mm.h,zap_vma_ptes,ZAP_VMA_PTES)
ccflags-y += $(call barlease_have,vfio.h,get_region_info_caps,REGION_INFO_CAPS)
ccflags-y += $(call barlease_have,vfio.h,match_token_uuid,MATCH_TOKEN_UUID)
ccflags-y += $(call barlease_have,vfio.h,pasid_attach_ioas,PASID_IOAS)
ccflags-y += $(call barlease_have,vfio_pci_core.h,__vfio_pci_memory_enabled,MEMORY_ENABLED)
ccflags-y += $(call barlease_have,vfio_pci_core.h,vfio_pci_core_setup_barmap,LAZY_BARMAP)
ccflags-y += $(call barlease_have,vfio_pci_core.h,vfio_pci_core_set_params,GLOBAL_PARAMS)
ccflags-y += $(call barlease_have,dma-buf-mapping.h,struct phys_vec \*,PHYS_VEC_TO_SGT)
ccflags-y += $(call barlease_have,dma-buf.h,dma_buf_attach_revocable,ATTACH_REVOCABLE)
ccflags-y += $(call barlease_have,dma-buf.h,dma_buf_invalidate_mappings,INVALIDATE_MAPPINGS)
ccflags-y += $(call barlease_have,dma-buf.h,\*invalidate_mappings,INVALIDATE_MAPPINGS_OP)
