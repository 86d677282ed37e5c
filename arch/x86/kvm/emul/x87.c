// SPDX-License-Identifier: GPL-2.0-only
/*
 * The few x87 instructions by which software looks for an FPU, as a kernel's real-mode entry does.
 * Intel SDM vol. 2, each instruction's page; vol. 3, table 2-2.
 */
#include "internal.h"

static enum emul_result check_x87(struct emul_ctxt *c)
{
	if (!c->ops->fninit || !c->ops->get_x87)
		return EMUL_UNHANDLEABLE;
	if (c->ops->get_cr(c->opaque, 0) & (CR0_EM | CR0_TS))
		return emul_raise(c, EXC_NM);
	return EMUL_OK;
}

enum emul_result emul_fninit(struct emul_work *w)
{
	struct emul_ctxt *c = w->c;
	enum emul_result res = check_x87(c);

	return res == EMUL_OK ? c->ops->fninit(c->opaque) : res;
}

static enum emul_result get_words(struct emul_work *w, u16 *control, u16 *status)
{
	struct emul_ctxt *c = w->c;
	enum emul_result res = check_x87(c);

	return res == EMUL_OK ? c->ops->get_x87(c->opaque, control, status) : res;
}

static enum emul_result store(struct emul_work *w, u16 word)
{
	return emul_write_seg(w, w->insn->seg, emul_ea(w), &word, 2);
}

enum emul_result emul_fnstcw(struct emul_work *w)
{
	u16 control, status;
	enum emul_result res = get_words(w, &control, &status);

	return res == EMUL_OK ? store(w, control) : res;
}

enum emul_result emul_fnstsw(struct emul_work *w)
{
	u16 control, status;
	enum emul_result res = get_words(w, &control, &status);

	if (res != EMUL_OK)
		return res;
	if (w->insn->mem)
		return store(w, status);
	emul_set_reg(w, EMUL_RAX, status, 2);
	return EMUL_OK;
}

/* Other than above, CR0.EM doesn't count, and CR0.TS with CR0.MP only. */
enum emul_result emul_fwait(struct emul_work *w)
{
	const u64 task_switched = CR0_MP | CR0_TS;
	struct emul_ctxt *c = w->c;
	enum emul_result res;
	u16 control, status;
	u64 cr0;

	if (!c->ops->get_x87)
		return EMUL_UNHANDLEABLE;
	cr0 = c->ops->get_cr(c->opaque, 0);
	if ((cr0 & task_switched) == task_switched)
		return emul_raise(c, EXC_NM);
	res = c->ops->get_x87(c->opaque, &control, &status);
	if (res != EMUL_OK || !(status & X87_ES))
		return res;
	/* Whatever CR0.NE says: VMX without unrestricted guest runs with it set. */
	return emul_raise(c, EXC_MF);
}
