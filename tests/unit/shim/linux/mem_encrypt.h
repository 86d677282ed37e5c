/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_MEM_ENCRYPT_H
#define _SHIM_LINUX_MEM_ENCRYPT_H

#define __sme_set(x) (x)
#define __sme_clr(x) (x)

#endif
