// SPDX-License-Identifier: GPL-2.0-only
/* KVM_RUN: requests, entry and exit, waiting. Every enter has its leave, in reverse order. */

#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/srcu.h>
#include <asm/debugreg.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/nospec-branch.h>

#include "access.h"
#include "arch.h"
#include "core.h"
#include "cpuid.h"
#include "cr.h"
#include "entry.h"
#include "event.h"
#include "exit.h"
#include "fpu.h"
#include "guest_time.h"
#include "hostwork.h"
#include "run.h"
#include "trace.h"

/* --- requests -------------------------------------------------------------------------------- */

static enum kvm_exit_action req_vm_dead(struct kvm_vcpu *vcpu)
{
	kvm_make_request(KVM_REQ_VM_DEAD, vcpu);
	vcpu->run_errno = -EIO;
	return KVM_FAIL;
}

static enum kvm_exit_action req_triple_fault(struct kvm_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return KVM_TO_USER;
}

static enum kvm_exit_action req_mmu_root(struct kvm_vcpu *vcpu)
{
	int r = mmu_load_root(vcpu);

	if (!r)
		return KVM_RESUME;
	kvm_make_request(KVM_REQ_MMU_ROOT, vcpu);
	vcpu->run_errno = r;
	return KVM_FAIL;
}

static enum kvm_exit_action req_tlb_flush(struct kvm_vcpu *vcpu)
{
	vcpu->stat.tlb_flush++;
	vendor_call(tlb_flush, vcpu);
	return KVM_RESUME;
}

static enum kvm_exit_action req_masterclock(struct kvm_vcpu *vcpu)
{
	kvm_clock_master_update(vcpu->kvm);
	return KVM_RESUME;
}

static enum kvm_exit_action req_clock_update(struct kvm_vcpu *vcpu)
{
	kvm_clock_update(vcpu);
	return KVM_RESUME;
}

static enum kvm_exit_action req_steal_update(struct kvm_vcpu *vcpu)
{
	kvm_pv_steal_update(vcpu);
	return KVM_RESUME;
}

static enum kvm_exit_action req_intercepts(struct kvm_vcpu *vcpu)
{
	vendor_call(update_intercepts, vcpu);
	return KVM_RESUME;
}

static enum kvm_exit_action req_event(struct kvm_vcpu *vcpu)
{
	vcpu->stat.req_event++;
	/* One that came after the loop looked: not into the guest with it, round once more. */
	if (unlikely(vcpu->lapic && lapic_has_events(vcpu))) {
		kvm_make_request(KVM_REQ_EVENT, vcpu);
		return KVM_RESUME;
	}
	event_inject(vcpu);
	return KVM_RESUME;
}

/*
 * Served in the order of enum kvm_request: a dead VM needs nothing else; the clocks may write guest
 * memory, which may fault pages in; the root and the flush come after all that may change
 * mappings; events come last since they are put into the state that all others have settled.
 */
static enum kvm_exit_action (*const request_handlers[KVM_NR_REQS])(struct kvm_vcpu *) = {
	[KVM_REQ_VM_DEAD] = req_vm_dead,
	[KVM_REQ_TRIPLE_FAULT] = req_triple_fault,
	[KVM_REQ_USER_EOI] = split_tell_eoi,
	[KVM_REQ_TPR_ACCESS] = vapic_tell_tpr,
	[KVM_REQ_MASTERCLOCK] = req_masterclock,
	[KVM_REQ_CLOCK_UPDATE] = req_clock_update,
	[KVM_REQ_STEAL_UPDATE] = req_steal_update,
	[KVM_REQ_INTERCEPTS] = req_intercepts,
	[KVM_REQ_MMU_ROOT] = req_mmu_root,
	[KVM_REQ_TLB_FLUSH] = req_tlb_flush,
	[KVM_REQ_EVENT] = req_event,
};

static enum kvm_exit_action serve_requests(struct kvm_vcpu *vcpu)
{
	unsigned long pending = READ_ONCE(vcpu->requests);
	enum kvm_exit_action action;
	unsigned int req;

	for_each_set_bit(req, &pending, KVM_NR_REQS) {
		clear_bit(req, &vcpu->requests);
		/* Pairs with smp_wmb() in kvm_make_request(). */
		smp_mb__after_atomic();
		action = request_handlers[req](vcpu);
		if (action != KVM_RESUME)
			return action;
	}
	return KVM_RESUME;
}

/* --- one entry ------------------------------------------------------------------------------- */

/* VMRUN and VM entry load DR6, DR7 (and clear the host's DR7 at exit); DR0-3 are ours to switch. */
static void debug_enter(struct kvm_vcpu *vcpu)
{
	if (likely(!vcpu->debug.switch_db)) {
		if (unlikely(hw_breakpoint_active()))
			set_debugreg(0, 7);
		return;
	}
	set_debugreg(0, 7);
	set_debugreg(vcpu->debug.eff_db[0], 0);
	set_debugreg(vcpu->debug.eff_db[1], 1);
	set_debugreg(vcpu->debug.eff_db[2], 2);
	set_debugreg(vcpu->debug.eff_db[3], 3);
}

static void debug_leave(struct kvm_vcpu *vcpu)
{
	if (unlikely(vcpu->debug.switch_db & KVM_DEBUGREG_WONT_EXIT)) {
		vendor_call(sync_drs, vcpu);
		kvm_update_dr7(vcpu);
	}
	/* The host's own breakpoints (perf, ptrace of this thread). */
	if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_restore();
}

static noinstr void hardware_run(struct kvm_vcpu *vcpu)
{
	kvm_guest_state_enter(&vcpu->rcu_noted);
	vendor_call(run, vcpu);
	kvm_guest_state_leave();
}

/* irqs off: nothing in here may touch guest memory. */
static void enter_and_exit(struct kvm_vcpu *vcpu)
{
	kvm_guest_time_enter();
	/* Else another task's registers would enter the guest. */
	if (IS_ENABLED(CONFIG_PROVE_LOCKING))
		fpregs_assert_state_consistent();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	kvm_xstate_enter(vcpu);
	debug_enter(vcpu);

	hardware_run(vcpu);

	debug_leave(vcpu);
	kvm_xstate_leave(vcpu);
}

/*
 * vcpu_enter - from requests to the end of one hardware exit, and the exit's handler
 *
 * kvm->srcu is held on entry and on return.
 */
static enum kvm_exit_action vcpu_enter(struct kvm_vcpu *vcpu) __must_hold(&vcpu->kvm->srcu)
{
	enum kvm_exit_action action;

	if (kvm_request_pending(vcpu)) {
		action = serve_requests(vcpu);
		if (action != KVM_RESUME)
			return action;
	}

	if (unlikely(vcpu->lapic_shared))
		lapic_shared_store(vcpu);
	vcpu->has_run = true;
	preempt_disable();
	local_irq_disable();
	WRITE_ONCE(vcpu->mode, IN_GUEST_MODE);
	kvm_srcu_unlock(vcpu);
	/*
	 * Mode before requests: pairs with kvm_vcpu_kick() and kvm_make_all_request(), which write
	 * their request before they look at the mode. The unlock has a full barrier.
	 */
	smp_mb__after_srcu_read_unlock();
	if (READ_ONCE(vcpu->mode) == EXITING_GUEST_MODE || kvm_request_pending(vcpu) ||
	    xfer_to_guest_mode_work_pending()) {
		WRITE_ONCE(vcpu->mode, OUTSIDE_GUEST_MODE);
		local_irq_enable();
		preempt_enable();
		kvm_srcu_lock(vcpu);
		if (unlikely(vcpu->lapic_shared))
			lapic_shared_load(vcpu);
		vendor_call(cancel_injection, vcpu);
		return KVM_RESUME;
	}

	vendor_call(prepare, vcpu);
	trace_kvm_entry(vcpu, false);
	enter_and_exit(vcpu);
	trace_kvm_exit(vcpu, kvm_caps->trace_isa);

	/* VMSCAPE: before this CPU runs any user code again, the guest's branch history goes. */
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);

	vendor_call(exit_irqoff, vcpu);
	/* Who sees the mode sees what exit_irqoff has done: kvm_make_all_exit(). */
	smp_store_release(&vcpu->mode, OUTSIDE_GUEST_MODE);
	/* Others must see the mode before whatever this CPU does with interrupts on. */
	smp_wmb();
	/* Here the host takes the interrupt that ended guest mode; its tick is the guest's time. */
	local_irq_enable();
	vcpu->stat.exits++;
	local_irq_disable();
	kvm_guest_time_leave();
	local_irq_enable();
	preempt_enable();

	kvm_srcu_lock(vcpu);
	if (unlikely(vcpu->lapic_shared))
		lapic_shared_load(vcpu);
	return vendor_call(handle_exit, vcpu);
}

/* --- the loop -------------------------------------------------------------------------------- */

/* Not runnable: sleep until an event or a signal. */
static void vcpu_wait(struct kvm_vcpu *vcpu)
{
	bool runnable;

	lapic_timer_to_host(vcpu);
	kvm_srcu_unlock(vcpu);
	runnable = kvm_vcpu_block(vcpu);
	kvm_srcu_lock(vcpu);
	if (!runnable || vcpu->mp_state != KVM_MP_STATE_HALTED)
		return;
	/* An INIT may be all that it is runnable for: that doesn't end HLT. */
	if (likely(!lapic_has_events(vcpu)) || event_can_wake(vcpu)) {
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
		WRITE_ONCE(vcpu->pv.unhalted, false);
	}
}

/**
 * kvm_vcpu_halt() - the guest executed HLT and RIP is behind it
 * @vcpu: the vCPU
 *
 * Return: KVM_RESUME with an in-kernel LAPIC (the run loop waits) or an exception behind HLT, else
 * KVM_TO_USER.
 */
enum kvm_exit_action kvm_vcpu_halt(struct kvm_vcpu *vcpu)
{
	vcpu->stat.halt_exits++;
	if (!vcpu->lapic) {
		/* A trap behind it ends it. */
		if (unlikely(vcpu->event.exception.pending))
			return KVM_RESUME;
		vcpu->run->exit_reason = KVM_EXIT_HLT;
		return KVM_TO_USER;
	}
	vcpu->mp_state = KVM_MP_STATE_HALTED;
	return KVM_RESUME;
}

/* An interrupt of userspace's controller would go in at once. */
static bool user_may_interrupt(struct kvm_vcpu *vcpu)
{
	return irqchip_takes_user(vcpu) && !event_vectoring(vcpu) &&
	       !vcpu->event.exception.pending && vendor_call(irq_allowed, vcpu);
}

/* Userspace drives the interrupt controller and asked for word when it may inject. */
static bool user_wants_irq_window(struct kvm_vcpu *vcpu)
{
	return unlikely(READ_ONCE(vcpu->run->request_interrupt_window)) && user_may_interrupt(vcpu);
}

/* Host work for this thread: signals, rescheduling, task work. */
static int host_work(struct kvm_vcpu *vcpu)
{
	int r;

	if (likely(!__xfer_to_guest_mode_work_pending()))
		return 0;
	kvm_srcu_unlock(vcpu);
	r = hostwork_do();
	kvm_srcu_lock(vcpu);
	return r;
}

static long signalled(struct kvm_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	vcpu->stat.signal_exits++;
	return -EINTR;
}

/*
 * An EOI that userspace's IOAPIC is to hear of goes before other reasons to return: there may be no
 * next KVM_RUN but one that returns at once, and what is saved then does not tell of it.
 */
static bool tell_eoi(struct kvm_vcpu *vcpu)
{
	if (!kvm_test_request(KVM_REQ_USER_EOI, vcpu))
		return false;
	kvm_clear_request(KVM_REQ_USER_EOI, vcpu);
	return split_tell_eoi(vcpu) == KVM_TO_USER;
}

static long action_result(struct kvm_vcpu *vcpu, enum kvm_exit_action action)
{
	if (vcpu->io.complete)
		vcpu->io.linear_rip = kvm_linear_rip(vcpu);
	return action == KVM_FAIL ? vcpu->run_errno : 0;
}

static long run_loop(struct kvm_vcpu *vcpu)
{
	enum kvm_exit_action action;

	for (;;) {
		/* An event comes with a request, which stays until it is served: req_event(). */
		if (kvm_request_pending(vcpu) && lapic_has_events(vcpu))
			lapic_serve_events(vcpu);
		if (likely(vcpu->mp_state == KVM_MP_STATE_RUNNABLE)) {
			action = vcpu_enter(vcpu);
			if (action != KVM_RESUME)
				return action_result(vcpu, action);
		} else {
			if (READ_ONCE(vcpu->kvm->dead))
				return -EIO;
			vcpu_wait(vcpu);
		}
		if (unlikely(user_wants_irq_window(vcpu))) {
			if (tell_eoi(vcpu))
				return 0;
			vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
			vcpu->stat.request_irq_exits++;
			return 0;
		}
		if (unlikely(host_work(vcpu)))
			return tell_eoi(vcpu) ? 0 : signalled(vcpu);
	}
}

/* --- KVM_RUN --------------------------------------------------------------------------------- */

static void sigset_enter(struct kvm_vcpu *vcpu)
{
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &current->real_blocked);
}

static void sigset_leave(struct kvm_vcpu *vcpu)
{
	if (!vcpu->sigset_active)
		return;
	sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
	sigemptyset(&current->real_blocked);
}

/* Finish what the last exit to userspace left open, then run. kvm->srcu held. */
static long complete_and_run(struct kvm_vcpu *vcpu)
{
	enum kvm_exit_action (*complete)(struct kvm_vcpu *) = vcpu->io.complete;
	enum kvm_exit_action action;
	long r;

	if (unlikely(READ_ONCE(vcpu->run->kvm_valid_regs) | READ_ONCE(vcpu->run->kvm_dirty_regs))) {
		r = kvm_sync_regs_load(vcpu);
		if (r)
			return r;
	}
	if (!vcpu->lapic && kvm_set_cr8(vcpu, READ_ONCE(vcpu->run->cr8)))
		return -EINVAL;
	/* Asked for since the last run: the window must be open before the guest may need it. */
	if (unlikely(READ_ONCE(vcpu->run->request_interrupt_window)))
		kvm_make_request(KVM_REQ_EVENT, vcpu);
	if (complete) {
		vcpu->io.complete = NULL;
		/* If userspace moved RIP (reset, state loaded), that is over. */
		action = KVM_RESUME;
		if (likely(kvm_linear_rip(vcpu) == vcpu->io.linear_rip))
			action = complete(vcpu);
		if (action != KVM_RESUME)
			return action_result(vcpu, action);
	}
	if (READ_ONCE(vcpu->run->immediate_exit))
		return -EINTR;
	return run_loop(vcpu);
}

/* What userspace may want to know without another ioctl. */
static void fill_run(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->if_flag = !!(kvm_rflags_read(vcpu) & X86_EFLAGS_IF);
	run->cr8 = kvm_get_cr8(vcpu);
	run->flags = vcpu->exit.bus_lock ? KVM_RUN_X86_BUS_LOCK : 0;
	vcpu->exit.bus_lock = false;
	run->apic_base = vcpu->lapic ? lapic_base(vcpu) : vcpu->msr.apic_base;
	run->ready_for_interrupt_injection = vcpu->kvm->irqchip.mode == KVM_IRQCHIP_KERNEL ||
					     user_may_interrupt(vcpu);
	if (unlikely(READ_ONCE(run->kvm_valid_regs)))
		kvm_sync_regs_store(vcpu);
}

static void remember_thread(struct kvm_vcpu *vcpu)
{
	struct pid *old = rcu_access_pointer(vcpu->pid), *new;

	if (likely(old == task_pid(current)))
		return;
	new = get_task_pid(current, PIDTYPE_PID);
	rcu_assign_pointer(vcpu->pid, new);
	/* What another thread has waited is not this vCPU's. */
	vcpu->pv.steal.started = false;
	if (old)
		synchronize_rcu();
	put_pid(old);
}

/**
 * kvm_arch_vcpu_run() - KVM_RUN
 * @vcpu: the vCPU
 *
 * Context: vcpu->mutex held; current->mm is the VM's.
 * Return: 0 with vcpu->run->exit_reason filled in; -EINTR, -EINVAL, -EIO, -ENOMEM, -EFAULT ...
 */
long kvm_arch_vcpu_run(struct kvm_vcpu *vcpu)
{
	long r;

	remember_thread(vcpu);
	kvm_vcpu_load(vcpu);
	sigset_enter(vcpu);
	kvm_fpu_enter(vcpu);
	kvm_srcu_lock(vcpu);

	r = complete_and_run(vcpu);

	trace_kvm_userspace_exit(vcpu->run->exit_reason, r);
	fill_run(vcpu);
	kvm_srcu_unlock(vcpu);
	kvm_fpu_leave(vcpu);
	sigset_leave(vcpu);
	kvm_vcpu_put(vcpu);
	return r;
}
