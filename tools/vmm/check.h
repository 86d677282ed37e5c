/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_CHECK_H
#define VMM_CHECK_H

#include "status.h"

enum status check_kvm(const char *path);

#endif
