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
/* Of ECX. */
#define MOVDIRI (1u << 27)
#define MOVDIR64B (1u << 28)
/* Bits of CPUID leaf 8000_0008, EBX: AMD APM vol. 3, appendix E. */
#define CLZERO (1u << 0)

static const struct {
	emul_exec_fn exec;
	u32 leaf7_ebx, leaf7_ecx, amd_ebx;
} features[] = {
	{ .exec = emul_andn, .leaf7_ebx = BMI1 },
	{ .exec = emul_bextr, .leaf7_ebx = BMI1 },
	{ .exec = emul_blsi, .leaf7_ebx = BMI1 },
	{ .exec = emul_blsmsk, .leaf7_ebx = BMI1 },
	{ .exec = emul_blsr, .leaf7_ebx = BMI1 },
	{ .exec = emul_bzhi, .leaf7_ebx = BMI2 },
	{ .exec = emul_mulx, .leaf7_ebx = BMI2 },
	{ .exec = emul_pdep, .leaf7_ebx = BMI2 },
	{ .exec = emul_pext, .leaf7_ebx = BMI2 },
	{ .exec = emul_rorx, .leaf7_ebx = BMI2 },
	{ .exec = emul_sarx, .leaf7_ebx = BMI2 },
	{ .exec = emul_shlx, .leaf7_ebx = BMI2 },
	{ .exec = emul_shrx, .leaf7_ebx = BMI2 },
	{ .exec = emul_adcx, .leaf7_ebx = ADX },
	{ .exec = emul_adox, .leaf7_ebx = ADX },
	/* one function for the three */
	{ .exec = emul_clflush, .leaf7_ebx = CLFLUSHOPT | CLWB },
	{ .exec = emul_movdiri, .leaf7_ecx = MOVDIRI },
	{ .exec = emul_movdir64b, .leaf7_ecx = MOVDIR64B },
	{ .exec = emul_clzero, .amd_ebx = CLZERO },
};

static bool has(unsigned int leaf, u32 want_ebx, u32 want_ecx)
{
	u32 eax, ebx = 0, ecx = 0, edx;

	__get_cpuid_count(leaf, 0, &eax, &ebx, &ecx, &edx);
	return (ebx & want_ebx) == want_ebx && (ecx & want_ecx) == want_ecx;
}

bool cpu_knows(const struct emul_row *row)
{
	unsigned int i;

	/* VMX, SVM, SMX: a hypervisor below may have the modes, and the fault depend on that. */
	if (row->exec == emul_undefined)
		return false;
	for (i = 0; i < ARRAY_SIZE(features) && features[i].exec != row->exec; i++)
		;
	if (i == ARRAY_SIZE(features))
		return true;
	return has(7, features[i].leaf7_ebx, features[i].leaf7_ecx) &&
	       has(0x80000008, features[i].amd_ebx, 0);
}
