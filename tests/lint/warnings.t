#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The driver builds without a warning on each supported kernel, with W=1 and sparse. The objects are
# kept apart from the ordinary build's, which has other flags.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/lib.sh

build=$(realpath -m "${BUILD:-build}")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for kernel in 6.1 6.12; do
	# Both make a warning an error, so that it comes again next time: the object isn't kept.
	MODULES_OUT=$build/lint/$kernel scripts/modules "$kernel" -k W=1 C=1 KCFLAGS=-Werror \
		CHECK="sparse -Wsparse-error" >"$log" 2>&1
	ok $? "no warning on $kernel" "$(grep -vE '^  [A-Z]' "$log")"
	nothing "nothing is said of it either" < <(grep -i 'warning' "$log" | head -n 20)
done
done_testing
