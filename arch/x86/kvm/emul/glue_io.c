// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's world, made of a vCPU: memory, devices, ports. An access that userspace is to
 * complete ends the execution; the next one finds it in the instruction's log.
 */

#include <linux/mm.h>
#include <linux/uaccess.h>
#include <asm/trapnr.h>

#include "core.h"
#include "dirty.h"
#include "exit.h"
#include "glue.h"
#include "guest_mem.h"
#include "trace.h"

/* --- devices --------------------------------------------------------------------------------- */

static enum kvm_exit_action complete_mmio(struct kvm_vcpu *vcpu)
{
	struct emul_state *s = vcpu->io.emul;
	struct access_log *e = &s->log[s->nr];

	if (!e->write) {
		memcpy(e->data, vcpu->run->mmio.data, e->len);
		trace_kvm_mmio(KVM_TRACE_MMIO_READ, e->len, e->gpa, e->data);
	}
	s->nr++;
	return glue_resume(s);
}

/* Has the instruction done this access already? Answer from the log. */
static bool log_replay(struct emul_state *s, u64 gpa, void *buf, int len, bool write)
{
	struct access_log *e = &s->log[s->at];

	if (s->at >= s->nr)
		return false;
	if (e->gpa != gpa || e->len != len || e->write != write) {
		/* Guest memory changed under the instruction: what follows is another course. */
		s->nr = s->at;
		return false;
	}
	if (!write)
		memcpy(buf, e->data, len);
	s->at++;
	return true;
}

/*
 * The same by linear address, before that is translated, for an access in one piece: what is done
 * can't fault any more.
 */
static bool log_replay_linear(struct emul_state *s, u64 addr, void *buf, unsigned int n, bool write)
{
	struct access_log *e = &s->log[s->at];

	if (likely(s->at >= s->nr) || e->linear != addr || e->len != n || e->write != write)
		return false;
	if (!write)
		memcpy(buf, e->data, n);
	s->at++;
	return true;
}

static enum emul_result log_append(struct emul_state *s, u64 linear, u64 gpa, const void *buf,
				   int len, bool write)
{
	struct access_log *e = &s->log[s->nr];

	if (s->nr >= LOG_ENTRIES)
		return EMUL_UNHANDLEABLE;
	e->linear = linear;
	e->gpa = gpa;
	e->len = len;
	e->write = write;
	memcpy(e->data, buf, len);
	s->at = ++s->nr;
	return EMUL_OK;
}

static int device_access(struct kvm_vcpu *vcpu, u64 gpa, void *buf, int len, bool write)
{
	int r = -EOPNOTSUPP;

	if (vcpu->lapic)
		r = write ? lapic_mmio_write(vcpu, gpa, len, buf) :
			    lapic_mmio_read(vcpu, gpa, len, buf);
	if (r)
		r = write ? iobus_write(vcpu, KVM_MMIO_BUS, gpa, len, buf) :
			    iobus_read(vcpu, KVM_MMIO_BUS, gpa, len, buf);
	return r;
}

/* One access of at most 8 bytes inside a page, to where there is no RAM. */
static enum emul_result mmio_fragment(struct emul_state *s, u64 linear, u64 gpa, void *buf, int len,
				      bool write)
{
	struct kvm_vcpu *vcpu = s->vcpu;
	struct kvm_run *run = vcpu->run;

	if (log_replay(s, gpa, buf, len, write))
		return EMUL_OK;
	if (s->nr >= LOG_ENTRIES)
		return EMUL_UNHANDLEABLE;
	vcpu->stat.mmio_exits++;
	if (write)
		trace_kvm_mmio(KVM_TRACE_MMIO_WRITE, len, gpa, buf);
	if (!device_access(vcpu, gpa, buf, len, write)) {
		if (!write)
			trace_kvm_mmio(KVM_TRACE_MMIO_READ, len, gpa, buf);
		return log_append(s, linear, gpa, buf, len, write);
	}
	if (!write)
		trace_kvm_mmio(KVM_TRACE_MMIO_READ_UNSATISFIED, len, gpa, NULL);

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = gpa;
	run->mmio.len = len;
	run->mmio.is_write = write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (write)
		memcpy(run->mmio.data, buf, len);
	/*
	 * Kept here, not read back from the shared page: userspace may write to that at any time.
	 */
	s->log[s->nr] =
		(struct access_log){ .linear = linear, .gpa = gpa, .len = len, .write = write };
	vcpu->io.complete = complete_mmio;
	return EMUL_IO;
}

static enum emul_result mmio_access(struct emul_state *s, u64 linear, u64 gpa, void *buf,
				    unsigned int len, bool write)
{
	while (len) {
		/* Largest naturally aligned piece: what a bus would do. */
		unsigned int n = min(8u, 1u << __fls(len));
		enum emul_result r;

		r = mmio_fragment(s, linear, gpa, buf, n, write);
		if (r != EMUL_OK)
			return r;
		linear += n;
		gpa += n;
		buf += n;
		len -= n;
	}
	return EMUL_OK;
}

/* --- memory ---------------------------------------------------------------------------------- */

static u32 access_bits(struct emul_state *s, unsigned int acc)
{
	u32 bits = acc & EMUL_ACC_WRITE ? KVM_ACC_WRITE : 0;

	if (acc & EMUL_ACC_SYSTEM)
		return bits | KVM_ACC_IMPLICIT;
	return s->c.cpl == 3 ? bits | KVM_ACC_USER : bits;
}

static enum emul_result translate(struct emul_state *s, u64 addr, u32 access,
				  struct kvm_place *place, struct emul_exception *exc)
{
	struct kvm_walk_fault fault;

	if (likely(!mmu_translate(s->vcpu, addr, access, place, &fault)))
		return EMUL_OK;
	*exc = (struct emul_exception){
		.vector = X86_TRAP_PF,
		.has_error = true,
		.error_code = fault.error_code,
		.address = fault.gva,
	};
	return EMUL_EXCEPTION;
}

static bool is_ram(const struct kvm_place *place, bool write)
{
	return place->hva && !(write && place->readonly);
}

static enum emul_result host_fault(struct emul_state *s, int error)
{
	s->error = error;
	return EMUL_UNHANDLEABLE;
}

/* Inside one page. */
static enum emul_result phys_access(struct emul_state *s, u64 linear, const struct kvm_place *place,
				    void *buf, unsigned int len, bool write)
{
	void __user *ram = (void __user *)place->hva;
	unsigned long left;

	if (!is_ram(place, write))
		return mmio_access(s, linear, place->gpa, buf, len, write);
	if (!write)
		return copy_from_user(buf, ram, len) ? host_fault(s, -EFAULT) : EMUL_OK;
	left = copy_to_user(ram, buf, len);
	if (left < len)
		dirty_mark_gfn(s->vcpu->kvm, place->gpa >> PAGE_SHIFT);
	return left ? host_fault(s, -EFAULT) : EMUL_OK;
}

/* Translates all before it touches anything: a faulting write has changed nothing. */
static enum emul_result mem_access(struct emul_state *s, u64 addr, void *buf, unsigned int n,
				   u32 access, bool write, struct emul_exception *exc)
{
	unsigned int first = min_t(unsigned int, n, PAGE_SIZE - (addr & ~PAGE_MASK));
	struct kvm_place place EMUL_UNINITIALIZED, place2 EMUL_UNINITIALIZED;
	enum emul_result r;

	if (unlikely(log_replay_linear(s, addr, buf, n, write)))
		return EMUL_OK;
	r = translate(s, addr, access, &place, exc);
	if (likely(first == n))
		return r == EMUL_OK ? phys_access(s, addr, &place, buf, n, write) : r;
	if (r == EMUL_OK)
		r = translate(s, addr + first, access, &place2, exc);
	if (r == EMUL_OK)
		r = phys_access(s, addr, &place, buf, first, write);
	if (r == EMUL_OK)
		r = phys_access(s, addr + first, &place2, buf + first, n - first, write);
	return r;
}

/*
 * The @n instruction bytes at @from: two loads of fixed size where a page has room for them, which
 * the kernel's checks of copies leave alone.
 */
static int fetch_ram(const u64 __user *from, void *buf, unsigned int n)
{
	u64 bytes[2];

	if (unlikely(offset_in_page(from) > PAGE_SIZE - sizeof(bytes)))
		return copy_from_user(buf, from, n) ? -EFAULT : 0;
	if (get_user(bytes[0], from) || get_user(bytes[1], from + 1))
		return -EFAULT;
	memcpy(buf, bytes, n);
	return 0;
}

enum emul_result glue_fetch(void *opaque, u64 addr, void *buf, unsigned int n,
			    struct emul_exception *exc)
{
	struct emul_state *s = opaque;
	u32 access = KVM_ACC_FETCH | (s->c.cpl == 3 ? KVM_ACC_USER : 0);
	struct kvm_place place;
	enum emul_result r;
	int err;

	r = translate(s, addr, access, &place, exc);
	if (r != EMUL_OK)
		return r;
	/* Code in device memory: nothing runs there that we could fetch. */
	if (!is_ram(&place, false))
		return EMUL_UNHANDLEABLE;
	err = fetch_ram((const u64 __user *)place.hva, buf, n);
	return err ? host_fault(s, err) : EMUL_OK;
}

enum emul_result glue_read(void *opaque, u64 addr, void *buf, unsigned int n, unsigned int acc,
			   struct emul_exception *exc)
{
	struct emul_state *s = opaque;

	return mem_access(s, addr, buf, n, access_bits(s, acc), false, exc);
}

enum emul_result glue_write(void *opaque, u64 addr, const void *buf, unsigned int n,
			    unsigned int acc, struct emul_exception *exc)
{
	struct emul_state *s = opaque;

	return mem_access(s, addr, (void *)buf, n, access_bits(s, acc) | KVM_ACC_WRITE, true, exc);
}

enum emul_result glue_cmpxchg(void *opaque, u64 addr, const void *old, const void *new,
			      unsigned int n, unsigned int acc, struct emul_exception *exc)
{
	struct emul_state *s = opaque;
	struct kvm_place place;
	enum emul_result r;
	u8 expect[16];
	int ret;

	/* Atomic over two pages: no guest that is in its right mind, no way to do it right. */
	if ((addr & ~PAGE_MASK) + n > PAGE_SIZE)
		return glue_write(opaque, addr, new, n, acc, exc);
	r = translate(s, addr, access_bits(s, acc), &place, exc);
	if (r != EMUL_OK)
		return r;
	/*
	 * Devices know no locked cycles; over two cache lines they are split locks, which the host
	 * may forbid.
	 */
	if (!is_ram(&place, true) || (place.gpa & (SMP_CACHE_BYTES - 1)) + n > SMP_CACHE_BYTES)
		return phys_access(s, addr, &place, (void *)new, n, true);
	memcpy(expect, old, n);
	ret = kvm_guest_cmpxchg(s->vcpu->kvm, place.gpa, expect, new, n);
	if (ret < 0)
		return host_fault(s, ret);
	return ret ? EMUL_OK : EMUL_RESTART;
}

enum emul_result glue_probe(void *opaque, u64 addr, unsigned int n, unsigned int acc)
{
	struct emul_state *s = opaque;
	struct emul_exception exc;
	struct kvm_place place;

	if (translate(s, addr, access_bits(s, acc), &place, &exc) != EMUL_OK)
		return EMUL_UNHANDLEABLE;
	return is_ram(&place, acc & EMUL_ACC_WRITE) ? EMUL_OK : EMUL_UNHANDLEABLE;
}

enum emul_result glue_touch(void *opaque, u64 addr, unsigned int acc, struct emul_exception *exc)
{
	struct emul_state *s = opaque;
	struct kvm_place place;

	/* What has been done already, and is gone through again, can't fault any more. */
	if (s->pio_done || s->nr)
		return EMUL_OK;
	return translate(s, addr, access_bits(s, acc), &place, exc);
}

void glue_commit(void *opaque)
{
	struct emul_state *s = opaque;

	s->nr = 0;
	s->at = 0;
	s->pio_done = false;
	s->msr_done = false;
}

/* --- ports ----------------------------------------------------------------------------------- */

static enum kvm_exit_action complete_pio(struct kvm_vcpu *vcpu)
{
	struct emul_state *s = vcpu->io.emul;

	s->pio_done = true;
	return glue_resume(s);
}

static enum emul_result pio_to_user(struct emul_state *s, u16 port, unsigned int size,
				    unsigned int count, bool in)
{
	struct kvm_run *run = s->vcpu->run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	run->io.data_offset = KVM_PIO_DATA_PAGE * PAGE_SIZE;
	s->pio_size = size;
	s->pio_count = count;
	s->vcpu->io.complete = complete_pio;
	return EMUL_IO;
}

enum emul_result glue_pio_in(void *opaque, u16 port, unsigned int size, void *buf,
			     unsigned int count, struct emul_exception *exc)
{
	struct emul_state *s = opaque;
	unsigned int i;

	if (s->pio_done && s->pio_size == size && s->pio_count == count) {
		memcpy(buf, s->vcpu->io.pio_data, size * count);
		trace_kvm_pio(false, port, size, count, buf);
		return EMUL_OK;
	}
	s->vcpu->stat.io_exits++;
	for (i = 0; i < count; i++)
		if (iobus_read(s->vcpu, KVM_PIO_BUS, port, size, buf + i * size))
			break;
	if (i == count) {
		trace_kvm_pio(false, port, size, count, buf);
		/* It may have to be written to a device that userspace has. */
		memcpy(s->vcpu->io.pio_data, buf, size * count);
		s->pio_size = size;
		s->pio_count = count;
		s->pio_done = true;
		return EMUL_OK;
	}
	/* A device answers all elements or none: the first says which. */
	return i ? EMUL_UNHANDLEABLE : pio_to_user(s, port, size, count, true);
}

enum emul_result glue_pio_out(void *opaque, u16 port, unsigned int size, const void *buf,
			      unsigned int count, struct emul_exception *exc)
{
	struct emul_state *s = opaque;
	unsigned int i;

	if (s->pio_done && s->pio_size == size && s->pio_count == count)
		return EMUL_OK;
	s->vcpu->stat.io_exits++;
	trace_kvm_pio(true, port, size, count, buf);
	for (i = 0; i < count; i++)
		if (iobus_write(s->vcpu, KVM_PIO_BUS, port, size, buf + i * size))
			break;
	if (i == count)
		return EMUL_OK;
	/* A ring of coalesced writes can fill up in the middle: the rest is userspace's. */
	memcpy(s->vcpu->io.pio_data, buf + i * size, size * (count - i));
	pio_to_user(s, port, size, count - i, false);
	s->pio_count = count;
	return EMUL_IO;
}
