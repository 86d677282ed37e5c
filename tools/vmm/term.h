/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMM_TERM_H
#define VMM_TERM_H

#include <stdbool.h>

int term_raw(int fd);
void term_restore(void);
void term_suspend(void);
void term_resume(void);
bool term_is_raw(void);

#endif
