/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_BUILD_BUG_H
#define _SHIM_LINUX_BUILD_BUG_H

#define BUILD_BUG_ON(cond) _Static_assert(!(cond), #cond)
#define BUILD_BUG_ON_MSG(cond, msg) _Static_assert(!(cond), msg)
#define __static_assert_1(cond) _Static_assert(cond, #cond)
#define __static_assert_2(cond, msg) _Static_assert(cond, msg)
#define __static_assert_n(a, b, name, ...) name
#define static_assert(...)							\
	__static_assert_n(__VA_ARGS__, __static_assert_2, __static_assert_1)(__VA_ARGS__)

#endif
