# SPDX-License-Identifier: GPL-2.0-only
# Memory virtualization: slot tables, our own page tables, walks of the guest's.

progs += memslot_table mmu_iter mmu_level mmu_walk

memslot_table-srcs := memslot_table.c $(TOP)/virt/kvm/memslot_table.c
mmu_iter-srcs := mmu_iter.c $(TOP)/arch/x86/kvm/mmu/iter.c
mmu_level-srcs := mmu_level.c
mmu_walk-srcs := mmu_walk.c $(TOP)/arch/x86/kvm/mmu/walk.c
