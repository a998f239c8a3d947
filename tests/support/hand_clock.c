/* SPDX-License-Identifier: Apache-2.0 */
/* Time that stands still until a test moves it. */
#include "tests/support/hand_clock.h"

static int64_t now_ms(const struct clock *clock)
{
    return ((const struct hand_clock *)clock)->now_ms;
}

static int64_t wall_us(const struct clock *clock)
{
    return now_ms(clock) * 1000;
}

void hand_clock_init(struct hand_clock *clock, int64_t start_ms)
{
    *clock =
        (struct hand_clock){.clock = {.now_ms = now_ms, .wall_us = wall_us}, .now_ms = start_ms};
}
