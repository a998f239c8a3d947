/* SPDX-License-Identifier: Apache-2.0 */
/* A clock whose hands a test turns. */
#ifndef PENSTOCK_TESTS_SUPPORT_HAND_CLOCK_H
#define PENSTOCK_TESTS_SUPPORT_HAND_CLOCK_H

#include <stdint.h>

#include "base/clock.h"

struct hand_clock {
    struct clock clock;
    int64_t now_ms; /* wall_us() follows it */
};

void hand_clock_init(struct hand_clock *clock, int64_t now_ms);

#endif
