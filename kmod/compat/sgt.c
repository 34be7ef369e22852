// SPDX-License-Identifier: GPL-2.0-only
/*
 * The addresses of a lease for an importing device.
 */
#include <linux/dma-mapping.h>
#include <linux/pci-p2pdma.h>
#include <linux/slab.h>
#ifdef BARLEASE_HAVE_PHYS_VEC_TO_SGT
#include <linux/dma-buf-mapping.h>
#endif

#include "../lease.h"
#include "sgt.h"

#ifdef BARLEASE_HAVE_PHYS_VEC_TO_SGT
/*
 * The table for the importer, and the tables that it is put together from: the
 * kernel's helper knows which way the devices reach each other, but up to 7.3
 * it cannot map more than one range through an IOMMU (it puts each at the start
 * of the addresses, which fails for the second with EADDRINUSE).
 */
struct compat_table {
	struct sg_table table;
	unsigned int nr_parts;
	struct sg_table *parts[] __counted_by(nr_parts);
};

static struct sg_table *compat_map_part(struct dma_buf_attachment *attachment,
					struct barlease_lease *lease,
					const struct barlease_extent *extent,
					enum dma_data_direction direction)
{
	struct p2pdma_provider *provider;
	struct phys_vec vec = {
		.paddr = PFN_PHYS(extent->pfn),
		.len = extent->pages << PAGE_SHIFT,
	};

	provider = pcim_p2pdma_provider(lease->dev->core.pdev, lease->bar);
	if (!provider)
		return ERR_PTR(-EOPNOTSUPP);
	return dma_buf_phys_vec_to_sgt(attachment, provider, &vec, 1, vec.len,
				       direction);
}

static void compat_unmap_parts(struct dma_buf_attachment *attachment,
			       struct compat_table *table, unsigned int count,
			       enum dma_data_direction direction)
{
	while (count--) {
		struct sg_table *part = table->parts[count];

		/*
		 * The helper leaves 0 here to say that there are no pages,
		 * which is also how much of the table it would free.
		 */
		part->orig_nents = part->nents;
		dma_buf_free_sgt(attachment, part, direction);
	}
}

static int compat_join_parts(struct compat_table *table)
{
	struct scatterlist *from, *to;
	unsigned int entries = 0;
	unsigned int i;
	int ret, j;

	for (i = 0; i < table->nr_parts; i++)
		entries += table->parts[i]->nents;
	ret = sg_alloc_table(&table->table, entries, GFP_KERNEL);
	if (ret)
		return ret;

	to = table->table.sgl;
	for (i = 0; i < table->nr_parts; i++) {
		for_each_sgtable_dma_sg(table->parts[i], from, j) {
			/* No page: there is none for an importer to use. */
			sg_set_page(to, NULL, 0, 0);
			sg_dma_address(to) = sg_dma_address(from);
			sg_dma_len(to) = sg_dma_len(from);
			to = sg_next(to);
		}
	}
	return 0;
}

struct sg_table *compat_map_extents(struct dma_buf_attachment *attachment,
				    struct barlease_lease *lease,
				    enum dma_data_direction direction)
{
	struct compat_table *table;
	struct sg_table *part;
	unsigned int i;
	int ret;

	table = kzalloc(struct_size(table, parts, lease->nr_extents),
			GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	table->nr_parts = lease->nr_extents;

	for (i = 0; i < table->nr_parts; i++) {
		part = compat_map_part(attachment, lease, &lease->extents[i],
				       direction);
		if (IS_ERR(part)) {
			ret = PTR_ERR(part);
			goto err_unmap;
		}
		table->parts[i] = part;
	}
	ret = compat_join_parts(table);
	if (!ret)
		return &table->table;

err_unmap:
	compat_unmap_parts(attachment, table, i, direction);
	kfree(table);
	return ERR_PTR(ret);
}

void compat_unmap_extents(struct dma_buf_attachment *attachment,
			  struct sg_table *sgt,
			  enum dma_data_direction direction)
{
	struct compat_table *table = container_of(sgt, struct compat_table,
						  table);

	compat_unmap_parts(attachment, table, table->nr_parts, direction);
	sg_free_table(&table->table);
	kfree(table);
}
#else
/* An entry has 32 bits for its length. */
#define COMPAT_MAX_PAGES (SZ_2G >> PAGE_SHIFT)

/* MMIO is not cached, so leases that overlap are no conflict of mappings. */
#define COMPAT_MAP_ATTRS DMA_ATTR_SKIP_CPU_SYNC

static unsigned int compat_count_entries(const struct barlease_lease *lease)
{
	unsigned int entries = 0;
	unsigned int i;

	for (i = 0; i < lease->nr_extents; i++)
		entries += DIV_ROUND_UP(lease->extents[i].pages,
					COMPAT_MAX_PAGES);
	return entries;
}

static void compat_unmap_entries(struct device *dev, struct sg_table *table,
				 unsigned int entries,
				 enum dma_data_direction direction)
{
	struct scatterlist *sgl = table->sgl;

	for (; entries; entries--, sgl = sg_next(sgl))
		dma_unmap_resource(dev, sg_dma_address(sgl), sg_dma_len(sgl),
				   direction, COMPAT_MAP_ATTRS);
}

/* Fills the table; *@mapped says how far it got. */
static int compat_map_entries(struct device *dev,
				       const struct barlease_lease *lease,
				       struct sg_table *table,
				       unsigned int *mapped,
				       enum dma_data_direction direction)
{
	struct scatterlist *sgl = table->sgl;
	unsigned int i;

	*mapped = 0;

	for (i = 0; i < lease->nr_extents; i++) {
		unsigned long pfn = lease->extents[i].pfn;
		unsigned long left = lease->extents[i].pages;

		while (left) {
			unsigned long pages = min(left, COMPAT_MAX_PAGES);
			dma_addr_t address;
			int ret;

			address = dma_map_resource(dev, PFN_PHYS(pfn),
						   pages << PAGE_SHIFT,
						   direction, COMPAT_MAP_ATTRS);
			ret = dma_mapping_error(dev, address);
			if (ret)
				return ret;

			/* No page: there is none for an importer to use. */
			sg_set_page(sgl, NULL, 0, 0);
			sg_dma_address(sgl) = address;
			sg_dma_len(sgl) = pages << PAGE_SHIFT;
			sgl = sg_next(sgl);
			(*mapped)++;
			pfn += pages;
			left -= pages;
		}
	}
	return 0;
}

struct sg_table *compat_map_extents(struct dma_buf_attachment *attachment,
				    struct barlease_lease *lease,
				    enum dma_data_direction direction)
{
	struct device *dev = attachment->dev;
	struct sg_table *table;
	unsigned int mapped;
	int ret;

	table = kzalloc(sizeof(*table), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table(table, compat_count_entries(lease), GFP_KERNEL);
	if (ret)
		goto err_free;

	ret = compat_map_entries(dev, lease, table, &mapped, direction);
	if (!ret)
		return table;

	compat_unmap_entries(dev, table, mapped, direction);
	sg_free_table(table);
err_free:
	kfree(table);
	return ERR_PTR(ret);
}

void compat_unmap_extents(struct dma_buf_attachment *attachment,
			  struct sg_table *table,
			  enum dma_data_direction direction)
{
	compat_unmap_entries(attachment->dev, table, table->nents, direction);
	sg_free_table(table);
	kfree(table);
}
#endif
