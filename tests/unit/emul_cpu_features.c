// SPDX-License-Identifier: GPL-2.0-only
/* Which instructions this machine's CPU hasn't got: it can't be asked about them. */
#include <cpuid.h>

#include "emul/internal.h"

#include "emul_cpu.h"

/* Bits of CPUID leaf 7, EBX: Intel SDM vol. 2, CPUID. */
#define BMI1 (1u << 3)
#define BMI2 (1u << 8)
#define ADX (1u << 19)
#define CLFLUSHOPT (1u << 23)
#define CLWB (1u << 24)

static const struct {
	emul_exec_fn exec;
	u32 leaf7_ebx;
} features[] = {
	{ emul_andn, BMI1 }, { emul_bextr, BMI1 },
	{ emul_blsi, BMI1 }, { emul_blsmsk, BMI1 },
	{ emul_blsr, BMI1 }, { emul_bzhi, BMI2 },
	{ emul_mulx, BMI2 }, { emul_pdep, BMI2 },
	{ emul_pext, BMI2 }, { emul_rorx, BMI2 },
	{ emul_sarx, BMI2 }, { emul_shlx, BMI2 },
	{ emul_shrx, BMI2 }, { emul_adcx, ADX },
	{ emul_adox, ADX },  { emul_clflush, CLFLUSHOPT | CLWB }, /* one function for the three */
};

bool cpu_knows(const struct emul_row *row)
{
	u32 eax, ebx = 0, ecx, edx;
	unsigned int i;

	/* VMX, SVM, SMX: a hypervisor below may have the modes, and the fault depend on that. */
	if (row->exec == emul_undefined)
		return false;
	for (i = 0; i < ARRAY_SIZE(features) && features[i].exec != row->exec; i++)
		;
	if (i == ARRAY_SIZE(features))
		return true;
	__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
	return (ebx & features[i].leaf7_ebx) == features[i].leaf7_ebx;
}
