/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small VMs on /dev/kvm. Whatever fails here ends the row with a line that says what.
 */
#ifndef TESTS_LIB_VM_H
#define TESTS_LIB_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "layout.h"

#define VM_MAX_SLOTS 32

struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	size_t run_size;	/* bytes mapped */
	pthread_t thread;	/* while has_thread */
	bool has_thread;
};

struct vm {
	int kvm;		/* /dev/kvm */
	int fd;
	struct {
		uint64_t gpa;
		uint64_t size;	/* bytes; 0: no such slot */
		uint8_t *hva;
	} slot[VM_MAX_SLOTS];
	struct vcpu vcpu[GUEST_MAX_CPUS];
	unsigned int cpus;
};

/* Processor modes that vcpu_set_mode() knows; all run at CPL 0 with flat segments. */
enum vcpu_mode { MODE_REAL, MODE_PROT16, MODE_PROT32, MODE_PAGED32, MODE_PAE, MODE_LONG };

/* /dev/kvm; ends the row where it can't be opened. */
int kvm_open(void);

/* Is the driver Linux 6.1's own? It is no judge of what 6.12 changed. */
bool stock_61(void);

/* Is the host's processor Intel's, as far as the driver goes? */
bool on_vmx(void);

/* Does the CPU deliver LAPICs' interrupts by itself, and take their EOIs? */
bool lapic_in_hardware(void);

/* KVM_CHECK_EXTENSION on a system or VM file. */
int kvm_cap(int fd, unsigned int cap);

/* Skip the row when a capability reads 0. */
#define need_cap(fd, cap) do { if (kvm_cap(fd, cap) <= 0) row_skip(#cap " is 0"); } while (0)

/**
 * vm_new() - a VM without memory, vCPUs or interrupt controllers
 *
 * On Intel the three pages for real mode and the identity map are put below the BIOS.
 */
struct vm *vm_new(void);

/* A VM with GUEST_RAM bytes at 0 and page, descriptor and task tables in them. */
struct vm *vm_new_ram(void);

/**
 * vm_set_slot() - KVM_SET_USER_MEMORY_REGION
 * @vm: the VM
 * @slot: number
 * @gpa: page aligned
 * @size: bytes; 0 deletes
 * @hva: the memory
 * @flags: KVM_MEM_*
 *
 * Return: what the ioctl returned, errno set. Remembers the slot for vm_ptr().
 */
int vm_set_slot(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t size, void *hva,
		unsigned int flags);

/* Fresh zeroed memory as a slot; ends the row on failure. */
void *vm_add_memory(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t size,
		    unsigned int flags);

/* The hva of a stretch of guest memory; ends the row where there is none. */
void *vm_ptr(struct vm *vm, uint64_t gpa, uint64_t bytes);

/* KVM_CREATE_IRQCHIP and, with pit, KVM_CREATE_PIT2. */
void vm_add_irqchip(struct vm *vm, bool pit);

/* KVM_GET_IRQCHIP; ends the row on failure. */
struct kvm_irqchip vm_irqchip(struct vm *vm, unsigned int id);

/* KVM_IRQ_LINE. Return: its result, errno set. */
int vm_irq_line(struct vm *vm, unsigned int gsi, unsigned int level);

/**
 * vm_add_vcpu() - a vCPU with the CPUID that the driver supports, APIC ID filled in
 * @vm: the VM
 * @id: its APIC ID
 */
struct vcpu *vm_add_vcpu(struct vm *vm, unsigned int id);

/* The same without KVM_SET_CPUID2. */
struct vcpu *vm_add_bare_vcpu(struct vm *vm, unsigned int id);

/* KVM_GET_SUPPORTED_CPUID, allocated. */
struct kvm_cpuid2 *kvm_supported_cpuid(int kvm);

/* A leaf of it, or NULL. */
struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *cpuid, uint32_t function, uint32_t index);

/* Does the driver offer this CPUID bit to guests? reg: 'a' to 'd' */
bool guest_has(int kvm, uint32_t function, uint32_t index, char reg, unsigned int bit);

/* Registers for a mode, rip and rsp (RFLAGS 2), through KVM_SET_SREGS and KVM_SET_REGS. */
void vcpu_set_mode(struct vcpu *vcpu, enum vcpu_mode mode, uint64_t rip, uint64_t rsp);

/* A flat segment as vcpu_set_mode() uses it, for tests that build their own registers. */
struct kvm_segment flat_segment(uint16_t selector, uint8_t type, bool code64, bool code32);

/* KVM_ENABLE_CAP. Return: its result, errno set. */
int vm_enable_cap(struct vm *vm, uint32_t cap, uint64_t arg);

/* SIGUSR1 ends a KVM_RUN, and does nothing else. */
void catch_usr1(void);

/* It comes so many milliseconds (below 1000) from now; the last call counts. */
void usr1_in(unsigned int ms);

/* KVM_RUN. Return: its result, errno set. */
int vcpu_run(struct vcpu *vcpu);

/* KVM_RUN, through signals; ends the row when it fails or when exit_reason isn't the one wanted. */
void vcpu_run_until(struct vcpu *vcpu, uint32_t exit_reason);

/* An exit in words, with what it says and where the guest was. */
void vcpu_log_exit(struct vcpu *vcpu);

const char *exit_name(uint32_t reason);

struct kvm_regs vcpu_regs(struct vcpu *vcpu);
struct kvm_sregs vcpu_sregs(struct vcpu *vcpu);

/* Data segments that reach all of 4 GiB, in real mode, too. */
void vcpu_set_big_data(struct vcpu *vcpu);

/* A register of the local APIC; writing goes through KVM_GET_LAPIC and KVM_SET_LAPIC. */
uint32_t vcpu_lapic(struct vcpu *vcpu, unsigned int reg);
void vcpu_set_lapic(struct vcpu *vcpu, unsigned int reg, uint32_t value);

/* One MSR. Return: 1, or 0 where the driver refuses. */
int vcpu_get_msr(struct vcpu *vcpu, uint32_t index, uint64_t *value);
int vcpu_set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value);

#endif
