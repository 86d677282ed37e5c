#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's kernel boots on each variant of a driver that a parameter or an older processor makes: VMX without what
# it accelerates, a processor without unrestricted guest, an AMD one that has what QEMU's lacks.
# VARIANTS=REGEX picks some by name. Each is tests/system/boot in a host of its own.
here=$(realpath "$(dirname "$0")")
count=0 failed=0

# variant NAME TEST PARAMETER OPTION...: TEST in a host with these options of the rig; the driver's PARAMETER reads so
variant()
{
	local name=$1 test=$2 parameter=$3 text

	shift 3
	[[ $name =~ ${VARIANTS:-} ]] || return
	count=$((count + 1))
	if text=$(PARAMETER=$parameter RIG_OPTIONS=$* "$here/$test" 2>&1); then
		echo "ok $count - $name"
	else
		failed=$((failed + 1))
		echo "not ok $count - $name"
	fi
	printf '%s\n' "$text" | sed 's/^/#   /'
}

variant 'enable_apicv=0' boot-6.1-vmx.t enable_apicv=N --module-args kvm-intel.enable_apicv=0
variant 'vpid=0' boot-6.1-vmx.t vpid=N --module-args kvm-intel.vpid=0
variant 'unrestricted_guest=0' boot-6.1-vmx.t unrestricted_guest=N --module-args kvm-intel.unrestricted_guest=0
variant 'preemption_timer=0' boot-6.1-vmx.t preemption_timer=N --module-args kvm-intel.preemption_timer=0
variant 'lynnfield' boot-6.1-vmx.t unrestricted_guest=N --model corei5_lynnfield_750
variant 'zambezi' boot-6.1-svm-bochs.t nested=0 --model zambezi
echo "1..$count"
[ $count -gt 0 ] || { echo "# no variant is called '$VARIANTS'"; exit 1; }
[ $failed = 0 ]
