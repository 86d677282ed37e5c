// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot - make what Bochs needs to boot a kernel without a disk: see rom.S.
 *
 * usage: boot flat VMLINUX OUT
 *		the memory image of an uncompressed kernel (ELF), to be loaded at KERNEL_BASE;
 *		prints its 64-bit entry's address
 *        boot rom ROM VMLINUZ ENTRY INITRD-SIZE COMMAND-LINE OUT
 *		the option ROM (ROM: rom.S assembled) with the parameters of this run in it;
 *		the initramfs lies at INITRD_BASE
 */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <asm/bootparam.h>

#include "layout.h"

static void die(const char *what, const char *why)
{
	fprintf(stderr, "rig: boot: %s: %s\n", what, why);
	exit(1);
}

/* read_file() - the whole of a file and, in @len, its length in bytes. */
static unsigned char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	unsigned char *buf;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
		die(path, strerror(errno));
	rewind(f);
	buf = malloc(size ? size : 1);
	if (!buf || fread(buf, 1, size, f) != (size_t)size)
		die(path, "cannot read it");
	fclose(f);
	*len = size;
	return buf;
}

static void write_file(const char *path, const void *buf, size_t len)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(buf, 1, len, f) != len || fclose(f))
		die(path, strerror(errno));
}

static void flat(const char *vmlinux, const char *out)
{
	uint64_t end = KERNEL_BASE, memory_end = KERNEL_BASE;
	unsigned char *elf, *image;
	const Elf64_Phdr *ph;
	const Elf64_Ehdr *eh;
	size_t len;

	elf = read_file(vmlinux, &len);
	eh = (const Elf64_Ehdr *)elf;
	if (len < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_phentsize != sizeof(*ph) ||
	    eh->e_phoff > len || eh->e_phnum > (len - eh->e_phoff) / sizeof(*ph))
		die(vmlinux, "no 64-bit ELF kernel");
	ph = (const Elf64_Phdr *)(elf + eh->e_phoff);
	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (ph[i].p_offset > len || ph[i].p_filesz > len - ph[i].p_offset ||
		    ph[i].p_paddr < KERNEL_BASE || ph[i].p_paddr > 1u << 30 ||
		    ph[i].p_memsz > 1u << 30)
			die(vmlinux, "a segment lies outside");
		if (ph[i].p_paddr + ph[i].p_filesz > end)
			end = ph[i].p_paddr + ph[i].p_filesz;
		if (ph[i].p_paddr + ph[i].p_memsz > memory_end)
			memory_end = ph[i].p_paddr + ph[i].p_memsz;
	}
	image = calloc(1, end - KERNEL_BASE);
	if (!image)
		die(out, "no memory");
	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD)
			memcpy(image + ph[i].p_paddr - KERNEL_BASE, elf + ph[i].p_offset,
			       ph[i].p_filesz);
	if (eh->e_entry < KERNEL_BASE || eh->e_entry >= end)
		die(vmlinux, "its entry lies outside");
	if (memory_end > INITRD_BASE)
		die(vmlinux, "it reaches to where the initramfs lies");
	write_file(out, image, end - KERNEL_BASE);
	printf("0x%llx\n", (unsigned long long)eh->e_entry);
}

static void rom(char **arg)
{
	const char *rom_file = arg[0], *vmlinuz = arg[1], *words = arg[4], *out = arg[5];
	unsigned char *image, *kernel, sum = 0;
	struct boot_params *params;
	uint64_t entry = strtoull(arg[2], NULL, 0);
	struct setup_header *hdr;
	size_t len, kernel_len;

	image = read_file(rom_file, &len);
	if (len != ROM_SIZE)
		die(rom_file, "not the ROM's size");
	kernel = read_file(vmlinuz, &kernel_len);
	if (kernel_len < 0x1000 || memcmp(kernel + 0x202, "HdrS", 4))
		die(vmlinuz, "no bzImage");
	params = (struct boot_params *)(image + ROM_PARAMS);
	hdr = &params->hdr;
	/* The header ends where the jump at 0x200 goes. */
	len = 0x202 + kernel[0x201] - 0x1f1;
	memcpy(hdr, kernel + 0x1f1, len < sizeof(*hdr) ? len : sizeof(*hdr));
	hdr->type_of_loader = 0xff;
	hdr->loadflags |= LOADED_HIGH;
	hdr->ramdisk_image = INITRD_BASE;
	hdr->ramdisk_size = strtoul(arg[3], NULL, 0);
	hdr->cmd_line_ptr = LOW_CMDLINE;
	if (strlen(words) > hdr->cmdline_size || strlen(words) >= ROM_SIZE - ROM_CMDLINE)
		die("the kernel's command line", "too long");
	strcpy((char *)image + ROM_CMDLINE, words);
	memcpy(image + ROM_ENTRY, &entry, sizeof(entry));
	/* The BIOS takes it for a ROM when all bytes add up to 0. */
	image[ROM_PARAMS - 1] = 0;
	for (size_t i = 0; i < ROM_SIZE; i++)
		sum += image[i];
	image[ROM_PARAMS - 1] = -sum;
	write_file(out, image, ROM_SIZE);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "flat"))
		flat(argv[2], argv[3]);
	else if (argc == 8 && !strcmp(argv[1], "rom"))
		rom(argv + 2);
	else
		die("usage", "boot flat VMLINUX OUT | boot rom ROM VMLINUZ ENTRY SIZE WORDS OUT");
	return 0;
}
