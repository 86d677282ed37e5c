/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing ACPI machine language (ACPI specification 6.4, chapter 20). */
#ifndef VMM_BOOT_AML_H
#define VMM_BOOT_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aml {
	uint8_t *buf;
	size_t len;
	size_t cap;
	bool overflow;	/* something didn't fit; what is in the buffer is not a table */
};

void aml_raw(struct aml *a, const void *data, size_t len);
void aml_byte(struct aml *a, uint8_t v);
size_t aml_scope(struct aml *a, const char *name);
size_t aml_device(struct aml *a, const char *name);
void aml_end(struct aml *a, size_t start);
void aml_integer(struct aml *a, uint32_t v);
void aml_name_integer(struct aml *a, const char *name, uint32_t v);
void aml_name_string(struct aml *a, const char *name, const char *s);
void aml_name_eisaid(struct aml *a, const char *name, const char *id);
void aml_name_package4(struct aml *a, const char *name, const uint8_t v[4]);

size_t aml_crs(struct aml *a);
void aml_crs_end(struct aml *a, size_t start);
void aml_res_ports(struct aml *a, uint16_t base, uint8_t len);
void aml_res_irq(struct aml *a, unsigned int irq);
void aml_res_bus_range(struct aml *a, uint16_t first, uint16_t last);
void aml_res_port_range(struct aml *a, uint16_t first, uint16_t last);
void aml_res_memory_range(struct aml *a, uint32_t first, uint32_t last);

#endif
