/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the relay (on this machine) and the agent (in the emulated host) say to each other: frames
 * of a header and `len` bytes, over one virtio-serial port or what Bochs has in its place. One
 * stream for everything keeps the order in which things happened.
 */
#ifndef RIG_PROTO_H
#define RIG_PROTO_H

#include <stdint.h>

#define RIG_PORT_NAME	"rig"
#define RIG_FRAME_MAX	16384u

enum rig_frame {
	/* to the agent */
	RIG_STDIN = 1,		/* bytes for the command */
	RIG_STDIN_EOF,		/* nothing */
	RIG_WINSIZE,		/* uint16_t rows, columns */
	/* to the relay */
	RIG_UP,			/* nothing: the host is there, the modules' loading begins */
	RIG_READY,		/* modules are loaded, the command starts */
	RIG_STDOUT,		/* bytes */
	RIG_STDERR,		/* bytes */
	RIG_EXIT,		/* uint32_t status of the command, as a shell's $? */
	RIG_LOAD_FAILED,	/* text */
	RIG_UNLOAD_FAILED,	/* text */
	RIG_KMSG,		/* one record of /dev/kmsg */
	RIG_DONE,		/* nothing: the emulator may go */
	RIG_ACK,		/* nothing: a frame has arrived; where the relay waits for that */
};

struct rig_header {
	uint32_t type;
	uint32_t len;
};

#endif /* RIG_PROTO_H */
