// SPDX-License-Identifier: GPL-2.0-only
/*
 * preload - loaded into Bochs 2.7 (LD_PRELOAD), for two things that it can't do by itself, and one
 * that it does wrong.
 *
 * optramimageN: Bochs reads such a file by read(2) in a loop, each time to where the address that
 * it has reached lies; but its memory is in blocks of 128 KiB, handed out as they are first
 * touched, and a read of more than one block goes into the wrong ones. So no read is longer than a
 * block. (The images lie on block boundaries.)
 *
 * port 0xe9: what the host writes there Bochs prints with putc() on its standard output, where its
 * display draws, too. It goes to file descriptor 3 instead, which is the relay's socket.
 *
 * VM entry: which events wait for RFLAGS.IF is settled while the processor still counts as a host.
 * A guest that begins with interrupts off masks the host's, too, though they are to end it (SDM
 * 24.6.1, external-interrupt exiting): until it sets IF or exits for another reason the host gets
 * none. So it is settled once more, in front of the last step, the injection of events. Told on
 * stderr, also where the code looks different and is left as it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../patch.h"

#define BLOCK		(128 << 10)
#define RELAY_FD	3

#undef putc
#undef fflush

static void *original(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		_exit(126);
	return found;
}

ssize_t read(int fd, void *buf, size_t len)
{
	static ssize_t (*real)(int, void *, size_t);

	if (!real)
		real = original("read");
	return real(fd, buf, len < BLOCK ? len : BLOCK);
}

int putc(int c, FILE *file)
{
	static int (*real)(int, FILE *);
	unsigned char byte = c;

	if (file != stdout) {
		if (!real)
			real = original("fputc");
		return real(c, file);
	}
	while (write(RELAY_FD, &byte, 1) < 0 && errno == EINTR)
		;
	return byte;
}

/* --- VM entry ------------------------------------------------------------------------------- */

/* Bytes of VMLAUNCH and VMRESUME, one function, in which the call is looked for. */
#define ENTRY_SPAN 0x400

static void (*settle_masks)(void *cpu);
static void (*inject_events)(void *cpu);

static void settle_and_inject(void *cpu)
{
	settle_masks(cpu);
	inject_events(cpu);
}

static bool mend_entry(void)
{
	uint8_t *p = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C8VMLAUNCHEP15bxInstruction_c"), *end;

	settle_masks =
		(void (*)(void *))dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C25handleInterruptMaskChangeEv");
	inject_events =
		(void (*)(void *))dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C19VMenterInjectEventsEv");
	if (!p || !settle_masks || !inject_events)
		return false;
	for (end = p + ENTRY_SPAN; p < end; p++)
		if (*p == 0xe8 && call_target(p) == (uint8_t *)inject_events)
			return redirect_call(p, NULL, 0, (void (*)(void))settle_and_inject);
	return false;
}

__attribute__((constructor)) static void mend(void)
{
	fprintf(stderr, "rig: Bochs's VM entry: %s\n", mend_entry() ? "mended" : "as it was");
}
