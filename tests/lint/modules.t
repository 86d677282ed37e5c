#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What was linked: symbols that the kernel exports, headers of our own, entry code without instrumentation.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/lib.sh

build=$(realpath -m "${BUILD:-build}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# undefined MODULE: the symbols that it imports
undefined() { nm -u "$1" | awk '{ print $2 }' | sort -u; }

# Each object's .cmd file lists what was included.
included() { find "$1" -name '.*.o.cmd' -exec sed -n 's/^  *\([^ ]*\.h\).*/\1/p; s/^  *\$(wildcard \([^)]*\.h\)).*/\1/p' {} + | sort -u; }

# objtool_of KERNEL: its path
objtool_of()
{
	echo "$(realpath "/usr/src/linux-headers-$(cat "$build/kernel/$1/release")/tools/objtool")/objtool"
}

# Functions of the kernel itself that are noinstr, which objtool can't see from here.
kernels_noinstr='__ct_user_enter|__ct_user_exit|amd_clear_divider|entry_untrain_ret|entry_ibpb|clear_bhb_loop'
kernels_noinstr+='|asm_exc_nmi_noist|asm_exc_nmi_kvm_vmx'
kernels_noinstr+='|srso_alias_untrain_ret|retbleed_untrain_ret|srso_untrain_ret'

for kernel in 6.1 6.12; do
	modules=$build/modules/$kernel
	headers=/usr/src/linux-headers-$(cat "$build/kernel/$kernel/release")
	cut -f2 "$headers/Module.symvers" | sort -u >"$dir/exported"
	cut -f2 "$modules/Module.symvers" | sort -u >"$dir/ours"
	nothing "$kernel: kvm.ko imports what the kernel exports" < <(
		undefined "$modules/kvm.ko" | comm -23 - "$dir/exported")
	for module in kvm-amd kvm-intel; do
		nothing "$kernel: $module.ko imports what the kernel and kvm.ko export" < <(
			undefined "$modules/$module.ko" | comm -23 - "$dir/exported" |
				comm -23 - "$dir/ours")
	done
	nothing "$kernel: all that kvm.ko exports is in the namespace GUESTMODE" < <(
		awk -F '\t' '$5 !~ /GUESTMODE/ { print $2 }' "$modules/Module.symvers")

	included "$modules" >"$dir/included"
	grep -q "/include/uapi/linux/kvm.h$" "$dir/included"
	ok $? "$kernel: the dependency files tell what was included"
	nothing "$kernel: <linux/kvm.h> and <asm/kvm.h> are ours" < <(
		grep -E '/(linux|asm)/kvm(_para)?\.h$' "$dir/included" | grep -v "^$modules/" | grep -v kvm_para)
	nothing "$kernel: none of the in-tree driver's own headers" < <(
		grep -E '/kvm_(host|irqfd|dirty_ring)\.h$|kvm-x86-ops' "$dir/included")

	for module in kvm kvm-amd kvm-intel; do
		cp "$modules/$module.o" "$dir/$module.o"
		SRCARCH=x86 "$(objtool_of "$kernel")" --link --noinstr "$dir/$module.o" >"$dir/log" 2>&1
		ok $? "$kernel: objtool reads $module.o" "$(cat "$dir/log")"
		nothing "$kernel: $module.o has no instrumented code where none may be" < <(
			grep 'leaves .*section' "$dir/log" | grep -vE "call to ($kernels_noinstr)\(\)")
	done
done
done_testing
