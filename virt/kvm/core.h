/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of virt/kvm share among themselves, and what module init needs of them. */
#ifndef GUESTMODE_CORE_H
#define GUESTMODE_CORE_H

#include <linux/fs.h>
#include "kvm.h"

/* Pages of a vCPU's mmap: struct kvm_run, then data of string I/O; both are the vCPU's ... */
#define KVM_VCPU_PAGES 2
#define KVM_PIO_DATA_PAGE 1
/* ... and the VM's ring of coalesced writes. */
#define KVM_COALESCED_MMIO_PAGE_OFFSET 2
#define KVM_VCPU_MMAP_PAGES 3

extern struct file_operations kvm_vm_fops;
extern struct file_operations kvm_vcpu_fops;

int kvm_core_start(struct module *owner);
void kvm_core_stop(void);

long kvm_vm_create_fd(unsigned long type); /* KVM_CREATE_VM */
long kvm_vcpu_create_fd(struct kvm *kvm, u32 id); /* KVM_CREATE_VCPU */
void kvm_vcpu_destroy(struct kvm_vcpu *vcpu);
bool kvm_vcpu_block(struct kvm_vcpu *vcpu);
void kvm_set_halt_poll(struct kvm *kvm, unsigned int max_ns); /* KVM_CAP_HALT_POLL */
int kvm_vcpu_module_init(void);
void kvm_vcpu_module_exit(void);

#endif
