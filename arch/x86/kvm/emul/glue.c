// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's world, made of a vCPU; instructions. Only this file, glue_io.c, which has memory
 * and ports, and glue_event.c, which has what comes from outside of an instruction, know one.
 */

#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>

#include "core.h"
#include "cpuid.h"
#include "cr.h"
#include "event.h"
#include "exit.h"
#include "fpu.h"
#include "glue.h"
#include "guest_time.h"
#include "msr.h"

static enum kvm_exit_action complete_msr(struct kvm_vcpu *vcpu);

/* --- registers ------------------------------------------------------------------------------- */

static enum kvm_seg seg_nr(enum emul_seg nr)
{
	BUILD_BUG_ON((int)EMUL_SEG_GS != (int)KVM_SEG_GS);
	BUILD_BUG_ON((int)EMUL_SEG_LDTR != (int)KVM_SEG_LDTR);
	BUILD_BUG_ON((int)EMUL_SEG_TR != (int)KVM_SEG_TR);
	return (enum kvm_seg)nr;
}

static void op_get_segment(void *opaque, enum emul_seg nr, struct emul_segment *seg)
{
	struct emul_state *s = opaque;
	struct kvm_segment k;

	vendor_call(get_segment, s->vcpu, seg_nr(nr), &k);
	*seg = (struct emul_segment){
		.base = k.base,
		.limit = k.limit,
		.selector = k.selector,
		.type = k.type,
		.s = k.s,
		.dpl = k.dpl,
		.present = k.present,
		.avl = k.avl,
		.l = k.l,
		.db = k.db,
		.g = k.g,
		.unusable = k.unusable,
	};
}

static enum emul_result op_set_segment(void *opaque, enum emul_seg nr,
				       const struct emul_segment *seg)
{
	struct emul_state *s = opaque;
	struct kvm_segment k = {
		.base = seg->base,
		.limit = seg->limit,
		.selector = seg->selector,
		.type = seg->type,
		.s = seg->s,
		.dpl = seg->dpl,
		.present = seg->present,
		.avl = seg->avl,
		.l = seg->l,
		.db = seg->db,
		.g = seg->g,
		.unusable = seg->unusable,
	};

	vendor_call(set_segment, s->vcpu, seg_nr(nr), &k);
	return EMUL_OK;
}

static void op_get_table(void *opaque, enum emul_table which, u64 *base, u16 *limit)
{
	struct emul_state *s = opaque;
	struct kvm_segment k;

	vendor_call(get_segment, s->vcpu, which == EMUL_GDT ? KVM_SEG_GDTR : KVM_SEG_IDTR, &k);
	*base = k.base;
	*limit = k.limit;
}

static enum emul_result op_set_table(void *opaque, enum emul_table which, u64 base, u16 limit)
{
	struct emul_state *s = opaque;
	struct kvm_segment k = { .base = base, .limit = limit };

	vendor_call(set_segment, s->vcpu, which == EMUL_GDT ? KVM_SEG_GDTR : KVM_SEG_IDTR, &k);
	return EMUL_OK;
}

static u64 op_get_cr(void *opaque, unsigned int nr)
{
	struct kvm_vcpu *vcpu = ((struct emul_state *)opaque)->vcpu;

	switch (nr) {
	case 0:
		return kvm_cr0(vcpu);
	case 2:
		return vcpu->regs.cr2;
	case 3:
		return kvm_cr3(vcpu);
	case 4:
		return kvm_cr4(vcpu);
	default:
		return kvm_get_cr8(vcpu);
	}
}

static enum emul_result gp(struct emul_exception *exc)
{
	*exc = (struct emul_exception){ .vector = X86_TRAP_GP, .has_error = true };
	return EMUL_EXCEPTION;
}

static enum emul_result op_set_cr(void *opaque, unsigned int nr, u64 val,
				  struct emul_exception *exc)
{
	struct kvm_vcpu *vcpu = ((struct emul_state *)opaque)->vcpu;
	int r = 0;

	switch (nr) {
	case 0:
		r = kvm_set_cr0(vcpu, val);
		break;
	case 2:
		vcpu->regs.cr2 = val;
		break;
	case 3:
		r = kvm_set_cr3(vcpu, val);
		break;
	case 4:
		r = kvm_set_cr4(vcpu, val);
		break;
	default:
		r = kvm_set_cr8(vcpu, val);
		kvm_make_request(KVM_REQ_EVENT, vcpu);
		break;
	}
	return r ? gp(exc) : EMUL_OK;
}

/* DR7.GD guards the debug registers, whoever touches them (SDM vol. 3, 17.2.4). */
static enum emul_result dr_guard(struct emul_state *s, struct emul_exception *exc)
{
	struct kvm_vcpu *vcpu = s->vcpu;

	if (!(vcpu->debug.dr7 & KVM_DR7_GD))
		return EMUL_OK;
	vcpu->debug.dr6 = (vcpu->debug.dr6 & ~(u64)DR_TRAP_BITS) | KVM_DR6_BD;
	*exc = (struct emul_exception){ .vector = X86_TRAP_DB };
	return EMUL_EXCEPTION;
}

static enum emul_result op_get_dr(void *opaque, unsigned int nr, u64 *val,
				  struct emul_exception *exc)
{
	struct emul_state *s = opaque;
	enum emul_result r = dr_guard(s, exc);

	if (r == EMUL_OK)
		*val = kvm_get_dr(s->vcpu, nr);
	return r;
}

static enum emul_result op_set_dr(void *opaque, unsigned int nr, u64 val,
				  struct emul_exception *exc)
{
	struct emul_state *s = opaque;
	enum emul_result r = dr_guard(s, exc);

	if (r != EMUL_OK)
		return r;
	return kvm_set_dr(s->vcpu, nr, val) ? gp(exc) : EMUL_OK;
}

/* An access that failed: #GP, or userspace's to answer. */
static enum emul_result msr_failed(struct emul_state *s, u32 exit, u32 index, u64 data, int error,
				   struct emul_exception *exc)
{
	if (!kvm_msr_ask_user(s->vcpu, exit, index, data, error))
		return gp(exc);
	s->vcpu->io.complete = complete_msr;
	return EMUL_IO;
}

static enum emul_result op_get_msr(void *opaque, u32 index, u64 *val, struct emul_exception *exc)
{
	struct emul_state *s = opaque;
	int r;

	if (s->msr_done) {
		*val = s->msr_value;
		return s->msr_error ? gp(exc) : EMUL_OK;
	}
	r = kvm_msr_guest_read(s->vcpu, index, val);
	return r ? msr_failed(s, KVM_EXIT_X86_RDMSR, index, 0, r, exc) : EMUL_OK;
}

static enum emul_result op_set_msr(void *opaque, u32 index, u64 val, struct emul_exception *exc)
{
	struct emul_state *s = opaque;
	int r;

	if (s->msr_done)
		return s->msr_error ? gp(exc) : EMUL_OK;
	r = kvm_msr_guest_write(s->vcpu, index, val);
	return r ? msr_failed(s, KVM_EXIT_X86_WRMSR, index, val, r, exc) : EMUL_OK;
}

static u64 op_get_implied_msr(void *opaque, u32 index)
{
	struct emul_state *s = opaque;
	u64 val = 0;

	kvm_msr_read(s->vcpu, index, &val, true);
	return val;
}

static void op_set_implied_msr(void *opaque, u32 index, u64 val)
{
	struct emul_state *s = opaque;

	kvm_msr_write(s->vcpu, index, val, true);
}

static bool op_random(void *opaque, u64 *val)
{
	*val = get_random_u64();
	return true;
}

static u64 op_rdtsc(void *opaque)
{
	struct emul_state *s = opaque;

	return kvm_tsc_read(s->vcpu, rdtsc());
}

static enum emul_result op_cpuid(void *opaque, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx,
				 struct emul_exception *exc)
{
	struct emul_state *s = opaque;

	if (kvm_cpuid_faults(s->vcpu))
		return gp(exc);
	kvm_cpuid(s->vcpu, eax, ebx, ecx, edx);
	return EMUL_OK;
}

static enum emul_result op_hlt(void *opaque)
{
	struct emul_state *s = opaque;

	s->vcpu->mp_state = KVM_MP_STATE_HALTED;
	return EMUL_OK;
}

static enum emul_result op_wbinvd(void *opaque, bool writeback)
{
	return EMUL_OK;
}

static enum emul_result op_invlpg(void *opaque, u64 addr)
{
	struct emul_state *s = opaque;

	vendor_call(tlb_flush_gva, s->vcpu, addr);
	return EMUL_OK;
}

static u64 op_get_xcr0(void *opaque)
{
	struct emul_state *s = opaque;

	return s->vcpu->regs.xcr0;
}

static enum emul_result op_set_xcr(void *opaque, u32 index, u64 val, struct emul_exception *exc)
{
	struct emul_state *s = opaque;

	return kvm_set_xcr(s->vcpu, index, val) ? gp(exc) : EMUL_OK;
}

static enum emul_result op_fninit(void *opaque)
{
	kvm_fpu_fninit();
	return EMUL_OK;
}

static enum emul_result op_get_x87(void *opaque, u16 *control, u16 *status)
{
	kvm_fpu_x87_words(control, status);
	return EMUL_OK;
}

static u64 op_read_mmx(void *opaque, unsigned int nr)
{
	return kvm_fpu_read_mmx(nr);
}

static void op_write_mmx(void *opaque, unsigned int nr, u64 val)
{
	kvm_fpu_write_mmx(nr, val);
}

static enum emul_result op_read_vec(void *opaque, unsigned int nr, void *buf, unsigned int n)
{
	kvm_fpu_read_vec(nr, buf, n);
	return EMUL_OK;
}

static enum emul_result op_write_vec(void *opaque, unsigned int nr, const void *buf, unsigned int n,
				     bool zero_upper)
{
	kvm_fpu_write_vec(nr, buf, n, zero_upper);
	return EMUL_OK;
}

static const struct emul_ops vcpu_ops = {
	.fetch = glue_fetch,
	.read = glue_read,
	.write = glue_write,
	.cmpxchg = glue_cmpxchg,
	.probe = glue_probe,
	.touch = glue_touch,
	.commit = glue_commit,
	.pio_in = glue_pio_in,
	.pio_out = glue_pio_out,
	.get_segment = op_get_segment,
	.set_segment = op_set_segment,
	.get_table = op_get_table,
	.set_table = op_set_table,
	.get_cr = op_get_cr,
	.set_cr = op_set_cr,
	.get_dr = op_get_dr,
	.set_dr = op_set_dr,
	.get_msr = op_get_msr,
	.set_msr = op_set_msr,
	.get_implied_msr = op_get_implied_msr,
	.set_implied_msr = op_set_implied_msr,
	.random = op_random,
	.rdtsc = op_rdtsc,
	.cpuid = op_cpuid,
	.hlt = op_hlt,
	.wbinvd = op_wbinvd,
	.invlpg = op_invlpg,
	.get_xcr0 = op_get_xcr0,
	.set_xcr = op_set_xcr,
	.read_vec = op_read_vec,
	.write_vec = op_write_vec,
	.fninit = op_fninit,
	.get_x87 = op_get_x87,
	.read_mmx = op_read_mmx,
	.write_mmx = op_write_mmx,
};

/* --- one instruction ------------------------------------------------------------------------- */

/* Registers are numbered alike: the emulator works on the vCPU's. */
static_assert((int)EMUL_RAX == (int)KVM_REG_RAX && (int)EMUL_R15 == (int)KVM_REG_R15);
#define GPRS ((u32)GENMASK(KVM_REG_R15, KVM_REG_RAX))

static void load_registers(struct emul_state *s)
{
	struct kvm_vcpu *vcpu = s->vcpu;
	struct emul_ctxt *c = &s->c;
	unsigned long missing = GPRS & ~vcpu->regs.avail;
	int i;

	for_each_set_bit(i, &missing, KVM_NR_REGS)
		kvm_cache_reg(vcpu, i);
	s->rsp = vcpu->regs.val[KVM_REG_RSP];
	c->rip = kvm_rip_read(vcpu);
	c->rflags = kvm_rflags_read(vcpu);
	c->vendor = guest_has(vcpu, KVM_GF_AMD_LIKE) ? EMUL_VENDOR_AMD : EMUL_VENDOR_INTEL;
	if (likely(kvm_is_64bit_code(vcpu))) {
		c->mode = EMUL_MODE_PROT64;
	} else {
		struct kvm_segment k;
		struct emul_segment cs;

		vendor_call(get_segment, vcpu, KVM_SEG_CS, &k);
		cs.l = k.l;
		cs.db = k.db;
		c->mode = emul_mode(kvm_is_pe(vcpu), c->rflags & X86_EFLAGS_VM,
				    kvm_is_long_mode(vcpu), &cs);
	}
	c->cpl = kvm_cpl(vcpu);
	c->lma = kvm_is_long_mode(vcpu);
	c->va_bits = kvm_cr4(vcpu) & X86_CR4_LA57 ? 57 : 48;
	vcpu->io.regs_set = false;
}

void glue_load_context(struct emul_state *s)
{
	load_registers(s);
	s->c.shadow = 0;
	s->error = 0;
	glue_commit(s);
}

void glue_store_context(struct emul_state *s)
{
	struct kvm_vcpu *vcpu = s->vcpu;
	u64 changed = kvm_rflags_read(vcpu) ^ s->c.rflags;

	vcpu->regs.avail |= GPRS;
	vcpu->regs.dirty |= GPRS & ~BIT(KVM_REG_RSP);
	if (vcpu->regs.val[KVM_REG_RSP] != s->rsp)
		vcpu->regs.dirty |= BIT(KVM_REG_RSP);
	kvm_rip_write(vcpu, s->c.rip);
	if (!changed)
		return;
	/* It may have changed what can be delivered. */
	if (changed & X86_EFLAGS_IF)
		kvm_make_request(KVM_REQ_EVENT, vcpu);
	kvm_rflags_write(vcpu, s->c.rflags);
}

void glue_set_shadow(struct kvm_vcpu *vcpu, u8 shadow)
{
	u32 now = vendor_call(get_shadow, vcpu), want = 0;

	if (shadow & EMUL_SHADOW_STI)
		want |= KVM_X86_SHADOW_INT_STI;
	if (shadow & EMUL_SHADOW_MOV_SS)
		want |= KVM_X86_SHADOW_INT_MOV_SS;
	if (now == want)
		return;
	vendor_call(set_shadow, vcpu, want);
	/* The end of a shadow may let something in. */
	if (!want)
		kvm_make_request(KVM_REQ_EVENT, vcpu);
}

/*
 * An instruction is complete: RF and shadow end, a single-step trap is due. But not behind MOV SS:
 * the next instruction is to change SP (SDM vol. 3, 6.8.3), and begins with TF set, too.
 */
static enum kvm_exit_action retire(struct emul_state *s, bool step)
{
	struct kvm_vcpu *vcpu = s->vcpu;

	glue_set_shadow(vcpu, s->c.shadow);
	if (!step || s->c.shadow & EMUL_SHADOW_MOV_SS)
		return KVM_RESUME;
	if (vcpu->debug.guest_debug & KVM_GUESTDBG_SINGLESTEP)
		return exit_db(vcpu, KVM_DR6_INIT | DR_STEP);
	kvm_queue_db(vcpu, DR_STEP);
	return KVM_RESUME;
}

void glue_queue_exception(struct emul_state *s)
{
	const struct emul_exception *e = &s->c.exc;

	/* That of DR7.GD: a fault, unlike others of its vector. */
	if (e->vector == X86_TRAP_DB)
		kvm_rflags_write(s->vcpu, kvm_rflags_read(s->vcpu) | X86_EFLAGS_RF);
	if (e->vector == X86_TRAP_PF)
		kvm_queue_pf(s->vcpu, e->error_code, e->address);
	else if (e->has_error)
		kvm_queue_exception_e(s->vcpu, e->vector, e->error_code);
	else
		kvm_queue_exception(s->vcpu, e->vector);
}

/*
 * What can't be emulated is reported with its bytes, never skipped. A guest's user program may not
 * end the guest by it: there it is an undefined instruction, unless userspace wants to hear of all.
 */
static enum kvm_exit_action give_up(struct emul_state *s)
{
	struct kvm_vcpu *vcpu = s->vcpu;
	struct kvm_run *run = vcpu->run;
	u8 len = min_t(u8, s->c.insn.nr_bytes, EMUL_MAX_INSN_LEN);

	vcpu->stat.insn_emulation_fail++;
	vcpu->io.complete = NULL; /* an access after a task switch may have asked for one */
	if (s->error) {
		vcpu->run_errno = s->error;
		return KVM_FAIL;
	}
	if (s->c.cpl && !READ_ONCE(vcpu->kvm->caps.exit_on_emulation_error)) {
		kvm_queue_exception(vcpu, X86_TRAP_UD);
		return KVM_RESUME;
	}
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = len;
	memset(run->emulation_failure.insn_bytes, 0x90, sizeof(run->emulation_failure.insn_bytes));
	memcpy(run->emulation_failure.insn_bytes, s->c.insn.bytes, len);
	return KVM_TO_USER;
}

/* Breakpoints that DR7 enables for one task, and the one of exact matches. */
#define DR7_LOCAL 0x155

void glue_side_effects(struct emul_state *s, enum emul_result r)
{
	struct kvm_vcpu *vcpu = s->vcpu;

	if (s->c.iret)
		vendor_call(set_nmi_mask, vcpu, false);
	if (!s->c.task_switch)
		return;
	if (vcpu->debug.dr7 & DR7_LOCAL) {
		vcpu->debug.dr7 &= ~(u64)DR7_LOCAL;
		kvm_update_dr7(vcpu);
	}
	if (s->c.task_trap && r == EMUL_OK)
		kvm_queue_db(vcpu, DR_SWITCH);
}

/* A trap behind HLT is delivered, and so ends it, as in exit_hlt(). */
static enum kvm_exit_action retire_hlt(struct emul_state *s)
{
	enum kvm_exit_action action;

	s->vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	action = retire(s, s->c.step);
	return action == KVM_RESUME ? kvm_vcpu_halt(s->vcpu) : action;
}

static enum kvm_exit_action execute(struct emul_state *s)
{
	struct kvm_vcpu *vcpu = s->vcpu;
	enum emul_result r;

	s->at = 0;
	r = emul_execute(&s->c);
	glue_store_context(s);
	if (unlikely(s->c.iret || s->c.task_switch))
		glue_side_effects(s, r);
	switch (r) {
	case EMUL_OK:
		if (vcpu->mp_state == KVM_MP_STATE_HALTED)
			return retire_hlt(s);
		return retire(s, s->c.step);
	case EMUL_EXCEPTION:
		glue_queue_exception(s);
		return KVM_RESUME;
	case EMUL_IO:
		return KVM_TO_USER;
	case EMUL_RESTART:
		return s->c.iterated ? retire(s, s->c.step) : KVM_RESUME;
	default:
		return give_up(s);
	}
}

/* Userspace is back. If it set registers, the instruction goes on with those. */
enum kvm_exit_action glue_resume(struct emul_state *s)
{
	if (unlikely(s->vcpu->io.regs_set))
		load_registers(s);
	return execute(s);
}

static enum kvm_exit_action complete_msr(struct kvm_vcpu *vcpu)
{
	struct emul_state *s = vcpu->io.emul;

	s->msr_done = true;
	s->msr_error = READ_ONCE(vcpu->run->msr.error);
	s->msr_value = READ_ONCE(vcpu->run->msr.data);
	return glue_resume(s);
}

/* Step over without execution: the exit's handler has done it. */
static enum kvm_exit_action step_over(struct emul_state *s)
{
	struct kvm_vcpu *vcpu = s->vcpu;
	u64 rip = s->c.rip + s->c.insn.len;

	if (s->c.mode != EMUL_MODE_PROT64)
		rip = (u32)rip;
	kvm_rip_write(vcpu, rip);
	/* RF ends with each instruction that completes (SDM vol. 3, 17.3.1.1). */
	if (s->c.rflags & X86_EFLAGS_RF)
		kvm_rflags_write(vcpu, s->c.rflags & ~(u64)X86_EFLAGS_RF);
	return retire(s, s->c.rflags & X86_EFLAGS_TF);
}

/* VMCALL on AMD, VMMCALL on Intel: the hypercall of a guest that was moved. 0F 01 /0 C1, D9. */
static bool is_hypercall(const struct emul_insn *insn)
{
	return insn->map == 1 && insn->opcode == 0x01 && insn->has_modrm &&
	       (insn->modrm == 0xc1 || insn->modrm == 0xd9);
}

static void remember_decoded(struct emul_state *s, const u64 bytes[2])
{
	struct decoded *d = &s->decoded;
	unsigned int bits = s->c.insn.len * 8;

	d->mode = s->c.mode;
	d->vendor = s->c.vendor;
	d->bytes[0] = bytes[0];
	d->bytes[1] = bytes[1];
	d->mask[0] = bits >= 64 ? ~0ULL : BIT_ULL(bits) - 1;
	d->mask[1] = bits > 64 ? BIT_ULL(bits - 64) - 1 : 0;
	d->valid = true;
}

enum emul_result glue_decode(struct emul_state *s)
{
	struct kvm_vcpu *vcpu = s->vcpu;
	struct emul_ctxt *c = &s->c;
	struct decoded *d = &s->decoded;
	enum emul_result r;
	u64 bytes[2];

	if (vcpu->exit.insn_len || c->mode != EMUL_MODE_PROT64 || !kvm_is_canonical(vcpu, c->rip) ||
	    !mmu_read_code(vcpu, c->rip, c->cpl == 3, bytes)) {
		d->valid = false;
		return emul_decode(c, vcpu->exit.insn, vcpu->exit.insn_len);
	}
	if (likely(d->valid && d->mode == c->mode && d->vendor == c->vendor &&
		   !((d->bytes[0] ^ bytes[0]) & d->mask[0]) &&
		   !((d->bytes[1] ^ bytes[1]) & d->mask[1])))
		return EMUL_OK;
	d->valid = false;
	r = emul_decode(c, bytes, EMUL_MAX_INSN_LEN);
	if (r == EMUL_OK)
		remember_decoded(s, bytes);
	return r;
}

/*
 * Let the guest's next hypercall from here be the one that hardware knows: by #UD and decoding it
 * costs twice as much. Only where the guest could write itself; elsewhere it stays as it is.
 */
static void fix_hypercall(struct emul_state *s)
{
	u64 addr = kvm_linear_rip(s->vcpu) + s->c.insn.len - 1;
	u8 native = kvm_caps->hypercall_modrm;
	struct emul_exception exc;

	if (s->c.mode != EMUL_MODE_PROT64)
		addr = (u32)addr;
	if (glue_probe(s, addr, 1, EMUL_ACC_WRITE) == EMUL_OK)
		glue_write(s, addr, &native, 1, EMUL_ACC_WRITE, &exc);
}

/*
 * SYSCALL and SYSRET in 32-bit code are AMD's only, SYSENTER and SYSEXIT in long mode Intel's, and
 * the guest may have been promised the other's CPU. The emulator goes by what it was promised.
 */
static bool is_fast_call(const struct emul_insn *insn)
{
	return insn->map == 1 && insn->vex == EMUL_VEX_NONE &&
	       (insn->opcode == 0x05 || insn->opcode == 0x07 || insn->opcode == 0x34 ||
		insn->opcode == 0x35);
}

/* #UD: what another vendor's CPU would have done, or what it seems. */
static enum kvm_exit_action emulate_ud(struct emul_state *s, bool decoded)
{
	struct kvm_vcpu *vcpu = s->vcpu;
	enum kvm_exit_action action;

	if (decoded && is_fast_call(&s->c.insn)) {
		vcpu->stat.insn_emulation++;
		return execute(s);
	}
	if (!decoded || !is_hypercall(&s->c.insn) ||
	    (vcpu->kvm->caps.disabled_quirks & KVM_X86_QUIRK_FIX_HYPERCALL_INSN)) {
		kvm_queue_exception(vcpu, X86_TRAP_UD);
		return KVM_RESUME;
	}
	fix_hypercall(s);
	/* Hardware tells no length with a #UD (SDM vol. 3, 27.2.5). */
	action = kvm_hypercall(vcpu);
	return action == KVM_RESUME ? step_over(s) : action;
}

/**
 * kvm_emulate() - emulate, or step over, the instruction at RIP
 * @vcpu: the vCPU
 * @flags: EMUL_GLUE_SKIP: its effect is done; EMUL_GLUE_UD: it raised #UD
 *
 * Context: exit.h. Return: what the run loop does next.
 */
enum kvm_exit_action kvm_emulate(struct kvm_vcpu *vcpu, u32 flags)
{
	struct emul_state *s = vcpu->io.emul;
	enum emul_result r;

	glue_load_context(s);
	r = glue_decode(s);
	if (flags & EMUL_GLUE_UD)
		return emulate_ud(s, r == EMUL_OK);
	if (r == EMUL_EXCEPTION) {
		glue_queue_exception(s);
		return KVM_RESUME;
	}
	if (r != EMUL_OK)
		return give_up(s);
	if (flags & EMUL_GLUE_SKIP)
		return step_over(s);
	vcpu->stat.insn_emulation++;
	return execute(s);
}
EXPORT_SYMBOL_NS_GPL(kvm_emulate, GUESTMODE);

/**
 * kvm_quick_length() - length of the instruction at RIP, where that takes no full decoding
 * @vcpu: the vCPU, in 64-bit code; RIP is where hardware has fetched from
 * @user: at CPL 3
 *
 * Context: exit.h. Return: bytes; 0: kvm_emulate() has to find out.
 */
unsigned int kvm_quick_length(struct kvm_vcpu *vcpu, bool user)
{
	u64 bytes[2];

	if (!mmu_read_code(vcpu, kvm_rip_read(vcpu), user, bytes))
		return 0;
	return emul_short_length(bytes[0]);
}
EXPORT_SYMBOL_NS_GPL(kvm_quick_length, GUESTMODE);

int kvm_emul_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct emul_state *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return -ENOMEM;
	s->vcpu = vcpu;
	s->c.ops = &vcpu_ops;
	s->c.opaque = s;
	s->c.gpr = vcpu->regs.val;
	vcpu->io.emul = s;
	return 0;
}

void kvm_emul_vcpu_free(struct kvm_vcpu *vcpu)
{
	kfree(vcpu->io.emul);
}
