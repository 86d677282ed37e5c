/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMX instructions (SDM vol. 3, chapter 30). Each result is looked at: VMfailInvalid sets CF,
 * VMfailValid ZF. Each may fault, since an emergency may have turned VMX off.
 */
#ifndef GUESTMODE_VMX_INSN_H
#define GUESTMODE_VMX_INSN_H

#include <linux/instrumentation.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/vmx.h>

/* dump.c: one of them failed, which is a bug of ours, or VMX was turned off under us. */
void vmx_insn_failed(const char *insn, u64 operand);

/* clang-format takes "%l[label]" for an operator. */
/* clang-format off */

#define VMX_FAILED(insn, operand) \
	do { \
		instrumentation_begin(); \
		vmx_insn_failed(insn, operand); \
		instrumentation_end(); \
	} while (0)

/* Whether it failed; *@value is 0 then. */
static __always_inline bool vmcs_read_fails(unsigned long field, u64 *value)
{
	bool failed;

	/* XOR sets ZF: a fault leaves it so. */
	asm volatile("xor %k0, %k0\n"
		     "1: vmread %2, %0\n"
		     "2:\n" _ASM_EXTABLE(1b, 2b)
		     : "=&r"(*value), "=@ccbe"(failed)
		     : "r"(field));
	return failed;
}

/**
 * vmcs_read() - read a field of the current VMCS
 * @field: its encoding
 *
 * Fields narrower than 64 bits are extended by zeros. Context: the vCPU is loaded.
 * Return: its value; 0 after a failure.
 */
static __always_inline u64 vmcs_read(unsigned long field)
{
	u64 value;

	if (unlikely(vmcs_read_fails(field, &value))) {
		VMX_FAILED("VMREAD", field);
		return 0;
	}
	return value;
}

/*
 * The same without a word of failures, for code that may not call anything: after an exit there is
 * a current VMCS, and these fields exist.
 */
static __always_inline u64 vmcs_read_quiet(unsigned long field)
{
	u64 value = 0;

	asm volatile("1: vmread %1, %0\n"
		     "2:\n" _ASM_EXTABLE(1b, 2b)
		     : "+r"(value)
		     : "r"(field)
		     : "cc");
	return value;
}

/**
 * vmcs_write() - write a field of the current VMCS
 * @field: its encoding
 * @value: new value
 */
static __always_inline void vmcs_write(unsigned long field, u64 value)
{
	asm goto("1: vmwrite %1, %0\n"
		 "jbe %l[failed]\n" _ASM_EXTABLE(1b, %l[failed])
		 :
		 : "r"(field), "rm"(value)
		 : "cc"
		 : failed);
	return;
failed:
	VMX_FAILED("VMWRITE", field);
}

/* Those with a physical address in memory as operand. Return: it worked. */
#define VMX_INSN_PA(name) \
	static __always_inline bool vmx_##name(u64 pa) \
	{ \
		asm goto("1: " #name " %0\n" \
			 "jbe %l[failed]\n" _ASM_EXTABLE(1b, %l[failed]) \
			 : \
			 : "m"(pa) \
			 : "cc", "memory" \
			 : failed); \
		return true; \
failed: \
		return false; \
	}

VMX_INSN_PA(vmxon)
VMX_INSN_PA(vmclear)
VMX_INSN_PA(vmptrld)

static __always_inline void vmx_vmxoff(void)
{
	asm volatile("1: vmxoff\n2:\n" _ASM_EXTABLE(1b, 2b) : : : "cc", "memory");
}

/* Those with an extent, and a descriptor of 16 bytes in memory. */
#define VMX_INSN_INVALIDATE(insn, name, extent, first, second) \
	do { \
		u64 operand[2] = { first, second }; \
		asm goto("1: " #insn " %0, %1\n" \
			 "jbe %l[failed]\n" _ASM_EXTABLE(1b, %l[failed]) \
			 : \
			 : "m"(operand), "r"(extent) \
			 : "cc", "memory" \
			 : failed); \
		return; \
failed: \
		VMX_FAILED(name, first); \
	} while (0)

/**
 * vmx_invept() - drop translations made of nested page tables
 * @extent: VMX_EPT_EXTENT_*
 * @eptp: which table
 */
static __always_inline void vmx_invept(unsigned long extent, u64 eptp)
{
	VMX_INSN_INVALIDATE(invept, "INVEPT", extent, eptp, 0);
}

/**
 * vmx_invvpid() - drop a guest's translations
 * @extent: VMX_VPID_EXTENT_*
 * @vpid: whose
 * @gva: linear address, canonical
 */
static __always_inline void vmx_invvpid(unsigned long extent, u16 vpid, u64 gva)
{
	VMX_INSN_INVALIDATE(invvpid, "INVVPID", extent, vpid, gva);
}

/* clang-format on */

#endif
