#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vmm from outside, without a KVM: messages, statuses, and that help, manual page and completion
# tell the same. Built with sanitizers.
set -u

vmm='@VMM@'
top='@TOP@'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
failed=0

# ok STATUS NAME [DIAGNOSTIC]
ok()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=1
		echo "not ok $n - $2"
		[ -z "${3:-}" ] || printf '%s\n' "$3" | sed 's/^/#   /'
	fi
}

# fails STATUS REGEX NAME WORD...: one line on stderr like REGEX, nothing on stdout.
fails()
{
	local expected=$1 regex=$2 name=$3 status=0

	shift 3
	timeout 20 "$vmm" "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
	[ "$status" = "$expected" ] && [ "$(wc -l <"$dir/err")" = 1 ] && [ ! -s "$dir/out" ] &&
		grep -qE -- "^vmm: .*$regex" "$dir/err"
	ok $? "$name" "expected status $expected, one line like '$regex'
saw status $status, $(cat "$dir/out" "$dir/err")"
}

fails 2 'vmm run' "no command"
fails 2 "'nonsense'.*--help" "an unknown command" nonsense
fails 2 '--kernel' "no kernel" run
fails 2 "option '--nonsense'.*--help" "an unknown option" run --nonsense
fails 2 '--memory needs' "a missing argument" run --kernel k --memory
fails 2 'many is not a size' "memory that is no size" run --kernel k --memory many
fails 2 'too little' "too little memory" run --kernel k --memory 1K
fails 2 'from 1 to' "no CPUs" run --kernel k --cpus 0
fails 4 "$dir/none.*modprobe" "a KVM that isn't there" run --kernel k --kvm "$dir/none"
fails 4 'not a KVM device.*--kvm' "/dev/null as KVM" run --kernel k --kvm /dev/null
: >"$dir/file"
fails 4 'not a KVM device.*--kvm' "a file as KVM" run --kernel k --kvm "$dir/file"
fails 4 'cannot open|not a KVM' "a folder as KVM" run --kernel k --kvm "$dir"
chmod 0 "$dir/file"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$dir"
	real=$vmm
	cp "$vmm" "$dir/vmm"
	printf '#!/bin/sh\nexec setpriv --reuid 65534 --clear-groups %s "$@"\n' "$dir/vmm" >"$dir/as-nobody"
	chmod 755 "$dir/as-nobody" "$dir/vmm"
	vmm=$dir/as-nobody
	fails 4 'no permission.*group' "a KVM without permission" run --kernel k --kvm "$dir/file"
	vmm=$real
elif [ "$(id -u)" != 0 ]; then
	fails 4 'no permission.*group' "a KVM without permission" run --kernel k --kvm "$dir/file"
fi

"$vmm" check --kvm "$dir/none" >"$dir/out" 2>"$dir/err" </dev/null
[ $? = 4 ] && grep -q 'this CPU' "$dir/out" && grep -q modprobe "$dir/err"
ok $? "vmm check without a KVM: status 4, what the CPU has, what to do" "$(cat "$dir/out" "$dir/err")"

"$vmm" run --help >/dev/full 2>"$dir/err"
ok $(($? != 18)) "help that can't be written is an error"
"$vmm" --version | grep -q '^vmm [^ ]'
ok $? "the version"
"$vmm" --help </dev/null >"$dir/help" 2>&1 && "$vmm" run --help >>"$dir/help" 2>&1
ok $? "help"
"$vmm" --help >&- 2>&- <&-
ok $(($? > 20)) "closed descriptors are survived"

# The same options and statuses everywhere.
man=$top/Documentation/vmm.1
completion=$top/tools/vmm/completion.bash
sed 's/\\-/-/g' "$man" >"$dir/man"
for option in $("$vmm" run --help | grep -oE -- '--[a-z]+' | sort -u); do
	grep -qE -- "$option\b" "$dir/man"
	ok $? "the manual page knows $option"
	grep -qE -- "$option\b" "$completion"
	ok $? "the completion knows $option"
done
for option in $(grep -oE -- '--[a-z]+' "$completion" | sort -u); do
	grep -qE -- "$option\b" "$dir/help"
	ok $? "the completion's $option exists"
done
help_statuses=$("$vmm" run --help | sed -n '/^Exit status/,$p' | grep -oE '^ +[0-9]+ ' | tr -d ' ')
code_statuses=$(sed -n 's/^\tSTATUS_[A-Z_]* = \([0-9]*\),.*/\1/p' "$top/tools/vmm/status.h")
[ -n "$code_statuses" ] && [ "$help_statuses" = "$code_statuses" ]
ok $? "the help lists every status of the code" "help: $help_statuses
code: $code_statuses"
for status in $code_statuses; do
	grep -qE "^\.B $status\$" "$dir/man"
	ok $? "the manual page knows status $status"
done
# A completion that bash accepts and that completes.
words=$(bash -c ". '$completion'; COMP_WORDS=(vmm run --k); COMP_CWORD=2; _vmm; echo \"\${COMPREPLY[*]}\"" 2>&1)
[ "$words" = "--kernel --kvm" ] || [ "$words" = "--kvm --kernel" ]
ok $? "completing --k" "saw: $words"
if command -v man >/dev/null; then
	complaints=$(MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$man" 2>&1 >/dev/null)
	ok $([ -z "$complaints" ]; echo $?) "the manual page formats without a warning" "$complaints"
fi
echo "1..$n"
exit $failed
