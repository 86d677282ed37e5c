#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The driver builds on the oldest kernel of each series that the archive has, too: symbols come and go within
# a series. (The ordinary build is for the newest.) OLDEST: the series, 6.12.
cd "$(dirname "$0")/../.." || exit 1
. tests/lint/lib.sh

build=$(realpath -m "${BUILD:-build}")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for kernel in ${OLDEST:-6.12}; do
	release=$(scripts/kernel --oldest "$kernel" 2>"$log")
	ok $? "the oldest $kernel: $release" "$(cat "$log")"
	MODULES_OUT=$build/lint/oldest-$kernel scripts/modules "$release" -k KCFLAGS=-Werror >"$log" 2>&1
	ok $? "no warning, no symbol missing on $release" "$(grep -vE '^  [A-Z]' "$log")"
done
done_testing
