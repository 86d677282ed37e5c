// SPDX-License-Identifier: GPL-2.0-only
/* What vmm tells a kernel and how it loads one: e820, ACPI, bzImage. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/acpi.h"
#include "boot/e820.h"
#include "boot/linux.h"
#include "layout.h"
#include "tap.h"

static char dir[] = "/tmp/vmm_boot.XXXXXX";

static const char *path(const char *name)
{
	static char buf[64][64];
	static unsigned int n;
	char *p = buf[n++ % 64];

	snprintf(p, sizeof(buf[0]), "%s/%s", dir, name);
	return p;
}

static void put_file(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(path(name), "w");

	if (!f || fwrite(data, 1, len, f) != len || fclose(f))
		tap_ok(false, "writing a file for the test");
}

static void test_e820(void)
{
	static const struct {
		uint64_t low, high;
	} rows[] = {
		{ MIB(1), 0 }, { MIB(1) + KIB(4), 0 }, { MIB(96), 0 }, { GIB(3) - KIB(4), 0 },
		{ GIB(3), 0 }, { GIB(3), KIB(4) }, { GIB(3), GIB(1000) },
	};
	size_t i;
	unsigned int j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t ram = 0, want = rows[i].low - (HIGHMEM_START - LOWMEM_END) + rows[i].high;
		bool sorted = true, inside = true;
		struct e820 map;

		e820_build(&map, rows[i].low, rows[i].high);
		for (j = 0; j < map.nr; j++) {
			const struct e820_range *r = &map.range[j];
			uint64_t end = r->base + r->size;

			if (j && r->base < r[-1].base + r[-1].size)
				sorted = false;
			if (r->type != E820_RAM)
				continue;
			ram += r->size;
			inside &= end <= rows[i].low ||
				  (r->base >= GIB(4) && end <= GIB(4) + rows[i].high);
		}
		tap_ok(sorted && map.nr <= E820_MAX, "e820 of %llu + %llu MiB: ascending, disjoint",
		       (unsigned long long)rows[i].low >> 20,
			(unsigned long long)rows[i].high >> 20);
		tap_ok(inside && ram == want,
		       "all RAM but the PC's holes: expected 0x%llx, saw 0x%llx",
		       (unsigned long long)want, (unsigned long long)ram);
	}
}

static uint8_t sum(const uint8_t *p, size_t len)
{
	uint8_t s = 0;

	while (len--)
		s += *p++;
	return s;
}

static uint64_t get(const uint8_t *p, unsigned int size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
}

/* A table by its gpa, with its signature, length and checksum checked. */
static const uint8_t *acpi_table(const uint8_t *buf, size_t len, uint64_t gpa, const char *sig)
{
	const uint8_t *t = buf + (gpa - ACPI_GPA);
	bool good = gpa >= ACPI_GPA && gpa - ACPI_GPA + 36 <= len && !memcmp(t, sig, 4) &&
		    gpa - ACPI_GPA + get(t + 4, 4) <= len;

	if (good && strcmp(sig, "FACS"))
		good = !sum(t, get(t + 4, 4));
	tap_ok(good, "%s: signature, length, checksum", sig);
	return good ? t : NULL;
}

static void check_madt(const uint8_t *madt, const struct acpi_machine *m)
{
	uint32_t pos = 44, end = get(madt + 4, 4);
	unsigned int lapics = 0, x2apics = 0, ioapics = 0, timers = 0, sci = 0, others = 0;
	bool ids = true;

	for (; pos + 2 <= end && madt[pos + 1]; pos += madt[pos + 1]) {
		const uint8_t *e = madt + pos;

		if (e[0] == 0)
			ids &= e[3] == lapics++ && e[4] == 1;
		else if (e[0] == 9)
			ids &= get(e + 4, 4) == 255 + x2apics++ && e[8] == 1;
		else if (e[0] == 1)
			ioapics += get(e + 4, 4) == IOAPIC_GPA;
		else if (e[0] == 2 && e[3] == 0)
			timers += e[4] == 2;
		else if (e[0] == 2 && e[3] == 9)
			sci += e[4] == 9 && get(e + 8, 2) == 0xd;
		else if (e[0] != 4 && e[0] != 0xa)
			others++;
	}
	tap_eq(pos, end, "MADT: entries fill it");
	tap_eq(lapics + x2apics, m->nr_cpus, "a processor each");
	tap_ok(ids && lapics <= 255, "numbered, as local APICs below 255");
	tap_ok(ioapics == 1 && timers == m->timer_on_pin2 && sci == 1 && !others,
	       "IOAPIC, timer's override %s, level SCI", m->timer_on_pin2 ? "there" : "absent");
}

static void check_acpi(const struct acpi_machine *m)
{
	uint8_t *buf = malloc(ACPI_SIZE);
	const uint8_t *xsdt, *fadt, *madt;
	uint64_t rsdp = 0;
	size_t len = acpi_build(buf, ACPI_SIZE, ACPI_GPA, m, &rsdp);

	tap_ok(len && rsdp == ACPI_GPA, "ACPI for %u processors: %zu bytes", m->nr_cpus, len);
	tap_ok(!memcmp(buf, "RSD PTR ", 8) && !sum(buf, 20) && !sum(buf, 36),
	       "RSDP: both checksums");
	xsdt = acpi_table(buf, len, get(buf + 24, 8), "XSDT");
	if (!xsdt)
		goto out;
	tap_eq(get(xsdt + 4, 4), 36 + 2 * 8, "XSDT: two tables");
	fadt = acpi_table(buf, len, get(xsdt + 36, 8), "FACP");
	madt = acpi_table(buf, len, get(xsdt + 44, 8), "APIC");
	if (!fadt || !madt)
		goto out;
	tap_eq(get(fadt + 40, 4), get(fadt + 140, 8), "FADT: both ways to the DSDT");
	acpi_table(buf, len, get(fadt + 140, 8), "DSDT");
	acpi_table(buf, len, get(fadt + 36, 4), "FACS");
	tap_eq(get(fadt + 36, 4) % 64, 0, "FACS: aligned");
	tap_ok(get(fadt + 56, 4) == PORT_PM && get(fadt + 64, 4) == PORT_PM + 4 &&
	       get(fadt + 76, 4) == PORT_PM + 8, "FADT: ports");
	tap_ok(fadt[116] == 1 && get(fadt + 120, 8) == 0xcf9 && fadt[128] == 6, "FADT: reset");
	check_madt(madt, m);
out:
	free(buf);
}

static void test_acpi_sizes(void)
{
	const struct acpi_machine m = { 3, true }, huge = { 100000, true };
	uint8_t *buf = malloc(ACPI_SIZE);
	uint64_t rsdp;
	size_t need = acpi_build(buf, ACPI_SIZE, ACPI_GPA, &m, &rsdp), i;

	tap_eq(acpi_build(buf, ACPI_SIZE, ACPI_GPA, &huge, &rsdp), 0,
	       "too many processors don't fit");
	free(buf);
	for (i = 0; i <= need; i++) {
		/* As long as told and not longer: a sanitizer sees what goes beyond. */
		size_t len;

		buf = malloc(i ? i : 1);
		len = acpi_build(buf, i, ACPI_GPA, &m, &rsdp);
		free(buf);
		if (len != (i < need ? 0 : need))
			break;
	}
	tap_eq(i, need + 1, "every size that is too small is noticed");
}

static void test_iasl(void)
{
	const struct acpi_machine m = { 2, true };
	uint8_t *buf = malloc(ACPI_SIZE);
	const uint8_t *dsdt;
	uint64_t rsdp;
	size_t len;
	char cmd[256];

	if (system("command -v iasl >/dev/null 2>&1")) {
		tap_skip("iasl is not installed (acpica-tools)");
		free(buf);
		return;
	}
	len = acpi_build(buf, ACPI_SIZE, ACPI_GPA, &m, &rsdp);
	dsdt = memmem(buf, len, "DSDT", 4);
	put_file("dsdt.aml", dsdt, get(dsdt + 4, 4));
	snprintf(cmd, sizeof(cmd),
		 "cd %s && iasl -d dsdt.aml >d.log 2>&1 && iasl -vs dsdt.dsl >c.log 2>&1 && "
		 "grep -q ' 0 Errors, 0 Warnings' c.log && ! grep -qi 'error' d.log", dir);
	tap_ok(!system(cmd),
	       "iasl disassembles the DSDT and compiles it again without a complaint");
	free(buf);
}

/* A kernel of 4 KiB that asks for 2 MiB at 16 MiB. */
#define SECTS		3
#define PAYLOAD		4096
#define IMAGE_SIZE	((SECTS + 1) * 512 + PAYLOAD)

static uint8_t image[IMAGE_SIZE + 100];

static struct setup_header *image_header(void)
{
	return (struct setup_header *)(image + 0x1f1);
}

static void make_image(void)
{
	struct setup_header h = {
		.setup_sects = SECTS,
		.syssize = PAYLOAD / 16,
		.boot_flag = 0xaa55,
		.jump = 0x6aeb,
		.header = 0x53726448,
		.version = 0x20f,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = MIB(2),
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = 2047,
		.pref_address = MIB(16),
		.init_size = MIB(2),
	};
	size_t i;

	for (i = 0; i < sizeof(image); i++)
		image[i] = i * 7 + i / 256;
	memcpy(image, "MZ", 2);
	memcpy(image + 0x1f1, &h, sizeof(h));
}

static const char *parse(size_t file_size, struct linux_image *img)
{
	size_t len = file_size < LINUX_HEAD_SIZE ? file_size : LINUX_HEAD_SIZE;
	uint8_t *head = malloc(len ? len : 1);
	const char *wrong;

	memcpy(head, image, len);
	wrong = linux_parse(head, len, file_size, img);
	free(head);
	return wrong;
}

#define FIELD(f) 0x1f1 + offsetof(struct setup_header, f), sizeof(((struct setup_header *)0)->f)

static const struct {
	const char *what;
	size_t offset, size;
	uint64_t value;
	const char *wrong;	/* a part of the message; NULL: good */
} headers[] = {
	{ "no change", 0, 0, 0, NULL },
	{ "no boot flag", FIELD(boot_flag), 0, "not a Linux bzImage" },
	{ "no magic", FIELD(header), 0x53726449, "not a Linux bzImage" },
	{ "an ELF file", 0, 4, 0x464c457f, NULL },
	{ "protocol 2.11", FIELD(version), 0x20b, "too old" },
	{ "a short header", 0x201, 1, 0x10, "too short" },
	{ "a header of 2.12", 0x201, 1, 0x66, NULL },
	{ "a 32-bit kernel", FIELD(xloadflags), 0, "64-bit" },
	{ "a kernel for low memory", FIELD(loadflags), 0, "below 1 MiB" },
	{ "no code", FIELD(syssize), 0, "no code" },
	{ "code that ends at its entry", FIELD(syssize), 0x20, "no code" },
	{ "one paragraph more than there is", FIELD(syssize), PAYLOAD / 16 + 7, "truncated" },
	{ "the largest size", FIELD(syssize), 0xffffffff, "truncated" },
	{ "one sector more", FIELD(setup_sects), SECTS + 1, "truncated" },
	{ "255 sectors", FIELD(setup_sects), 255, "truncated" },
	{ "0 sectors are 4", FIELD(setup_sects), 0, "truncated" },
	{ "less memory than code", FIELD(init_size), PAYLOAD - 1, "init_size" },
	{ "as much memory as code", FIELD(init_size), PAYLOAD, NULL },
	{ "all memory", FIELD(init_size), 0xffffffff, "preferred address" },
	{ "address 0", FIELD(pref_address), 0, "preferred address" },
	{ "an odd address", FIELD(pref_address), MIB(16) + 1, "preferred address" },
	{ "just below the hole", FIELD(pref_address), GIB(3) - MIB(2), NULL },
	{ "into the hole", FIELD(pref_address), GIB(3) - MIB(2) + KIB(4), "preferred address" },
	{ "above the hole", FIELD(pref_address), GIB(4), "preferred address" },
	{ "an address that wraps", FIELD(pref_address), ~0xfffull, "preferred address" },
};

static void test_headers(void)
{
	struct linux_image img;
	size_t i;

	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		const char *wrong;

		make_image();
		memcpy(image + headers[i].offset, &headers[i].value, headers[i].size);
		wrong = parse(IMAGE_SIZE + 100, &img);
		tap_ok(headers[i].wrong ? wrong && strstr(wrong, headers[i].wrong) : !wrong,
		       "%s: expected '%s', saw '%s'", headers[i].what,
		       headers[i].wrong ? headers[i].wrong : "good", wrong ? wrong : "good");
	}
	make_image();
	image_header()->initrd_addr_max = 0x12345678;
	tap_ok(!parse(IMAGE_SIZE, &img) && img.load_gpa == MIB(16) && img.load_size == MIB(2) &&
	       img.payload_offset == (SECTS + 1) * 512 && img.payload_size == PAYLOAD &&
	       img.initrd_max == 0x12345678, "what is found is what the header says");
}

static void test_truncation(void)
{
	struct linux_image img;
	size_t len;

	make_image();
	for (len = 0; len < IMAGE_SIZE; len++)
		if (!parse(len, &img))
			break;
	tap_eq(len, IMAGE_SIZE, "refused at every length short of the whole");
	tap_ok(!parse(len, &img), "the whole is good");
}

/* Whatever the header holds, what is accepted keeps its promises. */
static void test_random(void)
{
	unsigned int i, good = 0, broken = 0;
	struct linux_image img;

	srandom(1);
	for (i = 0; i < 50000; i++) {
		unsigned int n = 1 + random() % 4;

		make_image();
		while (n--)
			image[0x1f1 + random() % (0x290 - 0x1f1)] = random();
		if (parse(IMAGE_SIZE, &img))
			continue;
		good++;
		if (img.load_gpa < MIB(1) || img.load_gpa + img.load_size > GIB(3) ||
		    img.payload_offset + img.payload_size > IMAGE_SIZE ||
		    img.payload_size > img.load_size)
			broken++;
	}
	tap_ok(good > 500 && good < i, "random headers: %u of %u are accepted", good, i);
	tap_eq(broken, 0, "none of them reaches beyond file or memory");
}

static void test_place(void)
{
	struct linux_image img = { .load_gpa = MIB(16), .load_size = MIB(16),
	  .initrd_max = MIB(512) - 1 };
	uint64_t gpa = 0;

	tap_ok(linux_place_initrd(&img, GIB(1), MIB(1), &gpa) == STATUS_OK && gpa == MIB(511),
	       "an initrd goes as high as the kernel allows: saw 0x%llx", (unsigned long long)gpa);
	tap_ok(linux_place_initrd(&img, MIB(64), 1, &gpa) == STATUS_OK && gpa == MIB(64) - KIB(4),
	       "or memory does, on a page: saw 0x%llx", (unsigned long long)gpa);
	tap_ok(linux_place_initrd(&img, MIB(64), MIB(32), &gpa) == STATUS_OK && gpa == MIB(32),
	       "just above the kernel");
	tap_eq(linux_place_initrd(&img, MIB(64), MIB(32) + 1, &gpa), STATUS_MEMORY,
	       "one byte more");
	tap_eq(linux_place_initrd(&img, MIB(64), ~0ull, &gpa), STATUS_MEMORY, "2^64 - 1 bytes");
	tap_eq(linux_place_initrd(&img, MIB(32), 1, &gpa), STATUS_MEMORY, "no room at all");
	img.initrd_max = 0;
	tap_eq(linux_place_initrd(&img, MIB(64), 1, &gpa), STATUS_MEMORY,
	       "a kernel that allows none");
	img.initrd_max = ~0u;
	tap_ok(linux_place_initrd(&img, GIB(3), MIB(1), &gpa) == STATUS_OK &&
	       gpa == GIB(3) - MIB(1),
	       "never in the hole");
}

static void test_load(void)
{
	struct linux_files files = { path("kernel"), path("initrd"), "console=ttyS0 x" };
	const struct boot_params *bp;
	struct boot_entry entry;
	static char line[3000];
	uint64_t *pml4;
	struct mem mem;

	make_image();
	put_file("kernel", image, IMAGE_SIZE);
	put_file("initrd", "the initrd", 10);
	if (mem_init(&mem, MIB(32)) != STATUS_OK)
		return;
	tap_eq(linux_load(&mem, &files, 0xe0000, &entry), STATUS_OK, "a kernel is loaded");
	tap_eq(entry.rip, MIB(16) + 0x200, "its 64-bit entry");
	tap_ok(!memcmp(mem_hva(&mem, MIB(16), PAYLOAD), image + (SECTS + 1) * 512, PAYLOAD),
	       "its code");
	tap_eq(*(uint8_t *)mem_hva(&mem, MIB(16) + PAYLOAD, 1), 0, "and nothing behind");
	bp = mem_hva(&mem, entry.rsi, sizeof(*bp));
	tap_ok(bp->hdr.type_of_loader == 0xff && bp->hdr.header == 0x53726448 && !bp->sentinel &&
	       bp->acpi_rsdp_addr == 0xe0000 && bp->e820_entries, "boot_params");
	tap_ok(!strcmp(mem_hva(&mem, bp->hdr.cmd_line_ptr, 100), "console=ttyS0 x"),
	       "command line");
	tap_eq(bp->hdr.ramdisk_size, 10, "initrd's size");
	tap_ok(!memcmp(mem_hva(&mem, bp->hdr.ramdisk_image, 10), "the initrd", 10), "its contents");
	pml4 = mem_hva(&mem, entry.cr3, KIB(24));
	tap_ok(pml4[0] == (entry.cr3 + 0x1003) && pml4[512 + 3] == (entry.cr3 + 0x5003) &&
	       pml4[1024] == 0x83 && pml4[1024 + 2047] == (0xffe00000 | 0x83),
	       "4 GiB mapped to themselves");
	tap_eq(*(uint64_t *)mem_hva(&mem, entry.gdt + BOOT_CS, 8), 0x00af9b000000ffff,
	       "code segment");

	memset(line, 'x', sizeof(line) - 1);
	files.cmdline = line;
	tap_eq(linux_load(&mem, &files, 0, &entry), STATUS_USAGE,
	       "a command line that is too long");
	line[2047] = 0;
	tap_eq(linux_load(&mem, &files, 0, &entry), STATUS_OK, "the longest command line");
	files.initrd = NULL;
	tap_ok(linux_load(&mem, &files, 0, &entry) == STATUS_OK && !bp->hdr.ramdisk_size,
	       "no initrd");
	files.initrd = path("none");
	tap_eq(linux_load(&mem, &files, 0, &entry), STATUS_IMAGE, "an initrd that isn't there");
	files.initrd = dir;
	tap_eq(linux_load(&mem, &files, 0, &entry), STATUS_IMAGE, "a folder as initrd");
	put_file("initrd", "", 0);
	files.initrd = path("initrd");
	tap_eq(linux_load(&mem, &files, 0, &entry), STATUS_IMAGE, "an empty initrd");
	tap_ok(!truncate(path("initrd"), MIB(20)), "an initrd of 20 MiB");
	tap_eq(linux_load(&mem, &files, 0, &entry), STATUS_MEMORY, "needs more memory");
	tap_ok(!truncate(path("initrd"), 1ll << 40), "an initrd of 1 TiB");
	tap_eq(linux_load(&mem, &files, 0, &entry), STATUS_MEMORY, "needs more memory");
	files.initrd = "/dev/zero";
	tap_eq(linux_load(&mem, &files, 0, &entry), STATUS_IMAGE, "/dev/zero as initrd");
	files.initrd = NULL;
	files.kernel = dir;
	tap_eq(linux_load(&mem, &files, 0, &entry), STATUS_IMAGE, "a folder as kernel");
	tap_ok(!mkfifo(path("fifo"), 0600), "a FIFO");
	files.kernel = path("fifo");
	tap_eq(linux_load(&mem, &files, 0, &entry), STATUS_IMAGE, "a FIFO as kernel doesn't hang");
	mem_destroy(&mem);
	if (mem_init(&mem, MIB(17)) != STATUS_OK)
		return;
	files.kernel = path("kernel");
	tap_eq(linux_load(&mem, &files, 0, &entry), STATUS_MEMORY,
	       "a kernel that needs more memory");
	mem_destroy(&mem);
}

int main(void)
{
	static const struct acpi_machine machines[] = {
		{ 1, true }, { 2, false }, { 255, true }, { 256, true }, { 4096, true },
	};
	char cmd[64];
	size_t i;
	int fd;

	if (!mkdtemp(dir))
		return 1;
	fd = open("/dev/null", O_WRONLY);
	if (fd >= 0)
		dup2(fd, STDERR_FILENO);
	test_e820();
	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		check_acpi(&machines[i]);
	test_acpi_sizes();
	test_iasl();
	test_headers();
	test_truncation();
	test_random();
	test_place();
	test_load();
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	tap_ok(!system(cmd), "the test cleans up");
	return tap_done();
}
