/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest writes that signal an eventfd in place of an exit (ioeventfd.c). */
#ifndef GUESTMODE_IOEVENTFD_H
#define GUESTMODE_IOEVENTFD_H

struct kvm;
struct kvm_ioeventfd;

/* VM life. ioeventfd_destroy() after the buses are gone. */
void ioeventfd_init(struct kvm *kvm);
void ioeventfd_destroy(struct kvm *kvm);

/* KVM_IOEVENTFD; kvm->slots_lock held. */
long ioeventfd_set(struct kvm *kvm, const struct kvm_ioeventfd *args);

#endif
