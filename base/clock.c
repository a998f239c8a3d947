/* SPDX-License-Identifier: Apache-2.0 */
/* The system's clock, and the pause between retries. */
#include "base/clock.h"

#include <time.h>

static int64_t system_now_ms(const struct clock *clock)
{
    (void)clock;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_us(const struct clock *clock)
{
    (void)clock;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

const struct clock system_clock = {.now_ms = system_now_ms, .wall_us = system_wall_us};

int backoff_ms(unsigned attempt, uint32_t random)
{
    enum { FIRST_MS = 100, MOST_MS = 10000, DOUBLINGS = 7 };
    int pause = attempt >= DOUBLINGS ? MOST_MS : FIRST_MS << attempt;
    if (pause > MOST_MS)
        pause = MOST_MS;
    int spread = pause / 2;
    return pause - spread / 2 + (int)(random % (uint32_t)(spread + 1));
}
