// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads and runs a small guest, a thread for each vCPU.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

static struct {
	const struct guest *guest;
	struct vm *vm;
	sem_t ended;		/* posted when it is over, by whatever */
	volatile bool stop;
	bool done;		/* ended as it should */
	pthread_mutex_t io_lock;
	uint8_t port[PORT_TESTS];
	uint8_t mmio[4096];
} machine = { .io_lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- the image ---- */

static const Elf64_Ehdr *image(void)
{
	return (const Elf64_Ehdr *)guest_image;
}

static void load_image(struct vm *vm)
{
	const Elf64_Phdr *ph = (const void *)(guest_image + image()->e_phoff);
	unsigned int i;

	for (i = 0; i < image()->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD || !ph[i].p_filesz)
			continue;
		memcpy(vm_ptr(vm, ph[i].p_paddr, ph[i].p_memsz), guest_image + ph[i].p_offset,
		       ph[i].p_filesz);
	}
}

/* Calls fn for each symbol until it returns true. */
static bool each_symbol(bool (*fn)(const char *name, const Elf64_Sym *sym, void *data), void *data)
{
	const Elf64_Shdr *sh = (const void *)(guest_image + image()->e_shoff);
	unsigned int i, j;

	for (i = 0; i < image()->e_shnum; i++) {
		const Elf64_Sym *sym = (const void *)(guest_image + sh[i].sh_offset);
		const char *names = (const char *)guest_image + sh[sh[i].sh_link].sh_offset;

		if (sh[i].sh_type != SHT_SYMTAB)
			continue;
		for (j = 0; j < sh[i].sh_size / sizeof(*sym); j++)
			if (sym[j].st_shndx != SHN_UNDEF &&
			    fn(names + sym[j].st_name, &sym[j], data))
				return true;
	}
	return false;
}

struct lookup {
	const char *name;
	uint64_t value;
};

static bool same_name(const char *name, const Elf64_Sym *sym, void *data)
{
	struct lookup *l = data;

	if (strcmp(name, l->name))
		return false;
	l->value = sym->st_value;
	return true;
}

uint64_t guest_symbol(const char *name)
{
	struct lookup l = { .name = name };

	if (!each_symbol(same_name, &l))
		row_die("the image has no symbol %s", name);
	return l.value;
}

struct nearest {
	uint64_t addr, value;
	const char *name;
};

static bool nearer(const char *name, const Elf64_Sym *sym, void *data)
{
	struct nearest *n = data;

	if (*name && ELF64_ST_TYPE(sym->st_info) != STT_SECTION && sym->st_value <= n->addr &&
	    sym->st_value >= n->value) {
		n->value = sym->st_value;
		n->name = name;
	}
	return false;
}

/* "function+0x12", in a buffer of the thread's. */
static const char *symbol_of(uint64_t addr)
{
	static __thread char text[128];
	struct nearest n = { .addr = addr };

	each_symbol(nearer, &n);
	if (!n.name || addr - n.value > 0x10000)
		return "no symbol";
	snprintf(text, sizeof(text), "%s+%#llx", n.name, (unsigned long long)(addr - n.value));
	return text;
}

/* ---- the machine ---- */

struct guest_params *guest_params(struct vm *vm)
{
	return vm_ptr(vm, GUEST_PARAMS, sizeof(struct guest_params));
}

struct guest_io_log *guest_io_log(struct vm *vm)
{
	return vm_ptr(vm, GUEST_IOLOG, sizeof(struct guest_io_log));
}

/* A string of the guest's, bounded. */
static const char *guest_string(uint64_t gpa)
{
	return gpa && gpa < GUEST_RAM - 1024 ? vm_ptr(machine.vm, gpa, 1024) : "";
}

static void end(bool done)
{
	if (done)
		machine.done = true;
	machine.stop = true;
	sem_post(&machine.ended);
}

static void log_io(struct vcpu *vcpu, bool port, uint64_t addr, const void *data,
		   unsigned int bytes, bool write, unsigned int item)
{
	struct guest_io_log *log = guest_io_log(machine.vm);
	struct guest_io io = {
		.addr = addr,
		.bytes = bytes,
		.write = write,
		.port = port,
		.item = item,
		.cpu = vcpu->id,
	};

	memcpy(&io.data, data, bytes > 8 ? 8 : bytes);
	if (log->count < GUEST_IO_ENTRIES)
		log->entry[log->count] = io;
	log->count++;
}

/* One access to the devices; all of it must lie in one, else it reads as ones. */
static void device_access(bool port, uint64_t addr, uint8_t *data, unsigned int bytes, bool write)
{
	uint64_t offset = addr - (port ? PORT_TEST : GUEST_MMIO);
	uint64_t size = port ? sizeof(machine.port) : sizeof(machine.mmio);
	uint8_t *store = port ? machine.port : machine.mmio;

	if (offset >= size || bytes > size - offset) {
		if (!write)
			memset(data, 0xff, bytes);
	} else if (write) {
		memcpy(store + offset, data, bytes);
	} else {
		memcpy(data, store + offset, bytes);
	}
}

static void report(struct vcpu *vcpu, uint64_t gpa)
{
	const struct guest_report *r = vm_ptr(machine.vm, gpa, sizeof(*r));

	switch (r->kind) {
	case REPORT_FAIL:
		row_fail("%s:%llu: CPU %u: %s: expected %#llx, saw %#llx", guest_string(r->file),
			 r->line, r->cpu, guest_string(r->what), r->want, r->seen);
		break;
	case REPORT_LOG:
		row_log("CPU %u: %s: %#llx", r->cpu, guest_string(r->what), r->seen);
		break;
	case REPORT_SKIP:
		row_skip("%s", guest_string(r->what));
	case REPORT_DONE:
		row_count(r->seen);
		end(true);
		break;
	case REPORT_DEAD:
		row_fail("CPU %u: %s (%#llx, %#llx) at %s", r->cpu, guest_string(r->what), r->seen,
			 r->want, symbol_of(r->line));
		end(false);
		break;
	case REPORT_SYNC:
		if (!machine.guest->sync)
			row_die("the guest asks for what the row doesn't know: %llu", r->seen);
		machine.guest->sync(vcpu, r->seen);
		break;
	default:
		row_die("a report of kind %u: expected 1 to %u", r->kind, REPORT_SYNC);
	}
}

static void exit_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	bool write = run->io.direction == KVM_EXIT_IO_OUT;
	unsigned int i;

	if (run->io.port == PORT_REPORT && write) {
		report(vcpu, *(uint32_t *)data);
		return;
	}
	if (run->io.port == PORT_END && write) {
		end(true);
		return;
	}
	pthread_mutex_lock(&machine.io_lock);
	for (i = 0; i < run->io.count; i++, data += run->io.size) {
		device_access(true, run->io.port, data, run->io.size, write);
		log_io(vcpu, true, run->io.port, data, run->io.size, write, i);
	}
	pthread_mutex_unlock(&machine.io_lock);
}

static void exit_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	pthread_mutex_lock(&machine.io_lock);
	device_access(false, run->mmio.phys_addr, run->mmio.data, run->mmio.len,
		      run->mmio.is_write);
	log_io(vcpu, false, run->mmio.phys_addr, run->mmio.data, run->mmio.len, run->mmio.is_write,
	       0);
	pthread_mutex_unlock(&machine.io_lock);
}

/* Where a vCPU is when a row failed. */
static void log_place(struct vcpu *vcpu)
{
	struct kvm_mp_state state = { 0 };

	vcpu_log_exit(vcpu);
	ioctl(vcpu->fd, KVM_GET_MP_STATE, &state);
	row_log("  at %s, mp_state %u", symbol_of(vcpu_regs(vcpu).rip), state.mp_state);
}

static void handle_exit(struct vcpu *vcpu)
{
	uint32_t reason = vcpu->run->exit_reason;

	if (machine.guest->exit_hook && machine.guest->exit_hook(vcpu))
		return;
	if (machine.guest->exit && reason == machine.guest->exit) {
		row_count(1);
		end(true);
	} else if (reason == KVM_EXIT_IO) {
		exit_io(vcpu);
	} else if (reason == KVM_EXIT_MMIO) {
		exit_mmio(vcpu);
	} else if (reason == KVM_EXIT_HLT && machine.guest->flags & GUEST_NO_IRQCHIP) {
		return;
	} else {
		row_fail("vCPU %u: expected no such exit, saw %s", vcpu->id, exit_name(reason));
		end(false);
	}
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	while (!machine.stop) {
		int ret = vcpu_run(vcpu);

		if (ret < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (ret < 0) {
			row_fail("vCPU %u: KVM_RUN: expected success, saw %s", vcpu->id,
				 strerrorname_np(errno));
			end(false);
		} else {
			handle_exit(vcpu);
		}
	}
	if (!machine.done)
		log_place(vcpu);
	return NULL;
}

static void kick(int sig)
{
	(void)sig;
}

static void kick_all(void)
{
	struct vm *vm = machine.vm;
	unsigned int i;

	machine.stop = true;
	for (i = 0; i < vm->cpus; i++) {
		vm->vcpu[i].run->immediate_exit = 1;
		if (vm->vcpu[i].has_thread)
			pthread_kill(vm->vcpu[i].thread, SIGUSR1);
	}
}

static void timed_out(void)
{
	kick_all();
	sem_post(&machine.ended);
}

static void start_vcpu(struct vcpu *vcpu, const struct guest *g, uint64_t entry,
		       enum vcpu_mode mode)
{
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };
	uint64_t stack = 0x7000;
	struct kvm_sregs s;
	struct kvm_regs r;

	if (mode == MODE_LONG) {
		stack = guest_symbol("rt_stacks") + (vcpu->id + 1) * guest_symbol("rt_stack_size");
		entry = guest_symbol("rt_start");
	}
	vcpu_set_mode(vcpu, mode, entry, stack);
	if (mode == MODE_LONG) {
		s = vcpu_sregs(vcpu);
		s.gs.base = guest_symbol("rt_cpus") + vcpu->id * guest_symbol("rt_cpu_size");
		expect_ok("KVM_SET_SREGS", ioctl(vcpu->fd, KVM_SET_SREGS, &s));
		r = vcpu_regs(vcpu);
		r.rdi = vcpu->id;
		expect_ok("KVM_SET_REGS", ioctl(vcpu->fd, KVM_SET_REGS, &r));
	}
	if (vcpu->id && g->flags & GUEST_DIRECT && !(g->flags & GUEST_NO_IRQCHIP))
		expect_ok("KVM_SET_MP_STATE", ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable));
}

static void start_threads(struct vm *vm)
{
	struct sigaction action = { .sa_handler = kick };
	unsigned int i;

	sigaction(SIGUSR1, &action, NULL);
	row_on_timeout = timed_out;
	for (i = 0; i < vm->cpus; i++) {
		if (pthread_create(&vm->vcpu[i].thread, NULL, vcpu_thread, &vm->vcpu[i]))
			row_die("pthread_create: %s", strerror(errno));
		vm->vcpu[i].has_thread = true;
	}
}

void guest_run(const void *guest)
{
	const struct guest *g = guest;
	enum vcpu_mode mode = g->mode || g->flags & GUEST_MODE_SET ? g->mode : MODE_LONG;
	unsigned int cpus = g->cpus ? g->cpus : 1, i;
	struct vm *vm = vm_new_ram();
	struct guest_params *params = guest_params(vm);

	machine.guest = g;
	machine.vm = vm;
	sem_init(&machine.ended, 0, 0);
	for (i = 0; i < sizeof(machine.mmio); i++)
		machine.mmio[i] = 0x10 + i;
	load_image(vm);
	if (!(g->flags & GUEST_NO_IRQCHIP))
		vm_add_irqchip(vm, g->flags & GUEST_PIT);
	params->entry = guest_symbol(g->entry);
	params->cpus = cpus;
	memcpy(params->arg, g->arg, sizeof(params->arg));
	for (i = 0; i < cpus; i++)
		vm_add_vcpu(vm, i);
	params->tsc_khz = ioctl(vm->vcpu[0].fd, KVM_GET_TSC_KHZ, 0);
	for (i = 0; i < cpus; i++)
		if (!i || g->flags & GUEST_DIRECT)
			start_vcpu(&vm->vcpu[i], g, params->entry, mode);
	if (g->setup)
		g->setup(vm);
	start_threads(vm);
	while (sem_wait(&machine.ended) < 0 && errno == EINTR)
		;
	kick_all();
	for (i = 0; i < cpus; i++)
		pthread_join(vm->vcpu[i].thread, NULL);
	if (!machine.done && !row_failed())
		row_fail("expected the guest to end, saw it stopped");
	if (machine.done && g->check)
		g->check(vm);
}
