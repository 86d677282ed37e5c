// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading a Linux bzImage by its 64-bit boot protocol (the kernel's
 * Documentation/x86/boot.rst and zero-page.rst).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../file.h"
#include "../layout.h"
#include "../log.h"
#include "e820.h"
#include "linux.h"

#define HDR_OFFSET	0x1f1	/* struct setup_header in the file */
#define HDR_END_BYTE	0x201	/* the header ends that many bytes after 0x202 */
#define HDR_END_BASE	0x202
#define BOOT_FLAG	0xaa55
#define HDR_MAGIC	0x53726448	/* "HdrS" */
#define VERSION_64	0x020c	/* the first with a 64-bit entry */
#define LOADER_OTHER	0xff	/* a boot loader without a number of its own */
#define ENTRY_64	0x200	/* from where the kernel is loaded */
#define SECTOR		512
#define VID_MODE_NORMAL	0xffff

#define PTE_PRESENT	1ull
#define PTE_WRITE	(1ull << 1)
#define PTE_LARGE	(1ull << 7)
/* Access the descriptors as accessed, present, flat, 4 KiB units. */
#define GDT_CODE64	0x00af9b000000ffffull
#define GDT_DATA	0x00cf93000000ffffull

static const char *linux_not_bzimage(const uint8_t *head, size_t len)
{
	if (len >= 4 && !memcmp(head, "\177ELF", 4))
		return "it is an ELF file, not a bzImage (arch/x86/boot/bzImage in a kernel tree, /boot/vmlinuz-* on a system)";
	if (len >= 2 && head[0] == 0x1f && head[1] == 0x8b)
		return "it is a gzip file, not a bzImage";
	return "it is not a Linux bzImage";
}

static const char *linux_parse_size(uint64_t file_size, struct linux_image *img)
{
	const struct setup_header *h = &img->hdr;
	unsigned int sects = h->setup_sects ? h->setup_sects : 4;

	img->payload_offset = (uint64_t)(sects + 1) * SECTOR;
	img->payload_size = (uint64_t)h->syssize * 16;
	if (img->payload_size <= ENTRY_64)
		return "its header gives it no code";
	if (file_size < img->payload_offset || file_size - img->payload_offset < img->payload_size)
		return "it is truncated: shorter than its header says";
	if (h->init_size < img->payload_size)
		return "its header is wrong: init_size is less than the kernel";
	return NULL;
}

/**
 * linux_parse() - Read and check a bzImage's setup header.
 * @head: the file's beginning.
 * @len: bytes of it, LINUX_HEAD_SIZE or the whole file if that is less.
 * @file_size: bytes in the whole file.
 * @img: filled in.
 *
 * Return: NULL, or what is wrong with it, as part of a sentence.
 */
const char *linux_parse(const uint8_t *head, size_t len, uint64_t file_size,
			struct linux_image *img)
{
	struct setup_header *h = &img->hdr;
	const char *wrong;
	size_t hdr_len;

	memset(img, 0, sizeof(*img));
	if (len < HDR_OFFSET + sizeof(*h))
		return len > 4 && memcmp(head, "MZ", 2) == 0 ?
		       "it is truncated: too short for a kernel" : linux_not_bzimage(head, len);
	memcpy(h, head + HDR_OFFSET, sizeof(*h));
	if (h->boot_flag != BOOT_FLAG || h->header != HDR_MAGIC)
		return linux_not_bzimage(head, len);
	if (h->version < VERSION_64)
		return "it is too old: its boot protocol has no 64-bit entry (2.12)";
	/* What follows the header in the file is code, not ours to pass on. */
	hdr_len = HDR_END_BASE + head[HDR_END_BYTE] - HDR_OFFSET;
	if (hdr_len < offsetof(struct setup_header, init_size) + sizeof(h->init_size))
		return "its header is wrong: too short for its version";
	if (hdr_len < sizeof(*h))
		memset((uint8_t *)h + hdr_len, 0, sizeof(*h) - hdr_len);
	if (!(h->xloadflags & XLF_KERNEL_64))
		return "it is not a 64-bit kernel";
	if (!(h->loadflags & LOADED_HIGH))
		return "its header is wrong: a 64-bit kernel that wants to be loaded below 1 MiB";
	wrong = linux_parse_size(file_size, img);
	if (wrong)
		return wrong;

	img->load_gpa = h->pref_address;
	img->load_size = h->init_size;
	/* A kernel's own 2 MiB tables want at least this. */
	if (img->load_gpa < HIGHMEM_START || img->load_gpa % KIB(4) ||
	    img->load_size > HOLE_START || img->load_gpa > HOLE_START - img->load_size)
		return "its header is wrong: its preferred address is outside low memory";
	img->initrd_max = h->initrd_addr_max;
	return NULL;
}

/**
 * linux_place_initrd() - Find a place for the initrd.
 * @img: the kernel.
 * @low: bytes of RAM below the hole.
 * @size: the initrd's bytes.
 * @gpa: where: as high as memory and the kernel allow, page aligned, above the kernel.
 *
 * Return: STATUS_OK or STATUS_MEMORY, without a message.
 */
enum status linux_place_initrd(const struct linux_image *img, uint64_t low, uint64_t size,
			       uint64_t *gpa)
{
	uint64_t bottom = img->load_gpa + img->load_size;
	uint64_t top = low;

	if (img->initrd_max < top - 1)
		top = img->initrd_max + 1;
	if (top < bottom || top - bottom < size)
		return STATUS_MEMORY;
	*gpa = (top - size) & ~(KIB(4) - 1);
	return *gpa < bottom ? STATUS_MEMORY : STATUS_OK;
}

static enum status linux_load_kernel(const struct mem *mem, const char *path,
				     struct linux_image *img)
{
	uint8_t head[LINUX_HEAD_SIZE];
	const char *wrong;
	enum status st;
	struct file f;
	size_t len;
	void *p;

	st = file_open(&f, "kernel", path);
	if (st != STATUS_OK)
		return st;
	len = f.size < sizeof(head) ? f.size : sizeof(head);
	st = file_read(&f, head, len, 0);
	if (st != STATUS_OK)
		goto out;
	wrong = linux_parse(head, len, f.size, img);
	if (wrong) {
		log_error("cannot use the kernel %s: %s", path, wrong);
		st = STATUS_IMAGE;
		goto out;
	}
	p = mem_hva(mem, img->load_gpa, img->load_size);
	if (!p) {
		log_error("the kernel %s needs more memory: use --memory %" PRIu64 "M at least",
			  path, ((img->load_gpa + img->load_size) >> 20) + 1);
		st = STATUS_MEMORY;
		goto out;
	}
	st = file_read(&f, p, img->payload_size, img->payload_offset);
out:
	file_close(&f);
	return st;
}

static enum status linux_load_initrd(const struct mem *mem, const char *path,
				     const struct linux_image *img, struct boot_params *bp)
{
	enum status st;
	struct file f;
	uint64_t gpa;
	void *p;

	st = file_open(&f, "initrd", path);
	if (st != STATUS_OK)
		return st;
	st = linux_place_initrd(img, mem->low, f.size, &gpa);
	p = st == STATUS_OK ? mem_hva(mem, gpa, f.size) : NULL;
	if (!p) {
		uint64_t need = img->load_gpa + img->load_size + f.size;

		if (f.size > img->initrd_max || need > HOLE_START)
			log_error("cannot use the initrd %s: its %" PRIu64 " MiB are more than this kernel can take",
				  path, f.size >> 20);
		else
			log_error("the kernel and the initrd %s (%" PRIu64 " MiB) need more memory: use --memory %" PRIu64 "M at least",
				  path, f.size >> 20, (need >> 20) + 1);
		st = STATUS_MEMORY;
		goto out;
	}
	st = file_read(&f, p, f.size, 0);
	bp->hdr.ramdisk_image = gpa;
	bp->hdr.ramdisk_size = f.size;
out:
	file_close(&f);
	return st;
}

static enum status linux_set_cmdline(const struct mem *mem, const char *cmdline,
				     struct boot_params *bp)
{
	size_t len = strlen(cmdline), max = CMDLINE_MAX - 1;
	char *p;

	if (bp->hdr.cmdline_size < max)
		max = bp->hdr.cmdline_size;
	if (len > max) {
		log_error("--append is too long: %zu characters, this kernel takes %zu", len, max);
		return STATUS_USAGE;
	}
	p = mem_hva(mem, CMDLINE_GPA, len + 1);
	if (!p)
		return STATUS_MEMORY;
	memcpy(p, cmdline, len + 1);
	bp->hdr.cmd_line_ptr = CMDLINE_GPA;
	return STATUS_OK;
}

static void linux_set_e820(const struct mem *mem, struct boot_params *bp)
{
	struct e820 map;
	unsigned int i;

	e820_build(&map, mem->low, mem->high);
	for (i = 0; i < map.nr; i++) {
		bp->e820_table[i].addr = map.range[i].base;
		bp->e820_table[i].size = map.range[i].size;
		bp->e820_table[i].type = map.range[i].type;
	}
	bp->e820_entries = map.nr;
}

/* The first 4 GiB mapped to themselves with 2 MiB pages, and the two segments. */
static void linux_set_tables(const struct mem *mem)
{
	uint64_t *pml4 = mem_hva(mem, BOOT_PGTABLE_GPA, KIB(4) * 6);
	uint64_t *gdt = mem_hva(mem, BOOT_GDT_GPA, 4 * sizeof(*gdt));
	uint64_t *pdpt = pml4 + 512, *pd = pml4 + 1024;
	unsigned int i;

	pml4[0] = (BOOT_PGTABLE_GPA + KIB(4)) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < 4; i++)
		pdpt[i] = (BOOT_PGTABLE_GPA + KIB(4) * (2 + i)) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = MIB(2) * i | PTE_PRESENT | PTE_WRITE | PTE_LARGE;

	gdt[0] = gdt[1] = 0;
	gdt[BOOT_CS / 8] = GDT_CODE64;
	gdt[BOOT_DS / 8] = GDT_DATA;
}

/**
 * linux_load() - Put a kernel, its initrd and its parameters into guest memory.
 * @mem: guest memory, all zero where it matters.
 * @files: what to load.
 * @rsdp: gpa of ACPI's RSDP.
 * @entry: where the first vCPU starts.
 *
 * Return: STATUS_OK or the reason's status, with a message.
 */
enum status linux_load(const struct mem *mem, const struct linux_files *files, uint64_t rsdp,
		       struct boot_entry *entry)
{
	struct linux_image img;
	struct boot_params *bp;
	enum status st;

	st = linux_load_kernel(mem, files->kernel, &img);
	if (st != STATUS_OK)
		return st;
	/* The kernel fits, so everything below it does. */
	bp = mem_hva(mem, BOOT_PARAMS_GPA, sizeof(*bp));
	memset(bp, 0, sizeof(*bp));
	bp->hdr = img.hdr;
	bp->hdr.type_of_loader = LOADER_OTHER;
	bp->hdr.vid_mode = VID_MODE_NORMAL;
	bp->hdr.ramdisk_image = bp->hdr.ramdisk_size = 0;
	bp->hdr.code32_start = img.load_gpa;
	bp->acpi_rsdp_addr = rsdp;
	if (files->initrd) {
		st = linux_load_initrd(mem, files->initrd, &img, bp);
		if (st != STATUS_OK)
			return st;
	}
	st = linux_set_cmdline(mem, files->cmdline, bp);
	if (st != STATUS_OK)
		return st;
	linux_set_e820(mem, bp);
	linux_set_tables(mem);
	*entry = (struct boot_entry){
		.rip = img.load_gpa + ENTRY_64,
		.rsi = BOOT_PARAMS_GPA,
		.cr3 = BOOT_PGTABLE_GPA,
		.gdt = BOOT_GDT_GPA,
		.gdt_limit = 4 * 8 - 1,
	};
	return STATUS_OK;
}
