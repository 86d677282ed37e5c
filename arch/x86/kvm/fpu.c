// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's FPU. The kernel's own helpers swap the whole state (XFD included) once per KVM_RUN;
 * XCR0, IA32_XSS and PKRU, which change what the host's own XSAVE would do, are switched by hand
 * around each entry.
 */

#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/fpu/xstate.h>
#include <asm/pkru.h>
#include <asm/special_insns.h>

#include "access.h"
#include "cpuid.h"
#include "fpu.h"
#include "trace.h"

u64 kvm_host_xcr0, kvm_host_xss, kvm_supported_xcr0;

/*
 * Components that need nothing of us beyond swapping. AMX needs XFD handling, MPX an MSR
 * (BNDCFGS): not offered.
 */
#define XCR0_KNOWN \
	(XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512 | \
	 XFEATURE_MASK_PKRU)

int kvm_fpu_module_init(void)
{
	kvm_host_xcr0 = XFEATURE_MASK_FPSSE;
	kvm_host_xss = 0;
	kvm_supported_xcr0 = 0;
	if (boot_cpu_has(X86_FEATURE_XSAVE)) {
		kvm_host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
		kvm_supported_xcr0 = kvm_host_xcr0 & XCR0_KNOWN;
	}
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl(MSR_IA32_XSS, kvm_host_xss);
	return 0;
}

int kvm_fpu_create(struct kvm_vcpu *vcpu)
{
	return fpu_alloc_guest_fpstate(&vcpu->fpu.guest) ? 0 : -ENOMEM;
}

void kvm_fpu_free(struct kvm_vcpu *vcpu)
{
	fpu_free_guest_fpstate(&vcpu->fpu.guest);
}

/*
 * RESET initialises all; INIT leaves x87, SSE, AVX state, XCR0 and IA32_XSS alone (SDM vol. 3,
 * table 9-1).
 */
void kvm_fpu_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	struct xregs_state *init;
	u32 pkru = 0;

	if (init_event)
		return;
	vcpu->regs.xcr0 = XFEATURE_MASK_FP;
	vcpu->regs.ia32_xss = 0;
	vcpu->regs.pkru = 0;
	/* An XSAVE image with no component present means: initial state of each. */
	init = kzalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	init->i387.cwd = 0x37f;
	init->i387.mxcsr = MXCSR_DEFAULT;
	if (WARN_ON_ONCE(fpu_copy_uabi_to_guest_fpstate(
		    &vcpu->fpu.guest, init, kvm_supported_xcr0 ?: XFEATURE_MASK_FPSSE, &pkru)))
		pr_warn_once("kvm: guest FPU state could not be initialised\n");
	kfree(init);
}

void kvm_fpu_enter(struct kvm_vcpu *vcpu)
{
	fpu_swap_kvm_fpstate(&vcpu->fpu.guest, true);
	vcpu->fpu.in_use = true;
	trace_kvm_fpu(1);
}

void kvm_fpu_leave(struct kvm_vcpu *vcpu)
{
	vcpu->fpu.in_use = false;
	fpu_swap_kvm_fpstate(&vcpu->fpu.guest, false);
	vcpu->stat.fpu_reload++;
	trace_kvm_fpu(0);
}

void kvm_xsave_get(struct kvm_vcpu *vcpu, void *buf, u32 size)
{
	/*
	 * Components that the guest can't have are left out, so that the image loads on a smaller
	 * host.
	 */
	fpu_copy_guest_fpstate_to_uabi(&vcpu->fpu.guest, buf, size,
				       vcpu->cpuid.supported_xcr0 | XFEATURE_MASK_FPSSE,
				       vcpu->regs.pkru);
}

int kvm_xsave_set(struct kvm_vcpu *vcpu, const void *buf)
{
	return fpu_copy_uabi_to_guest_fpstate(&vcpu->fpu.guest, buf,
					      kvm_supported_xcr0 | XFEATURE_MASK_FPSSE,
					      &vcpu->regs.pkru) ?
		       -EINVAL :
		       0;
}

/*
 * The whole image goes through the kernel's converter: components in their initial state come out
 * as such.
 */
int kvm_fpu_get(struct kvm_vcpu *vcpu, struct kvm_fpu *fpu)
{
	u32 size = max_t(u32, vcpu->fpu.guest.uabi_size, sizeof(struct kvm_xsave));
	struct xregs_state *x = kvzalloc(size, GFP_KERNEL_ACCOUNT);

	if (!x)
		return -ENOMEM;
	kvm_xsave_get(vcpu, x, size);
	memcpy(fpu->fpr, x->i387.st_space, sizeof(fpu->fpr));
	fpu->fcw = x->i387.cwd;
	fpu->fsw = x->i387.swd;
	fpu->ftwx = x->i387.twd;
	fpu->last_opcode = x->i387.fop;
	fpu->last_ip = x->i387.rip;
	fpu->last_dp = x->i387.rdp;
	memcpy(fpu->xmm, x->i387.xmm_space, sizeof(fpu->xmm));
	fpu->mxcsr = x->i387.mxcsr;
	kvfree(x);
	return 0;
}

int kvm_fpu_set(struct kvm_vcpu *vcpu, const struct kvm_fpu *fpu)
{
	u32 size = max_t(u32, vcpu->fpu.guest.uabi_size, sizeof(struct kvm_xsave));
	struct xregs_state *x = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	int r;

	if (!x)
		return -ENOMEM;
	kvm_xsave_get(vcpu, x, size);
	memcpy(x->i387.st_space, fpu->fpr, sizeof(fpu->fpr));
	x->i387.cwd = fpu->fcw;
	x->i387.swd = fpu->fsw;
	x->i387.twd = fpu->ftwx;
	x->i387.fop = fpu->last_opcode;
	x->i387.rip = fpu->last_ip;
	x->i387.rdp = fpu->last_dp;
	memcpy(x->i387.xmm_space, fpu->xmm, sizeof(fpu->xmm));
	x->i387.mxcsr = fpu->mxcsr;
	x->header.xfeatures |= XFEATURE_MASK_FPSSE;
	r = kvm_xsave_set(vcpu, x);
	kvfree(x);
	return r;
}

/* clang-format off */
#define MMX_CASES() \
	switch (nr) { \
	MMX_CASE(0) MMX_CASE(1) MMX_CASE(2) MMX_CASE(3) \
	MMX_CASE(4) MMX_CASE(5) MMX_CASE(6) MMX_CASE(7) \
	}
#define VEC_CASES() \
	switch (nr) { \
	VEC_CASE(0) VEC_CASE(1) VEC_CASE(2) VEC_CASE(3) \
	VEC_CASE(4) VEC_CASE(5) VEC_CASE(6) VEC_CASE(7) \
	VEC_CASE(8) VEC_CASE(9) VEC_CASE(10) VEC_CASE(11) \
	VEC_CASE(12) VEC_CASE(13) VEC_CASE(14) VEC_CASE(15) \
	}
/* clang-format on */

typedef u8 vec16[16];
typedef u8 vec32[32];

static void read_xmm(int nr, vec16 *v)
{
#define VEC_CASE(n) \
	case n: \
		asm volatile("movdqu %%xmm" #n ", %0" : "=m"(*v)); \
		break;
	VEC_CASES()
#undef VEC_CASE
}

static void read_ymm(int nr, vec32 *v)
{
#define VEC_CASE(n) \
	case n: \
		asm volatile("vmovdqu %%ymm" #n ", %0" : "=m"(*v)); \
		break;
	VEC_CASES()
#undef VEC_CASE
}

static void write_xmm(int nr, const vec16 *v)
{
#define VEC_CASE(n) \
	case n: \
		asm volatile("movdqu %0, %%xmm" #n : : "m"(*v)); \
		break;
	VEC_CASES()
#undef VEC_CASE
}

/* VEX encoding of 128 bits: clears the rest of the register. */
static void write_xmm_zero(int nr, const vec16 *v)
{
#define VEC_CASE(n) \
	case n: \
		asm volatile("vmovdqu %0, %%xmm" #n : : "m"(*v)); \
		break;
	VEC_CASES()
#undef VEC_CASE
}

static void write_ymm(int nr, const vec32 *v)
{
#define VEC_CASE(n) \
	case n: \
		asm volatile("vmovdqu %0, %%ymm" #n : : "m"(*v)); \
		break;
	VEC_CASES()
#undef VEC_CASE
}

/* The guest's registers are the task's now; make sure that they are in the CPU. */
static void fpregs_begin(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

void kvm_fpu_read_vec(int nr, void *buf, int n)
{
	fpregs_begin();
	if (n == 32)
		read_ymm(nr & 15, buf);
	else
		read_xmm(nr & 15, buf);
	fpregs_unlock();
}

void kvm_fpu_write_vec(int nr, const void *buf, int n, bool zero_upper)
{
	fpregs_begin();
	if (n == 32)
		write_ymm(nr & 15, buf);
	else if (zero_upper)
		write_xmm_zero(nr & 15, buf);
	else
		write_xmm(nr & 15, buf);
	fpregs_unlock();
}

void kvm_fpu_fninit(void)
{
	fpregs_begin();
	asm volatile("fninit");
	fpregs_unlock();
}

void kvm_fpu_x87_words(u16 *control, u16 *status)
{
	fpregs_begin();
	asm volatile("fnstcw %0; fnstsw %1" : "=m"(*control), "=m"(*status));
	fpregs_unlock();
}

/* #MF has been ruled out, but must not be the host's in any case. */
u64 kvm_fpu_read_mmx(int nr)
{
	u64 val = 0;

#define MMX_CASE(n) \
	case n: \
		asm volatile("1: movq %%mm" #n ", %0\n2:\n" _ASM_EXTABLE(1b, 2b) : "+m"(val)); \
		break;
	fpregs_begin();
	MMX_CASES()
	fpregs_unlock();
#undef MMX_CASE
	return val;
}

void kvm_fpu_write_mmx(int nr, u64 val)
{
#define MMX_CASE(n) \
	case n: \
		asm volatile("1: movq %0, %%mm" #n "\n2:\n" _ASM_EXTABLE(1b, 2b) : : "m"(val)); \
		break;
	fpregs_begin();
	MMX_CASES()
	fpregs_unlock();
#undef MMX_CASE
}
