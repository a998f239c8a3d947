/* SPDX-License-Identifier: Apache-2.0 */
/* Powers of ten with 128 bits, for reading and writing floating-point numbers. */
#ifndef PENSTOCK_SCHEMA_POWERS_OF_TEN_H
#define PENSTOCK_SCHEMA_POWERS_OF_TEN_H

#include <stdint.h>

enum {
    POWERS_OF_TEN_LEAST = -292,
    POWERS_OF_TEN_MOST = 324,
    POWERS_OF_TEN_COUNT = POWERS_OF_TEN_MOST - POWERS_OF_TEN_LEAST + 1,
    POWERS_OF_TEN_LAST_EXACT = 55, /* 10^0 to 10^55 are exact; the others are rounded up */
};

struct power_of_ten {
    uint64_t high; /* its highest bit is 1 */
    uint64_t low;
};

extern const struct power_of_ten POWERS_OF_TEN[POWERS_OF_TEN_COUNT];

/* floor(log2(10^k)), for -1233 <= k <= 1233. */
static inline int floor_log2_power_of_ten(int k)
{
    return (k * 1741647) >> 19;
}

#endif
