# SPDX-License-Identifier: GPL-2.0-only
#
# lib.sh - what the system tests share. A test sources it first; its name says where it runs:
#
#	NAME-KERNEL[-CPU][-stock].t	a link to NAME: with our modules, or the distribution's, on KERNEL, in the
#					emulated host for CPU (vmx, or svm-bochs; svm in QEMU without a word)
#
# `in_rig OPTION...` runs the rest of the test in the emulated host; what follows it is inside.
set -u

here=$(realpath "$(dirname "$0")")
top=$(realpath "$here/../..")
BUILD=$(realpath -m "${BUILD:-$top/build}")
export BUILD
test_name=$(basename "$0" .t)
stock=
case $test_name in
*-stock) stock=1 ;;
esac
kernel=${test_name%-stock}
cpu=svm
emulator=qemu
case $kernel in
*-vmx) kernel=${kernel%-vmx} cpu=vmx emulator=bochs ;;
*-svm-bochs) kernel=${kernel%-svm-bochs} emulator=bochs ;;
esac
kernel=${kernel##*-}
case $kernel in
6.*|debug) ;;
*) kernel=6.1 ;;
esac

# The driver for that processor.
case $cpu in
svm) driver=kvm-amd ;;
vmx) driver=kvm-intel ;;
esac
module=${driver/-/_}

# What picks the emulated host.
rig_host=("$top/tests/rig/host" --kernel "$kernel" --cpu "$cpu" --emulator "$emulator")

# Seconds that a guest has. The debug kernel and Bochs are several times slower.
LIMIT=${LIMIT:-120}
[ "$kernel" != debug ] || LIMIT=$((LIMIT * 4))
[ "$emulator" != bochs ] || LIMIT=$((LIMIT * 5))
# A guest's kernel takes 20 s without a switch of threads for a lockup: too little there for slow beginnings.
slow_guest=
[ "$kernel" != debug ] || slow_guest=watchdog_thresh=60

vmm=$BUILD/vmm
guest_kernel=$BUILD/kernel/6.1/vmlinuz
guest_initrd=$BUILD/initrd/guest
tests=0
failures=0

# ok STATUS NAME [DIAGNOSTIC]: one test; STATUS is 0 for good.
ok()
{
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $2"
		[ -z "${3:-}" ] || printf '%s\n' "$3" | head -n 60 | sed 's/^/#   /'
	fi
}

# is SEEN EXPECTED NAME
is()
{
	[ "$1" = "$2" ]
	ok $? "$3" "expected: $2
seen:     $1"
}

# like TEXT REGEX NAME
like()
{
	printf '%s\n' "$1" | grep -qE -- "$2"
	ok $? "$3" "expected something like: $2
seen:
$1"
}

# unlike TEXT REGEX NAME
unlike()
{
	! printf '%s\n' "$1" | grep -qE -- "$2"
	ok $? "$3" "expected nothing like: $2
seen:
$1"
}

# start_worker NAME: a guest of two CPUs that works and prints until a line of input ends it (with status 21).
# Its files are $dir/NAME.*, the line goes to descriptor $NAME_in, who waits for it waits for $NAME_pid.
start_worker()
{
	archive "$dir/$1.initrd" 'n=0
		(while :; do sleep 0.1; done) &
		while ! read -r -t 0.2 line; do n=$((n + 1)); echo "$n"; done
		exit 21'
	mkfifo "$dir/$1.in"
	exec {pipe}<>"$dir/$1.in"
	eval "$1_in=$pipe"
	"$top/scripts/guest/session" "$vmm" "$guest_kernel" "$dir/$1.initrd" 2 192M "" \
		>"$dir/$1.out" 2>"$dir/$1.err" <"$dir/$1.in" &
	eval "$1_pid=$!"
}

# progress NAME: lines that the worker has printed
progress() { wc -l <"$dir/$1.out"; }

# goes_on NAME WHAT: it prints more within a generous time
goes_on()
{
	local before tries=300

	[ "$emulator" != bochs ] || tries=600
	before=$(progress "$1")
	for _ in $(seq $tries); do
		[ "$(progress "$1")" -le $((before + 3)) ] || break
		sleep 0.2
	done
	[ "$(progress "$1")" -gt $((before + 3)) ]
	ok $? "$2" "$(tail -n 5 "$dir/$1.out" "$dir/$1.err")"
}

done_testing()
{
	echo "1..$tests"
	[ "$failures" = 0 ]
	exit
}

# in_rig [OPTION...]: outside, run this test in the emulated host and exit with its status; inside,
# do nothing. Its output comes when it is whole: the rig may have to try twice. RIG_OPTIONS has more options.
in_rig()
{
	local output status=0

	[ -z "${RIG:-}" ] || return 0
	[ -z "$stock" ] || set -- --stock "$@"
	[ "$kernel-$emulator" != debug-qemu ] || set -- "$@" --timeout "${debug_seconds:-1400}"
	"$top/scripts/guest/mkinitramfs" "$guest_initrd"
	output=$(mktemp "${TMPDIR:-/tmp}/system.XXXXXX")
	# shellcheck disable=SC2064 # now
	trap "rm -f '$output'" EXIT
	# shellcheck disable=SC2086 # words are meant
	"${rig_host[@]}" --output "$output" "$@" ${RIG_OPTIONS:-} -- "$0" </dev/null || status=$?
	cat "$output"
	[ $status -le 1 ] || echo "# the emulated host: status $status"
	exit $status
}

# users: how many references the vendor's module has
users() { awk -v name="$module" '$1 == name { print $3 }' /proc/modules; }

# archive FILE TEXT: a guest initramfs whose command is TEXT (see scripts/guest/init)
archive()
{
	local dir

	dir=$(mktemp -d "${TMPDIR:-/tmp}/archive.XXXXXX")
	printf '%s\n' "$2" >"$dir/cmd"
	cp "$guest_initrd" "$1"
	(cd "$dir" && echo cmd | "$BUILD/busybox" cpio -o -H newc -R 0:0 2>/dev/null) >>"$1"
	rm -r "$dir"
}

# guest CPUS MEMORY CMD [APPEND]: run CMD in a guest; inside the rig. Sets $out (stdout), $err and $status.
# One that doesn't end in time gets SIGQUIT, which makes vmm tell in $err what its vCPUs are at.
# On the distribution's driver (a judge of vmm, not judged itself) one that doesn't end gets a second try: the
# emulator makes guests sleep for ever now and then (Documentation/testing.md). On ours it counts.
guest()
{
	local dir tries=${stock:+x}

	dir=$(mktemp -d "${TMPDIR:-/tmp}/guest.XXXXXX")
	archive "$dir/initrd" "$3"
	for _ in 1 $tries; do
		status=0
		out=$(timeout -s QUIT -k 60 "$LIMIT" "$top/scripts/guest/session" "$vmm" "$guest_kernel" "$dir/initrd" \
			"$1" "$2" "${4:-}${slow_guest:+ $slow_guest}" 2>"$dir/err" </dev/null) || status=$?
		err=$(cat "$dir/err")
		[ "$status" = 124 ] || break
		echo "# $1 CPUs, $2: no end within $LIMIT s; the last words: $(tail -n 2 <<<"$out" | tr '\n' ' ')"
	done
	rm -r "$dir"
}
