/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_ASM_EXTABLE_H
#define _SHIM_ASM_EXTABLE_H

#define _ASM_EXTABLE(from, to)

#endif
