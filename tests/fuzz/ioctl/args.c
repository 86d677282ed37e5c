// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments: for each ioctl something like what a good caller gives it, with some of it changed.
 * What the kernel may write to, or let a guest write to, is kept away from this process's memory.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "fuzz.h"

#define ROOM 0x10000u /* the largest argument */
#define ARENA_AT 0x100000000000ul /* guest memory is there */
#define HOLE_AT 0x200000000000ul /* and nothing is here, for 32 TiB */
#define HOLE_END 0x400000000000ul
#define USER_END 0x800000000000ul

uint8_t *arena;
static uint8_t *room; /* ROOM bytes, and a page that isn't there */
static struct kvm_cpuid2 *supported;
static uint32_t *msrs;
static uint32_t nr_msrs;

void arena_reset(void)
{
	arena = mmap((void *)ARENA_AT, ARENA_SIZE, PROT_READ | PROT_WRITE,
		     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED)
		die("mmap of guest memory");
}

void args_init(int dev)
{
	static uint8_t cpuid[sizeof(struct kvm_cpuid2) + 256 * sizeof(struct kvm_cpuid_entry2)];
	static struct {
		struct kvm_msr_list list;
		uint32_t index[1024];
	} list;

	room = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED || mprotect(room + ROOM, 4096, PROT_NONE))
		die("mmap of arguments");
	supported = (struct kvm_cpuid2 *)cpuid;
	supported->nent = 256;
	if (ioctl(dev, KVM_GET_SUPPORTED_CPUID, supported))
		die("KVM_GET_SUPPORTED_CPUID");
	list.list.nmsrs = 1024;
	if (ioctl(dev, KVM_GET_MSR_INDEX_LIST, &list))
		die("KVM_GET_MSR_INDEX_LIST");
	msrs = list.list.indices;
	nr_msrs = list.list.nmsrs;
}

/* --- what a good caller gives ---------------------------------------------------------------- */

/* Setters take what their getters gave. */
static const struct {
	unsigned long set, get;
} pairs[] = {
	{ KVM_SET_REGS, KVM_GET_REGS },
	{ KVM_SET_SREGS, KVM_GET_SREGS },
	{ KVM_SET_SREGS2, KVM_GET_SREGS2 },
	{ KVM_SET_FPU, KVM_GET_FPU },
	{ KVM_SET_XSAVE, KVM_GET_XSAVE },
	{ KVM_SET_XCRS, KVM_GET_XCRS },
	{ KVM_SET_DEBUGREGS, KVM_GET_DEBUGREGS },
	{ KVM_SET_MP_STATE, KVM_GET_MP_STATE },
	{ KVM_SET_VCPU_EVENTS, KVM_GET_VCPU_EVENTS },
	{ KVM_SET_LAPIC, KVM_GET_LAPIC },
	{ KVM_SET_PIT2, KVM_GET_PIT2 },
	{ KVM_SET_PIT, KVM_GET_PIT },
	{ KVM_SET_IRQCHIP, KVM_GET_IRQCHIP },
	{ KVM_SET_CLOCK, KVM_GET_CLOCK },
};

static bool make_pair(struct state *s, unsigned long cmd, int fd, void *arg)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i].set != cmd)
			continue;
		if (cmd == KVM_SET_IRQCHIP)
			*(uint32_t *)arg = take_below(s, 4);
		ioctl(fd, pairs[i].get, arg);
		return true;
	}
	return false;
}

static uint64_t some_gpa(struct state *s)
{
	static const uint64_t base[] = {
		0,	    0x10000,	0x80000,     0xa0000,	   0xfec00000,
		0xfee00000, 0xffff0000, 0x100000000, 0x7fffff0000,
	};

	return base[take_below(s, 9)] + take_below(s, 32) * 4096ul;
}

static void make_region(struct state *s, struct kvm_userspace_memory_region *r)
{
	r->slot = take_below(s, 4) | (take_below(s, 16) ? 0 : 1u << 16);
	r->flags = take_below(s, 4);
	r->guest_phys_addr = some_gpa(s);
	r->memory_size = take_below(s, 8) ? (1 + take_below(s, 64)) * 4096ul : 0;
	r->userspace_addr = ARENA_AT + take_below(s, 128) * 4096ul;
}

static void make_routing(struct state *s, struct kvm_irq_routing *routing)
{
	struct kvm_irq_routing_entry *e;

	routing->nr = take_below(s, 8);
	for (unsigned int i = 0; i < routing->nr; i++) {
		e = &routing->entries[i];
		e->gsi = take_below(s, 26);
		e->type = 1 + take_below(s, 2);
		if (e->type == KVM_IRQ_ROUTING_IRQCHIP) {
			e->u.irqchip.irqchip = take_below(s, 3);
			e->u.irqchip.pin = take_below(s, 24);
		} else {
			e->u.msi.address_lo = 0xfee00000 | take_below(s, 256) << 12 |
					      take_below(s, 4) << 2;
			e->u.msi.data = take_below(s, 65536);
		}
	}
}

static void make_msrs(struct state *s, struct kvm_msrs *m)
{
	m->nmsrs = 1 + take_below(s, 6);
	for (unsigned int i = 0; i < m->nmsrs; i++) {
		m->entries[i].index = take_below(s, 8) ? msrs[take_below(s, nr_msrs)] :
							 (uint32_t)take_interesting(s);
		m->entries[i].data = take_interesting(s);
	}
}

static void make_filter(struct state *s, struct kvm_msr_filter *f)
{
	f->flags = take_below(s, 2);
	for (unsigned int i = 0; i < 1 + take_below(s, 3); i++) {
		f->ranges[i].flags = take_below(s, 4);
		f->ranges[i].base = msrs[take_below(s, nr_msrs)];
		f->ranges[i].nmsrs = take_below(s, 128);
		f->ranges[i].bitmap = (uint8_t *)ARENA_AT;
	}
}

/* Registers in which something runs: real mode, flat protected mode, paged long mode. */
static void make_sregs(struct state *s, int fd, struct kvm_sregs *sregs)
{
	unsigned int how = take_below(s, 4);

	if (ioctl(fd, KVM_GET_SREGS, sregs) || !how)
		return;
	if (how == 1) {
		sregs->cs.base = 0;
		sregs->cs.selector = 0;
		return;
	}
	sregs->cs = (struct kvm_segment){
		.limit = ~0u,
		.selector = 8,
		.type = 11,
		.present = 1,
		.s = 1,
		.g = 1,
		.db = how == 2,
		.l = how == 3,
	};
	sregs->ss = sregs->cs;
	sregs->ss.type = 3;
	sregs->ss.db = 1;
	sregs->ss.l = 0;
	sregs->ss.selector = 16;
	sregs->ds = sregs->es = sregs->ss;
	sregs->cr0 |= 1;
	if (how == 3) {
		sregs->cr3 = 0x2000;
		sregs->cr4 |= 0x20;
		sregs->cr0 |= 0x80000000;
		sregs->efer |= 0x500;
	}
}

/* Tables for those: one page each, 2 MiB at 0 present. */
static void make_tables(void)
{
	static const uint64_t table[] = { 0x3003, 0x4003, 0x83 };

	for (unsigned int i = 0; i < 3; i++)
		poke(0x2000 + i * 4096, &table[i], sizeof(table[i]));
}

static void make_regs(struct state *s, int fd, struct kvm_regs *regs)
{
	static const uint64_t rip[] = { 0x1000, 0x0, 0x7c00, 0xfff0 };

	ioctl(fd, KVM_GET_REGS, regs);
	if (!take_below(s, 4))
		return;
	regs->rip = rip[take_below(s, 4)];
	regs->rsp = 0x8000;
	regs->rflags = take_below(s, 2) ? 2 : 0x202;
	regs->rax = take_interesting(s);
	regs->rbx = some_gpa(s);
	regs->rdi = some_gpa(s);
	regs->rsi = some_gpa(s);
	regs->rcx = take_below(s, 2) ? take_below(s, 16) : msrs[take_below(s, nr_msrs)];
	regs->rdx = take_below(s, 65536);
	make_tables();
}

static void make_more(struct state *s, unsigned long cmd, void *arg)
{
	struct kvm_dirty_log *log = arg;
	struct kvm_clear_dirty_log *clear = arg;
	struct kvm_device_attr *attr = arg;
	struct kvm_irqfd *irqfd = arg;
	struct kvm_ioeventfd *io = arg;
	struct kvm_guest_debug *debug = arg;
	struct kvm_coalesced_mmio_zone *zone = arg;
	struct kvm_msi *msi = arg;
	struct kvm_vapic_addr *vapic = arg;
	struct kvm_irq_level *level = arg;
	struct kvm_enable_cap *cap = arg;

	switch (cmd) {
	case KVM_GET_DIRTY_LOG:
		log->slot = take_below(s, 4);
		log->dirty_bitmap = (uint8_t *)ARENA_AT + 0x90000;
		break;
	case KVM_CLEAR_DIRTY_LOG:
		clear->slot = take_below(s, 4);
		clear->num_pages = take_below(s, 3) * 64;
		clear->first_page = take_below(s, 2) * 64;
		clear->dirty_bitmap = (uint8_t *)ARENA_AT + 0x90000;
		break;
	case KVM_GET_DEVICE_ATTR:
	case KVM_SET_DEVICE_ATTR:
	case KVM_HAS_DEVICE_ATTR:
		attr->group = take_below(s, 3);
		attr->attr = take_below(s, 3);
		attr->addr = ARENA_AT + 0x90000;
		break;
	case KVM_IRQFD:
		irqfd->fd = s->eventfd;
		irqfd->gsi = take_below(s, 26);
		irqfd->flags = take_below(s, 4);
		irqfd->resamplefd = s->eventfd;
		break;
	case KVM_IOEVENTFD:
		io->fd = s->eventfd;
		io->addr = take_below(s, 2) ? take_below(s, 256) : some_gpa(s);
		io->len = take_below(s, 2) ? 1u << take_below(s, 4) : 0;
		io->datamatch = take_below(s, 4);
		io->flags = take_below(s, 8);
		break;
	case KVM_SET_GUEST_DEBUG:
		debug->control = 1 | take_below(s, 4) << 16 | take_below(s, 8) << 1;
		debug->arch.debugreg[7] = take_below(s, 2) ? 0x401 | take_below(s, 16) << 16 : 0;
		debug->arch.debugreg[0] = 0x1000 + take_below(s, 8);
		break;
	case KVM_REGISTER_COALESCED_MMIO:
	case KVM_UNREGISTER_COALESCED_MMIO:
		zone->pio = take_below(s, 2);
		zone->addr = zone->pio ? take_below(s, 256) : some_gpa(s);
		zone->size = take_below(s, 64);
		break;
	case KVM_SIGNAL_MSI:
		msi->address_lo = 0xfee00000 | take_below(s, 256) << 12 | take_below(s, 4) << 2;
		msi->data = take_below(s, 65536);
		break;
	case KVM_SET_VAPIC_ADDR:
		vapic->vapic_addr = some_gpa(s) + take_below(s, 2) * 0xffd;
		break;
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
		level->irq = take_below(s, 26);
		level->level = take_below(s, 2);
		break;
	case KVM_ENABLE_CAP:
		cap->cap = take_below(s, 245);
		cap->args[0] = take_interesting(s);
		cap->args[1] = take_below(s, 4);
		break;
	case KVM_SET_IDENTITY_MAP_ADDR:
		*(uint64_t *)arg = some_gpa(s);
		break;
	case KVM_SET_SIGNAL_MASK:
		*(uint32_t *)arg = 8;
		break;
	default:
		*(uint32_t *)arg = take_below(s, 40);
	}
}

static void make_good(struct state *s, unsigned long cmd, int fd, void *arg)
{
	switch (cmd) {
	case KVM_SET_REGS:
		make_regs(s, fd, arg);
		break;
	case KVM_SET_SREGS:
		make_sregs(s, fd, arg);
		break;
	case KVM_SET_USER_MEMORY_REGION:
	case KVM_SET_USER_MEMORY_REGION2:
		make_region(s, arg);
		break;
	case KVM_SET_CPUID2:
		memcpy(arg, supported,
		       sizeof(*supported) + supported->nent * sizeof(supported->entries[0]));
		break;
	case KVM_SET_MSRS:
	case KVM_GET_MSRS:
		make_msrs(s, arg);
		break;
	case KVM_SET_GSI_ROUTING:
		make_routing(s, arg);
		break;
	case KVM_X86_SET_MSR_FILTER:
		make_filter(s, arg);
		break;
	default:
		if (!make_pair(s, cmd, fd, arg))
			make_more(s, cmd, arg);
	}
}

/* --- changes, and what may not be ------------------------------------------------------------ */

static void change(struct state *s, uint8_t *arg, size_t size)
{
	unsigned int n = take_below(s, 4);
	uint64_t val;
	size_t at, width;

	while (n--) {
		/* Mostly in what every structure has, and aligned. */
		at = take_below(s, 2) ? take_below(s, 64) : take(s, 2);
		width = 1u << take_below(s, 4);
		val = take_interesting(s);
		at = at % size & ~(width - 1);
		memcpy(arg + at, &val, at + width <= size ? width : 1);
	}
}

/* Memory that a guest or the kernel may write to. */
static uint64_t tame(uint64_t addr, uint64_t size)
{
	uint64_t end = addr + size;

	if (addr >= USER_END || (addr >= HOLE_AT && end >= addr && end <= HOLE_END))
		return addr;
	if (addr >= ARENA_AT && end >= addr && end <= ARENA_AT + ARENA_SIZE)
		return addr;
	return HOLE_AT + (addr & 0xffffff);
}

static void make_harmless(unsigned long cmd, void *arg)
{
	struct kvm_userspace_memory_region *region = arg;
	struct kvm_dirty_log *log = arg;
	struct kvm_device_attr *attr = arg;
	struct kvm_signal_mask *mask = arg;
	uint64_t set;

	switch (cmd) {
	case KVM_SET_USER_MEMORY_REGION:
	case KVM_SET_USER_MEMORY_REGION2:
		region->userspace_addr = tame(region->userspace_addr, region->memory_size);
		break;
	case KVM_GET_DIRTY_LOG:
		log->dirty_bitmap = (void *)tame((uintptr_t)log->dirty_bitmap, 0x10000);
		break;
	case KVM_GET_DEVICE_ATTR:
		attr->addr = tame(attr->addr, 8);
		break;
	case KVM_SET_SIGNAL_MASK:
		/* What ends a call that sleeps gets through. */
		memcpy(&set, mask->sigset, sizeof(set));
		set &= ~(1ull << (SIGALRM - 1));
		memcpy(mask->sigset, &set, sizeof(set));
		break;
	}
}

uintptr_t make_argument(struct state *s, const struct ioctl_row *row, int fd)
{
	static const uintptr_t bad[] = { 0, 0xffff888000001000, 1ul << 63, HOLE_AT };
	size_t size = _IOC_SIZE(row->cmd) + row->room;
	unsigned int how = take_below(s, 16);
	uint8_t *arg = room + ((ROOM - size) & ~7ul);

	if (how == 15)
		return bad[take_below(s, 4)];
	if (!size || size > ROOM)
		return (uintptr_t)arg;
	memset(arg, 0, size);
	if (how < 12)
		make_good(s, row->cmd, fd, arg);
	else if (how < 14)
		for (size_t i = 0; i < size && i < 64; i++)
			arg[i] = take(s, 1);
	if (how & 1)
		change(s, arg, size);
	make_harmless(row->cmd, arg);
	return (uintptr_t)arg;
}
