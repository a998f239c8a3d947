/* SPDX-License-Identifier: Apache-2.0 */
/* Time, behind an interface so that tests can turn the hands. */
#ifndef PENSTOCK_BASE_CLOCK_H
#define PENSTOCK_BASE_CLOCK_H

#include <stdint.h>

struct clock {
    /* Milliseconds that never go back; for time-outs. */
    int64_t (*now_ms)(const struct clock *clock);
    /* Microseconds since 1970-01-01 UTC; for people and metadata only, never for order. */
    int64_t (*wall_us)(const struct clock *clock);
};

/* The system's clock. */
extern const struct clock system_clock;

static inline int64_t clock_now_ms(const struct clock *clock)
{
    return clock->now_ms(clock);
}

static inline int64_t clock_wall_us(const struct clock *clock)
{
    return clock->wall_us(clock);
}

/* The pause before retry number `attempt` (from 0): doubles from 100 ms to at most 10 s, ± 25 % by `random`. */
int backoff_ms(unsigned attempt, uint32_t random);

#endif
