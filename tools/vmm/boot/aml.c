// SPDX-License-Identifier: GPL-2.0-only
/* Writing ACPI machine language (ACPI specification 6.4, chapter 20; resources: 6.4). */
#include <string.h>

#include "aml.h"

#define AML_ZERO	0x00
#define AML_ONE		0x01
#define AML_NAME	0x08
#define AML_BYTE	0x0a
#define AML_WORD	0x0b
#define AML_DWORD	0x0c
#define AML_STRING	0x0d
#define AML_SCOPE	0x10
#define AML_BUFFER	0x11
#define AML_PACKAGE	0x12
#define AML_EXT		0x5b
#define AML_EXT_DEVICE	0x82

#define RES_IRQ_NOFLAGS	0x22
#define RES_IO		0x47
#define RES_END		0x79
#define RES_DWORD_RANGE	0x87
#define RES_WORD_RANGE	0x88

#define RES_TYPE_MEMORY		0
#define RES_TYPE_IO		1
#define RES_TYPE_BUS		2
#define RES_MIN_FIXED		(1 << 2)
#define RES_MAX_FIXED		(1 << 3)
#define RES_MEMORY_WRITABLE	1
#define RES_IO_ENTIRE_RANGE	3

/* Lengths always take three bytes; the format doesn't ask for the shortest. */
#define PKG_LENGTH_SIZE	3

/**
 * aml_raw() - Append bytes.
 * @a: the table.
 * @data: the bytes.
 * @len: how many.
 */
void aml_raw(struct aml *a, const void *data, size_t len)
{
	if (a->overflow || len > a->cap - a->len) {
		a->overflow = true;
		return;
	}
	memcpy(a->buf + a->len, data, len);
	a->len += len;
}

/**
 * aml_byte() - Append a byte.
 * @a: the table.
 * @v: the byte.
 */
void aml_byte(struct aml *a, uint8_t v)
{
	aml_raw(a, &v, 1);
}

static size_t aml_begin(struct aml *a)
{
	static const uint8_t room[PKG_LENGTH_SIZE];
	size_t start = a->len;

	aml_raw(a, room, sizeof(room));
	return start;
}

/* Names have four characters; shorter ones are padded. A leading backslash is the root. */
static void aml_name_seg(struct aml *a, const char *name)
{
	size_t i, len;

	if (*name == '\\')
		aml_byte(a, *name++);
	len = strlen(name);
	for (i = 0; i < 4; i++)
		aml_byte(a, i < len ? name[i] : '_');
}

/**
 * aml_scope() - Open a scope; aml_end() closes it.
 * @a: the table.
 * @name: which.
 *
 * Return: for aml_end().
 */
size_t aml_scope(struct aml *a, const char *name)
{
	size_t start;

	aml_byte(a, AML_SCOPE);
	start = aml_begin(a);
	aml_name_seg(a, name);
	return start;
}

/**
 * aml_device() - Open a device; aml_end() closes it.
 * @a: the table.
 * @name: its name.
 *
 * Return: for aml_end().
 */
size_t aml_device(struct aml *a, const char *name)
{
	size_t start;

	aml_byte(a, AML_EXT);
	aml_byte(a, AML_EXT_DEVICE);
	start = aml_begin(a);
	aml_name_seg(a, name);
	return start;
}

/**
 * aml_end() - Close what was opened, by filling in its length.
 * @a: the table.
 * @start: from the opening call.
 */
void aml_end(struct aml *a, size_t start)
{
	size_t len = a->len - start;

	if (a->overflow)
		return;
	if (len >= 1 << 20) {
		a->overflow = true;
		return;
	}
	a->buf[start] = (PKG_LENGTH_SIZE - 1) << 6 | (len & 0xf);
	a->buf[start + 1] = len >> 4;
	a->buf[start + 2] = len >> 12;
}

/**
 * aml_integer() - Append an integer in its shortest form.
 * @a: the table.
 * @v: the value.
 */
void aml_integer(struct aml *a, uint32_t v)
{
	const uint8_t le[4] = { v, v >> 8, v >> 16, v >> 24 };

	if (v == 0) {
		aml_byte(a, AML_ZERO);
	} else if (v == 1) {
		aml_byte(a, AML_ONE);
	} else if (v <= 0xff) {
		aml_byte(a, AML_BYTE);
		aml_raw(a, le, 1);
	} else if (v <= 0xffff) {
		aml_byte(a, AML_WORD);
		aml_raw(a, le, 2);
	} else {
		aml_byte(a, AML_DWORD);
		aml_raw(a, le, 4);
	}
}

/**
 * aml_name_integer() - Name (name, integer).
 * @a: the table.
 * @name: the name.
 * @v: the value.
 */
void aml_name_integer(struct aml *a, const char *name, uint32_t v)
{
	aml_byte(a, AML_NAME);
	aml_name_seg(a, name);
	aml_integer(a, v);
}

/**
 * aml_name_string() - Name (name, "string").
 * @a: the table.
 * @name: the name.
 * @s: the value.
 */
void aml_name_string(struct aml *a, const char *name, const char *s)
{
	aml_byte(a, AML_NAME);
	aml_name_seg(a, name);
	aml_byte(a, AML_STRING);
	aml_raw(a, s, strlen(s) + 1);
}

static unsigned int aml_hex(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/**
 * aml_name_eisaid() - Name (name, EisaId (id)).
 * @a: the table.
 * @name: the name.
 * @id: three capital letters, four hexadecimal digits in capitals: "PNP0501".
 */
void aml_name_eisaid(struct aml *a, const char *name, const char *id)
{
	unsigned int vendor = (id[0] - '@') << 10 | (id[1] - '@') << 5 | (id[2] - '@');
	const uint8_t packed[4] = {
		vendor >> 8, vendor, aml_hex(id[3]) << 4 | aml_hex(id[4]),
		aml_hex(id[5]) << 4 | aml_hex(id[6]),
	};

	aml_byte(a, AML_NAME);
	aml_name_seg(a, name);
	aml_byte(a, AML_DWORD);
	aml_raw(a, packed, sizeof(packed));
}

/**
 * aml_name_package4() - Name (name, Package () { four bytes }), as sleep states are.
 * @a: the table.
 * @name: the name.
 * @v: the values.
 */
void aml_name_package4(struct aml *a, const char *name, const uint8_t v[4])
{
	size_t start, i;

	aml_byte(a, AML_NAME);
	aml_name_seg(a, name);
	aml_byte(a, AML_PACKAGE);
	start = aml_begin(a);
	aml_byte(a, 4);
	for (i = 0; i < 4; i++)
		aml_integer(a, v[i]);
	aml_end(a, start);
}

/**
 * aml_crs() - Open Name (_CRS, ResourceTemplate () { ... }); aml_crs_end() closes it.
 * @a: the table.
 *
 * Return: for aml_crs_end().
 */
size_t aml_crs(struct aml *a)
{
	static const uint8_t room[2];
	size_t start;

	aml_byte(a, AML_NAME);
	aml_name_seg(a, "_CRS");
	aml_byte(a, AML_BUFFER);
	start = aml_begin(a);
	/* The buffer's size is known at its end: room for a word. */
	aml_byte(a, AML_WORD);
	aml_raw(a, room, sizeof(room));
	return start;
}

/**
 * aml_crs_end() - Close what aml_crs() opened.
 * @a: the table.
 * @start: from aml_crs().
 */
void aml_crs_end(struct aml *a, size_t start)
{
	size_t size_at = start + PKG_LENGTH_SIZE + 1, size;

	aml_byte(a, RES_END);
	aml_byte(a, 0);	/* checksum 0: not to be checked */
	aml_end(a, start);
	if (a->overflow)
		return;
	size = a->len - size_at - 2;
	a->buf[size_at] = size;
	a->buf[size_at + 1] = size >> 8;
}

/**
 * aml_res_ports() - IO (Decode16, base, base, 1, len): ports at a fixed place.
 * @a: the table.
 * @base: the first.
 * @len: how many.
 */
void aml_res_ports(struct aml *a, uint16_t base, uint8_t len)
{
	const uint8_t res[8] = { RES_IO, 1, base, base >> 8, base, base >> 8, 1, len };

	aml_raw(a, res, sizeof(res));
}

/**
 * aml_res_irq() - IRQNoFlags () { irq }: an ISA interrupt.
 * @a: the table.
 * @irq: 0 to 15.
 */
void aml_res_irq(struct aml *a, unsigned int irq)
{
	const uint8_t res[3] = { RES_IRQ_NOFLAGS, 1u << irq, (1u << irq) >> 8 };

	aml_raw(a, res, sizeof(res));
}

/* An address space descriptor with fields of @width bytes, what a bridge passes on. */
static void aml_res_range(struct aml *a, uint8_t tag, uint8_t type, uint8_t type_flags,
			  unsigned int width, uint32_t first, uint32_t last)
{
	const uint32_t field[5] = { 0, first, last, 0, last - first + 1 };
	const uint8_t head[6] = {
		tag, 3 + 5 * width, 0, type, RES_MIN_FIXED | RES_MAX_FIXED, type_flags
	};
	unsigned int i, j;

	aml_raw(a, head, sizeof(head));
	for (i = 0; i < 5; i++)
		for (j = 0; j < width; j++)
			aml_byte(a, field[i] >> j * 8);
}

/**
 * aml_res_bus_range() - WordBusNumber: the buses below a bridge.
 * @a: the table.
 * @first: first.
 * @last: last.
 */
void aml_res_bus_range(struct aml *a, uint16_t first, uint16_t last)
{
	aml_res_range(a, RES_WORD_RANGE, RES_TYPE_BUS, 0, 2, first, last);
}

/**
 * aml_res_port_range() - WordIO: ports that a bridge passes on.
 * @a: the table.
 * @first: first.
 * @last: last.
 */
void aml_res_port_range(struct aml *a, uint16_t first, uint16_t last)
{
	aml_res_range(a, RES_WORD_RANGE, RES_TYPE_IO, RES_IO_ENTIRE_RANGE, 2, first, last);
}

/**
 * aml_res_memory_range() - DWordMemory: addresses that a bridge passes on.
 * @a: the table.
 * @first: first.
 * @last: last.
 */
void aml_res_memory_range(struct aml *a, uint32_t first, uint32_t last)
{
	aml_res_range(a, RES_DWORD_RANGE, RES_TYPE_MEMORY, RES_MEMORY_WRITABLE, 4, first, last);
}
