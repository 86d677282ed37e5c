# SPDX-License-Identifier: GPL-2.0-only
# CPUID lookup and clock arithmetic: pure functions in headers.

progs += cpuid_index clock_scale
cpuid_index-srcs := cpuid_index.c
clock_scale-srcs := clock_scale.c

# ASIDs: asid.c itself is included there.
progs += svm_asid
svm_asid-srcs := svm_asid.c
