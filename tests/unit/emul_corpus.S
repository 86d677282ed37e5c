/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions whose length the emulator must know. The assembler encodes them, objdump gives their
 * lengths. Built three times, with BITS 64, 32 and 16.
 */
#if BITS == 64
	.code64
#define AX rax
#define BX rbx
#define DI rdi
#elif BITS == 32
	.code32
#define AX eax
#define BX ebx
#define DI edi
#else
	.code16
#define AX eax
#define BX bx
#define DI di
#endif
	.intel_syntax noprefix
	.text

	/* Intercepted: skipped by the driver */
	cpuid
	rdmsr
	wrmsr
	hlt
	in al, 0x71
	in eax, 0x71
	in al, dx
	in ax, dx
	in eax, dx
	out 0x70, al
	out 0x70, eax
	out dx, al
	out dx, ax
	out dx, eax
	insb
	insw
	insd
	rep insb
	rep insw
	rep outsd
	outsb
	vmmcall
	vmcall
	vmrun
	vmload
	vmsave
	stgi
	clgi
	skinit eax
	invd
	wbinvd
	wbnoinvd
	rdtsc
	rdtscp
	rdpmc
	invlpg [BX]
	invlpg [BX + 0x12]
	invlpg [BX + 0x1234]
	invlpga
	clts
	iretd
	pause
	monitor
	mwait
	monitorx
	mwaitx
	lmsw ax
	lmsw [BX]
	smsw ax
	smsw [BX]
	xsetbv
	xgetbv
	rsm
	cli
	sti
	int 0x80
	int3
	int1
	pushf
	popf
	lgdt [BX]
	lidt [BX + 8]
	sgdt [BX]
	sidt [BX]
	nop
	rdpru
	clzero
	serialize
	rdrand ax
	rdrand eax
	rdseed ax
	rdpid AX
	invpcid AX, [BX]
	invept AX, [BX]
	invvpid AX, [BX]
	vmptrld [BX]
	vmptrst [BX]
	vmclear [BX]
	vmxon [BX]
	vmxoff
	vmlaunch
	vmresume
	vmread AX, AX
	vmwrite AX, [BX]
	vmfunc
	getsec
	lldt ax
	ltr [BX]
	sldt ax
	str [BX]
	lar eax, ebx
	lsl ax, bx
	verr ax
	verw [BX]
	clac
	stac
	fxsave [BX]
	fxrstor [BX]
	xsave [BX]
	xsaveopt [BX]
	xsavec [BX]
	xsaves [BX]
	xrstor [BX]
	xrstors [BX]
	clflush [BX]
	clflushopt [BX]
	clwb [BX]
	lfence
	mfence
	sfence
	sysenter
	.byte 0x0f, 0x35	/* SYSEXIT */
	syscall
	.byte 0x0f, 0x07	/* SYSRET */
	endbr64
	endbr32
	incsspd eax
	rstorssp [BX]
	setssbsy
	xabort 1
	xend
	xtest
#if BITS == 64
	mov rax, cr0
	mov rbx, cr2
	mov cr3, rax
	mov r12, cr4
	mov cr8, r15
	mov rax, dr6
	mov dr7, r9
	swapgs
	iretq
	lretq
	rdfsbase rax
	wrgsbase ebx
	sysretq
	cmpxchg16b [rbx]
	rdpkru
	wrpkru
	movabs rax, 0x1122334455667788
	movabs al, [0x1122334455667788]
	addr32 movabs [0x11223344], eax
	mov qword ptr [rip + 0x1234], 0x55667788
	lock cmpxchg [r12 + r13 * 8 + 0x100], r14
	out dx, ax
	addr32 rep outsb
	vmread rax, rbx
#else
	mov eax, cr0
	mov cr3, ebx
	mov cr4, eax
	mov edx, dr7
	mov dr0, eax
	pusha
	popa
	bound ax, [BX]
	aam
	aad
	daa
	into
	push es
	pop ds
	les eax, [BX]
	lds ax, [BX]
	arpl [BX], ax
	jmp 0x1234:0x5678
	call 0x1234:0x5678
	mov al, [0x1234]
#endif

	/* What device drivers do to MMIO */
	mov eax, [BX]
	mov [BX + 4], eax
	mov al, [BX + 0x7f]
	mov [BX + 0x80], al
	mov word ptr [BX], 0x1234
	mov dword ptr [BX], 0x12345678
	mov byte ptr [BX], 0x12
	movzx eax, byte ptr [BX]
	movzx eax, word ptr [BX]
	movsx eax, byte ptr [BX]
	add dword ptr [BX], 0x12345678
	add dword ptr [BX], 0x12
	and word ptr [BX], 0x1234
	or byte ptr [BX], 0x12
	test dword ptr [BX], 0x12345678
	test byte ptr [BX], 0x12
	not word ptr [BX]
	lock or dword ptr [BX], 1
	xchg [BX], eax
	lock cmpxchg8b [BX]
	lock xadd [BX], cx
	bt dword ptr [BX], 3
	bts [BX], eax
	shld eax, ebx, 3
	shrd ax, bx, cl
	imul eax, ebx, 0x12345678
	imul eax, [BX], 0x12
	rep movsb
	rep movsd
	rep stosd
	push word ptr [BX]
	enter 0x1234, 5
	movups xmm1, [BX]
	movntdq [BX], xmm0
	movntdqa xmm7, [BX]
	movnti [BX], eax
	movdiri [BX], eax
	movdir64b DI, [BX]
	clzero
	movbe eax, [BX]
	crc32 eax, byte ptr [BX]
	palignr xmm0, [BX], 5
	pshufd xmm0, xmm1, 5
	psrldq xmm3, 4
	pinsrw xmm0, eax, 3
	pclmulqdq xmm0, [BX], 1
	extrq xmm1, 2, 3
	insertq xmm1, xmm2, 3, 4
	pfadd mm0, mm1
	femms
	fld dword ptr [BX]
	fnstcw [BX]
	emms
	prefetchw [BX]
	prefetchnta [BX]
	popcnt eax, [BX]
#if BITS != 16
	vmovdqu ymm0, [BX]
	vmovdqu [BX + 0x1000], ymm1
	vzeroupper
	vpalignr xmm0, xmm1, [BX], 5
	vmovdqu64 zmm0, [BX + 64]
	vpternlogd zmm0, zmm1, zmm2, 0xff
	vpshufd ymm0, ymm1, 3
	andn eax, ebx, ecx
	rorx eax, [BX], 5
	vfmadd213ps xmm0, xmm1, [BX]
	vgatherdps xmm0, [eax + xmm1], xmm2
	bextr eax, ebx, 0x1234
	vpcomb xmm0, xmm1, xmm2, 3
	vfrczps xmm0, xmm1
#endif
