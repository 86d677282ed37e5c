// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI tables (ACPI specification 6.4, chapter 5): a PC with fixed hardware, of which there are a
 * timer, a power button and a reset register.
 */
#include <stddef.h>
#include <string.h>

#include "../layout.h"
#include "acpi.h"
#include "aml.h"

#define PACKED __attribute__((packed))

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum;	/* of the first 20 bytes */
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t ext_checksum;
	uint8_t reserved[3];
} PACKED;

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} PACKED;

struct acpi_gas {
	uint8_t space;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access;		/* 1 byte, 2 word, 3 dword */
	uint64_t address;
} PACKED;

#define GAS_IO 1

struct acpi_facs {
	char signature[4];
	uint32_t length;
	uint8_t zero1[24];
	uint8_t version;
	uint8_t zero2[31];
} PACKED;

struct acpi_fadt {
	struct acpi_header h;
	uint32_t firmware_ctrl;
	uint32_t dsdt;
	uint8_t reserved1;
	uint8_t pm_profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len, gpe0_len, gpe1_len;
	uint8_t gpe1_base, cst_cnt;
	uint16_t p_lvl2_lat, p_lvl3_lat, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_arch;
	uint8_t reserved2;
	uint32_t flags;
	struct acpi_gas reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor_revision;
	uint64_t x_firmware_ctrl, x_dsdt;
	struct acpi_gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_tmr;
	struct acpi_gas x_gpe0, x_gpe1, sleep_control, sleep_status;
	uint64_t hypervisor;
} PACKED;

_Static_assert(sizeof(struct acpi_rsdp) == 36, "RSDP, ACPI 5.2.5.3");
_Static_assert(sizeof(struct acpi_header) == 36, "header, ACPI 5.2.6");
_Static_assert(sizeof(struct acpi_facs) == 64, "FACS, ACPI 5.2.10");
_Static_assert(sizeof(struct acpi_fadt) == 276, "FADT, ACPI 5.2.9");

/* FADT: IAPC_BOOT_ARCH and flags */
#define BOOT_ARCH_LEGACY_DEVICES	(1 << 0)
#define BOOT_ARCH_NO_VGA		(1 << 2)
#define FADT_WBINVD			(1 << 0)
#define FADT_PROC_C1			(1 << 2)
#define FADT_NO_SLEEP_BUTTON		(1 << 5)
#define FADT_NO_FIXED_RTC		(1 << 6)
#define FADT_TIMER_32			(1 << 8)
#define FADT_RESET_REG			(1 << 10)

struct acpi_madt {
	struct acpi_header h;
	uint32_t lapic;
	uint32_t flags;		/* bit 0: two 8259s too */
} PACKED;

struct madt_lapic {
	uint8_t type, length, uid, apic_id;
	uint32_t flags;
} PACKED;

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address, gsi_base;
} PACKED;

struct madt_override {
	uint8_t type, length, bus, irq;
	uint32_t gsi;
	uint16_t flags;
} PACKED;

struct madt_lapic_nmi {
	uint8_t type, length, uid;
	uint16_t flags;
	uint8_t lint;
} PACKED;

struct madt_x2apic {
	uint8_t type, length;
	uint16_t reserved;
	uint32_t apic_id, flags, uid;
} PACKED;

struct madt_x2apic_nmi {
	uint8_t type, length;
	uint16_t flags;
	uint32_t uid;
	uint8_t lint, reserved[3];
} PACKED;

#define MADT_ENABLED		1
#define MADT_ACTIVE_HIGH	1
#define MADT_LEVEL		(3 << 2)
#define MADT_ALL_UIDS		0xff
/* From this ID on a processor has an x2APIC entry: 255 is xAPIC's broadcast. */
#define MADT_FIRST_X2APIC	255

static uint8_t acpi_checksum(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (len--)
		sum += *b++;
	return -sum;
}

static void acpi_header(struct aml *a, const char *signature, uint8_t revision)
{
	struct acpi_header h = {
		.revision = revision,
		.oem_revision = 1,
		.creator_revision = 1,
	};

	memcpy(h.signature, signature, 4);
	memcpy(h.oem_id, "GUESTM", 6);
	memcpy(h.oem_table_id, "GMODEVMM", 8);
	memcpy(h.creator_id, "GMVM", 4);
	aml_raw(a, &h, sizeof(h));
}

/* Length and checksum of the table that begins at @start and ends here. */
static void acpi_finish(struct aml *a, size_t start)
{
	struct acpi_header h;

	if (a->overflow)
		return;
	memcpy(&h, a->buf + start, sizeof(h));
	h.length = a->len - start;
	h.checksum = 0;
	memcpy(a->buf + start, &h, sizeof(h));
	h.checksum = acpi_checksum(a->buf + start, h.length);
	memcpy(a->buf + start, &h, sizeof(h));
}

static size_t acpi_align(struct aml *a, size_t align)
{
	while (!a->overflow && a->len % align)
		aml_byte(a, 0);
	return a->len;
}

static void acpi_pci(struct aml *a)
{
	size_t dev = aml_device(a, "PCI0"), crs;

	aml_name_eisaid(a, "_HID", "PNP0A03");
	aml_name_integer(a, "_BBN", 0);
	aml_name_integer(a, "_UID", 0);
	crs = aml_crs(a);
	aml_res_bus_range(a, 0, 0);
	aml_res_ports(a, PORT_PCI, 8);
	aml_res_port_range(a, 0, PORT_PCI - 1);
	aml_res_port_range(a, PORT_PCI + 8, 0xffff);
	aml_res_memory_range(a, PCI_WINDOW_START, PCI_WINDOW_END - 1);
	aml_crs_end(a, crs);
	aml_end(a, dev);
}

/* A device at some ISA ports, perhaps with an interrupt (otherwise -1). */
static void acpi_isa_crs(struct aml *a, uint16_t base, uint8_t len, int irq)
{
	size_t crs = aml_crs(a);

	aml_res_ports(a, base, len);
	if (irq >= 0)
		aml_res_irq(a, irq);
	aml_crs_end(a, crs);
}

static size_t acpi_dsdt(struct aml *a)
{
	static const uint8_t s5[4] = { ACPI_S5_TYPE, ACPI_S5_TYPE, 0, 0 };
	size_t start = acpi_align(a, 16), scope, dev;

	acpi_header(a, "DSDT", 2);
	aml_name_package4(a, "\\_S5", s5);
	scope = aml_scope(a, "\\_SB");
	acpi_pci(a);

	dev = aml_device(a, "COM1");
	aml_name_eisaid(a, "_HID", "PNP0501");
	aml_name_integer(a, "_UID", 1);
	acpi_isa_crs(a, PORT_SERIAL0, 8, GSI_SERIAL0);
	aml_end(a, dev);

	dev = aml_device(a, "RTC");
	aml_name_eisaid(a, "_HID", "PNP0B00");
	acpi_isa_crs(a, PORT_RTC, 2, GSI_RTC);
	aml_end(a, dev);

	dev = aml_device(a, "PEVT");
	aml_name_string(a, "_HID", "QEMU0001");
	aml_name_integer(a, "_STA", 0xf);
	acpi_isa_crs(a, PORT_PVPANIC, 1, -1);
	aml_end(a, dev);

	aml_end(a, scope);
	acpi_finish(a, start);
	return start;
}

static size_t acpi_facs(struct aml *a)
{
	struct acpi_facs facs = { .length = sizeof(facs), .version = 2 };
	size_t start = acpi_align(a, 64);

	memcpy(facs.signature, "FACS", 4);
	aml_raw(a, &facs, sizeof(facs));
	return start;
}

static struct acpi_gas acpi_io(uint16_t port, uint8_t bits, uint8_t access)
{
	return (struct acpi_gas){ GAS_IO, bits, 0, access, port };
}

static size_t acpi_fadt(struct aml *a, uint64_t facs, uint64_t dsdt)
{
	struct acpi_fadt f = {
		.firmware_ctrl = facs,
		.dsdt = dsdt,
		.sci_int = GSI_SCI,
		.pm1a_evt = PORT_PM,
		.pm1a_cnt = PORT_PM + 4,
		.pm_tmr = PORT_PM + 8,
		.pm1_evt_len = 4,
		.pm1_cnt_len = 2,
		.pm_tmr_len = 4,
		.p_lvl2_lat = 101,	/* above 100: no C2 */
		.p_lvl3_lat = 1001,	/* above 1000: no C3 */
		.century = 0x32,
		.boot_arch = BOOT_ARCH_LEGACY_DEVICES | BOOT_ARCH_NO_VGA,
		.flags = FADT_WBINVD | FADT_PROC_C1 | FADT_NO_SLEEP_BUTTON | FADT_NO_FIXED_RTC |
			 FADT_TIMER_32 | FADT_RESET_REG,
		.reset_reg = acpi_io(PORT_RESET, 8, 1),
		.reset_value = ACPI_RESET_VALUE,
		.minor_revision = 4,
		.x_dsdt = dsdt,
		.x_pm1a_evt = acpi_io(PORT_PM, 32, 2),
		.x_pm1a_cnt = acpi_io(PORT_PM + 4, 16, 2),
		.x_pm_tmr = acpi_io(PORT_PM + 8, 32, 3),
	};
	size_t start = acpi_align(a, 16);

	memcpy(&f.hypervisor, "GMODEVMM", 8);
	acpi_header(a, "FACP", 6);
	aml_raw(a, (uint8_t *)&f + sizeof(f.h), sizeof(f) - sizeof(f.h));
	acpi_finish(a, start);
	return start;
}

static void acpi_madt_cpus(struct aml *a, unsigned int nr)
{
	const struct madt_lapic_nmi nmi = { 4, sizeof(nmi), MADT_ALL_UIDS, 0, 1 };
	const struct madt_x2apic_nmi nmi2 = { 0xa, sizeof(nmi2), 0, 0xffffffff, 1, { 0 } };
	unsigned int i;

	for (i = 0; i < nr && i < MADT_FIRST_X2APIC; i++) {
		const struct madt_lapic cpu = { 0, sizeof(cpu), i, i, MADT_ENABLED };

		aml_raw(a, &cpu, sizeof(cpu));
	}
	for (; i < nr; i++) {
		const struct madt_x2apic cpu = { 9, sizeof(cpu), 0, i, MADT_ENABLED, i };

		aml_raw(a, &cpu, sizeof(cpu));
	}
	aml_raw(a, &nmi, sizeof(nmi));
	if (nr > MADT_FIRST_X2APIC)
		aml_raw(a, &nmi2, sizeof(nmi2));
}

static size_t acpi_madt(struct aml *a, const struct acpi_machine *m)
{
	const struct {
		uint32_t lapic, flags;
	} PACKED head = { LAPIC_GPA, 1 };
	const struct madt_ioapic ioapic = { 1, sizeof(ioapic), 0, 0, IOAPIC_GPA, 0 };
	const struct madt_override timer = { 2, sizeof(timer), 0, 0, GSI_PIT_IOAPIC, 0 };
	const struct madt_override sci = {
		2, sizeof(sci), 0, GSI_SCI, GSI_SCI, MADT_ACTIVE_HIGH | MADT_LEVEL
	};
	size_t start = acpi_align(a, 16);

	acpi_header(a, "APIC", 5);
	aml_raw(a, &head, sizeof(head));
	acpi_madt_cpus(a, m->nr_cpus);
	aml_raw(a, &ioapic, sizeof(ioapic));
	if (m->timer_on_pin2)
		aml_raw(a, &timer, sizeof(timer));
	aml_raw(a, &sci, sizeof(sci));
	acpi_finish(a, start);
	return start;
}

static size_t acpi_xsdt(struct aml *a, uint64_t fadt, uint64_t madt)
{
	const uint64_t entries[] = { fadt, madt };
	size_t start = acpi_align(a, 16);

	acpi_header(a, "XSDT", 1);
	aml_raw(a, entries, sizeof(entries));
	acpi_finish(a, start);
	return start;
}

static void acpi_rsdp(uint8_t *buf, uint64_t xsdt)
{
	struct acpi_rsdp rsdp = { .revision = 2, .length = sizeof(rsdp), .xsdt = xsdt };

	memcpy(rsdp.signature, "RSD PTR ", 8);
	memcpy(rsdp.oem_id, "GUESTM", 6);
	rsdp.checksum = acpi_checksum(&rsdp, 20);
	rsdp.ext_checksum = acpi_checksum(&rsdp, sizeof(rsdp));
	memcpy(buf, &rsdp, sizeof(rsdp));
}

/**
 * acpi_build() - Write the ACPI tables.
 * @buf: where, the RSDP first.
 * @size: bytes there.
 * @gpa: where the guest has it; a multiple of 64, below 4 GiB.
 * @m: what to tell.
 * @rsdp: the RSDP's gpa.
 *
 * Return: bytes used, 0 when @size is too small.
 */
size_t acpi_build(uint8_t *buf, size_t size, uint64_t gpa, const struct acpi_machine *m,
		  uint64_t *rsdp)
{
	static const uint8_t room[sizeof(struct acpi_rsdp)];
	struct aml a = { .buf = buf, .cap = size };
	size_t dsdt, facs, fadt, madt, xsdt;

	aml_raw(&a, room, sizeof(room));
	facs = acpi_facs(&a);
	dsdt = acpi_dsdt(&a);
	fadt = acpi_fadt(&a, gpa + facs, gpa + dsdt);
	madt = acpi_madt(&a, m);
	xsdt = acpi_xsdt(&a, gpa + fadt, gpa + madt);
	if (a.overflow)
		return 0;
	acpi_rsdp(buf, gpa + xsdt);
	*rsdp = gpa;
	return a.len;
}
