// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints of trace.h, once. */

#include "exit.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
