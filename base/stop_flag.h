/* SPDX-License-Identifier: Apache-2.0 */
/* A request to end, or to wake up, that a poll() can wait for. */
#ifndef PENSTOCK_BASE_STOP_FLAG_H
#define PENSTOCK_BASE_STOP_FLAG_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/attributes.h"

/* Set once, from any thread or from a signal handler; readable at no cost. */
struct stop_flag {
    atomic_bool is_set;
    int fd; /* an eventfd, readable from the moment the flag is set */
};

bool stop_flag_open(struct stop_flag *flag) MUST_USE;
void stop_flag_close(struct stop_flag *flag);
void stop_flag_set(struct stop_flag *flag);

static inline bool stop_flag_is_set(struct stop_flag *flag)
{
    return atomic_load_explicit(&flag->is_set, memory_order_acquire);
}

/* Waits at most `timeout_ms` for the flag; returns whether it is set. */
bool stop_flag_wait(struct stop_flag *flag, int timeout_ms);

#endif
