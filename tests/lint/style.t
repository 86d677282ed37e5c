#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The rules about sources that a program can check.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/lib.sh

mapfile -t c_files < <(sources | grep -E '\.[chS]$')
mapfile -t all_files < <(sources)
driver=$(sources | grep -E '^(virt|arch)/.*\.[chS]$')

nothing "no file has more than 1,200 lines" < <(
	wc -l "${all_files[@]}" | awk '$1 > 1200 && $2 != "total" { print $2 ": " $1 " lines" }')

nothing "no function has more than 100 lines" < <(
	awk 'FNR == 1 { start = 0 }
	     /^\{/ { start = FNR }
	     /^\}/ && start {
		if (FNR - start - 1 > 100)
			print FILENAME ":" start ": " FNR - start - 1 " lines"
		start = 0
	     }' "${c_files[@]}")

# A text that somebody may search for is not broken.
nothing "no line has more than 100 columns, but for strings" < <(
	for file in "${c_files[@]}"; do
		expand -t 8 "$file" |
			awk -v f="$file" 'length > 100 && !/"/ { print f ":" NR ": " length " columns" }'
	done)

nothing "no line ends with a space or a tab" < <(grep -nE '[[:space:]]+$' "${all_files[@]}")

nothing "C is indented with tabs" < <(grep -nE '^ {2,}[^ *"]|^ {8}' "${c_files[@]}" | grep -v '\\$')

nothing "every source begins with its licence" < <(
	for file in "${all_files[@]}"; do
		case $file in
		*.[chS]|*.sh|*.t|*Makefile|*Kbuild|*Kconfig|*.mk|scripts/*|tests/rig/*) ;;
		*) continue ;;
		esac
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' || echo "$file"
	done)

nothing "uapi headers carry the system call note" < <(
	for file in $(sources | grep -E 'include/uapi/.*\.h$'); do
		head -n 1 "$file" | grep -q 'GPL-2.0 WITH Linux-syscall-note' || echo "$file"
	done)

# shellcheck disable=SC2086 # words are meant
nothing "nothing tests the host's vendor outside vmx/ and svm/" < <(
	grep -nE 'X86_VENDOR_(INTEL|AMD|HYGON)|x86_vendor|X86_FEATURE_(SVM|VMX)\b|cpu_has_(svm|vmx)' \
		$(tr ' ' '\n' <<<"$driver" | grep -vE '^arch/x86/kvm/(vmx|svm)/'))

# shellcheck disable=SC2086
nothing "nothing outside vmx/ and svm/ includes theirs" < <(
	grep -nE '#include "([./]*/)?(vmx|svm)/' $(tr ' ' '\n' <<<"$driver" | grep -vE '^arch/x86/kvm/(vmx|svm)/'))

# shellcheck disable=SC2086
nothing "the in-tree driver's own headers are not included" < <(
	grep -nE '#include <(linux/kvm_(host|types|irqfd|dirty_ring)|asm/(kvm_host|kvm-x86-ops|kvm_page_track))\.h>' $driver)

# shellcheck disable=SC2086
nothing "no version is compared, no symbol looked up by name" < <(
	grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION|kallsyms_lookup' $driver)

nothing "each mutant's patch applies" < <(
	for file in tests/mutants/*.patch; do
		patch -p1 --dry-run --force <"$file" 2>&1 | grep -q 'FAILED\|can.t find' && echo "$file"
	done)

done_testing
