# SPDX-License-Identifier: GPL-2.0-only
#
# lib.sh - the emulated host in Bochs: tests/rig/host sources it for --emulator bochs.
#
# Bochs gets everything in its memory before it starts (optramimage): the kernel, unpacked, the
# initramfs, and two file systems in what the kernel takes for persistent memory: the system's programs
# (system-image) and this run's files (files-image). An option ROM (rom.S) starts the kernel. The debug
# kernel has no file systems for that: it gets these files as part of the initramfs.

# Instructions that Bochs takes for a second: about twice what it does in one. The kernel is told the
# TSC's frequency, as it would believe the processor's name.
BOCHS_IPS=200000000

# Bochs has at most this much memory, in MiB.
BOCHS_MEMORY=2048

mib() { echo $((($1 + (1 << 20) - 1) >> 20)); }

bochs_models() { bochs-bin --help cpu 2>&1 | sed -n '/^Supported CPU models/,/^[0-9]/{/^[a-z][a-z0-9_]*$/p}'; }

# bochs_check: the options that Bochs limits; sets their defaults.
bochs_check()
{
	command -v bochs-bin >/dev/null || die "install bochs and bochs-term (apt-get install bochs bochs-term bochsbios vgabios)"
	[ -z "$plugin" ] || die "--plugin: TCG plugins are QEMU's"
	if [ "$cpu" = vmx ]; then
		model=${model:-corei7_skylake_x}
	else
		model=${model:-zambezi}
	fi
	bochs_models | grep -qxF -- "$model" || die "--model $model: Bochs knows $(bochs_models | tr '\n' ' ')"
	[ "$kernel" != debug ] || memory=${memory:-1536}
	memory=${memory:-1024}
	# 6.12 wonders at what CPUID says there of threads, long before there is a driver.
	allow+="${allow:+|}WARNING: .* parse_legacy"
	[ "$smp" -le 8 ] || die "--smp $smp: at most 8 in Bochs"
	[ -z "$trace" ] || [[ $trace =~ ^[1-9][0-9]{0,4},.+$ ]] || die "--trace $trace: want N,FILE"
	[ -z "$trace" ] || [ "$smp" = 1 ] || die "--trace: one processor only (--smp 1)"
}

# bochs_image: what images of files are made as
bochs_image()
{
	if [ "$kernel" = debug ]; then
		echo cpio
	else
		echo img
	fi
}

# bochs_prepare: what depends on the kernel and the machine only.
bochs_prepare()
{
	local vmlinuz=$build/kernel/$kernel/vmlinuz flat=$build/rig/kernel-$kernel

	make -s -C "$rig/bochs" BUILD="$build" || return
	BUSYBOX=$build/busybox "$rig/bochs/system-image" "$build/rig/system.$(bochs_image)" || return
	if [ ! -s "$flat" ] || [ "$vmlinuz" -nt "$flat" ]; then
		"$rig/bochs/unpack-kernel" "$vmlinuz" "$flat.elf" || return
		"$build/rig/bochs/boot" flat "$flat.elf" "$flat.new" >"$flat.entry" || return
		rm "$flat.elf"
		mv "$flat.new" "$flat"
	fi
}

# bochs_files: the images of files; sets $initrd, $memory_total (MiB), and the lines of bochsrc and the words of
# the kernel's command line that are about them.
bochs_files()
{
	local files=$run/files.$(bochs_image) system=$build/rig/system.$(bochs_image)
	local files_size system_size files_at system_at

	BUSYBOX=$build/busybox "$rig/bochs/files-image" "$files" "$top" "$build" "$kernel" "$PWD" "$run" \
		"${share[@]}" || die "could not make the image of this run's files"
	initrd=$build/rig/initramfs-$kernel
	if [ "$kernel" = debug ]; then
		cat "$initrd" "$system" "$files" >"$run/initrd"
		initrd=$run/initrd
		image_lines=() image_words=(rigfs=initramfs)
		memory_total=$memory_mib
		return
	fi
	# Behind what the host gets as its memory, on whole 2 MiB; a gap keeps the two apart.
	files_size=$(mib "$(stat -c %s "$files")")
	system_size=$(mib "$(stat -c %s "$system")")
	system_at=$(((memory_mib + 1) / 2 * 2))
	files_at=$((system_at + system_size + 2))
	memory_total=$((files_at + files_size + 2))
	image_lines=(
		"optramimage3: file=$system, address=$(printf '0x%x' $((system_at << 20)))"
		"optramimage4: file=$files, address=$(printf '0x%x' $((files_at << 20)))")
	image_words=("memmap=${system_size}M!${system_at}M" "memmap=${files_size}M!${files_at}M" rigfs=pmem)
}

# bochs_words: sets $emulator_words, Bochs's command line; what that names is in $run.
bochs_words()
{
	local kernel_words initrd memory_total image_lines image_words

	[[ ! $run$build =~ [[:space:],] ]] || die "the path of build/ or of TMPDIR has a space or a comma: Bochs can't read it"
	bochs_files
	[ "$memory_total" -le $BOCHS_MEMORY ] ||
		die "--memory $memory: at most $((BOCHS_MEMORY - memory_total + memory_mib)) MiB in Bochs, the files take the rest"
	[ $((memory_mib << 20)) -ge $(((160 << 20) + $(stat -c %s "$initrd"))) ] ||
		die "--memory $memory: too little for the kernel and its initramfs"
	# i8042: nobody is there. clearcpuid: xsavec, xsaves.
	kernel_words=(
		console=ttyS0,115200 quiet loglevel=5 log_buf_len=1M mitigations=off tsc=reliable
		tsc_early_khz=$((BOCHS_IPS / 1000)) no_timer_check idle=halt cryptomgr.notests
		i8042.noaux i8042.nokbd init_on_alloc=0 audit=0 clearcpuid=321,323 panic=-1 oops=panic reboot=kbd
		nmi_watchdog=0 watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120
		"${image_words[@]}" "rigdir=\"$run\"" "$append")
	[ "$kernel" != debug ] || kernel_words+=(vm_debug=-)
	"$build/rig/bochs/boot" rom "$build/rig/bochs/rom" "$build/kernel/$kernel/vmlinuz" \
		"$(cat "$build/rig/kernel-$kernel.entry")" "$(stat -c %s "$initrd")" "${kernel_words[*]}" "$run/rom" ||
		die "no boot ROM"
	{
		cat <<-END
			plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=0, serial=1, iodebug=0
			config_interface: textconfig
			display_library: term
			memory: host=$memory_total, guest=$memory_total
			romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
			vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
			optromimage1: file=$run/rom, address=0xd0000
			optramimage1: file=$build/rig/kernel-$kernel, address=0x1000000
			optramimage2: file=$initrd, address=0x8000000
			cpu: model=$model, count=$smp, ips=$BOCHS_IPS, reset_on_triple_fault=0, ignore_bad_msrs=1
			ata0: enabled=0
			ata1: enabled=0
			boot: disk
			com1: enabled=1, mode=file, dev=$run/serial
			com2: enabled=1, mode=term, dev=$run/input
			port_e9_hack: enabled=1
			log: $run/bochs.log
			panic: action=fatal$(bochs_cpu_panics)
			error: action=ignore
			info: action=ignore
			debug: action=ignore
			clock: sync=none, time0=local
			mouse: enabled=0
			magic_break: enabled=$((${#trace} > 0))
		END
		[ ${#image_lines[@]} = 0 ] || printf '%s\n' "${image_lines[@]}"
	} >"$run/bochsrc"
	# Each triple fault of a guest on SVM stops the debugger, as does what begins and ends a trace.
	awk -v at="${trace%%,*}" 'BEGIN {
		for (i = 0; i < 100000; i++) {
			if (at && i == at)
				print "trace on"
			if (at && i == at + 1)
				print "trace off"
			print "c"
		}
	}' >"$run/debugger"
	emulator_words=(env "LD_PRELOAD=$build/rig/bochs/preload.so" bochs-bin -q -f "$run/bochsrc" -rc "$run/debugger")
}

# bochs_cpu_panics: a triple fault of a guest on VMX is an exit as it should be; on SVM, Bochs complains of
# the triple fault first and then makes it an exit. So there it must go on, the debugger, too.
bochs_cpu_panics()
{
	[ "$cpu" = vmx ] || printf ', cpu%d=report' $(seq 0 $((smp - 1)))
}

# bochs_trace FILE: what the debugger said of each instruction: "(CPU).[TICK] [PHYSICAL] CS:RIP (SYMBOL): TEXT ; BYTES"
bochs_trace() { tr -d '\r' <"$run/emulator" | grep -aoE '\([0-9]+\)\.\[[0-9]+\] .*' >"$1" || true; }

# bochs_fault: what of Bochs's log says that it gave up by itself; prints it.
bochs_fault()
{
	grep -a 'PANIC' "$run/bochs.log" 2>/dev/null | grep -vE 'soft power off|shutdown requested|3rd \([0-9]+\) exception' |
		sed 's/^[0-9]*p\[/Bochs: [/'
}
