#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# cppcheck has nothing to say about the programs.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/lib.sh

mapfile -t files < <(sources | grep -E '^(tools/vmm|tests)/.*\.c$')
nothing "cppcheck finds nothing in tools/ and tests/" < <(
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingInclude --suppress=missingIncludeSystem --suppress=unknownMacro \
		--suppress=arithOperationsOnVoidPointer --suppress=invalidPrintfArgType_uint \
		--suppress="nullPointer:arch/*" --suppress="nullPointer:tests/unit/*" \
		-Itools/vmm -Itests/unit -Iarch/x86/kvm "${files[@]}" 2>&1)
done_testing
