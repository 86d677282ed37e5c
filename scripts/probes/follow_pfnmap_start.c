// SPDX-License-Identifier: GPL-2.0-only
// PFN mappings are followed by start and end (6.12 on), not by follow_pte().
#include <linux/mm.h>

int probe(struct vm_area_struct *vma, unsigned long hva);
int probe(struct vm_area_struct *vma, unsigned long hva)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = hva };
	int r = follow_pfnmap_start(&args);

	if (!r)
		follow_pfnmap_end(&args);
	return r;
}
