/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the clock and of the pause between retries. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_system_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t last_ms = clock_now_ms(&system_clock);
    for (int i = 0; i < 1000; i++) {
        int64_t now_ms = clock_now_ms(&system_clock);
        assert_true(now_ms >= last_ms);
        last_ms = now_ms;
    }
}

static void the_wall_clock_counts_microseconds_since_1970(void **state)
{
    (void)state;
    int64_t wall_us = clock_wall_us(&system_clock);
    assert_true(wall_us > INT64_C(1700000000000000));
    assert_true(wall_us < INT64_C(17000000000000000));
}

static void the_pause_doubles_from_100_ms_to_10_s(void **state)
{
    (void)state;
    static const int middles_ms[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000};
    for (unsigned i = 0; i < sizeof(middles_ms) / sizeof(middles_ms[0]); i++) {
        int spread_ms = middles_ms[i] / 2;
        assert_int_equal(backoff_ms(i, (uint32_t)(spread_ms / 2)), middles_ms[i]);
    }
    assert_int_equal(backoff_ms(UINT32_MAX, 2500), 10000);
}

static void the_pause_spreads_by_a_quarter_whatever_the_random_number(void **state)
{
    (void)state;
    for (unsigned attempt = 0; attempt < 12; attempt++) {
        int least_ms = backoff_ms(attempt, 0);
        int most_ms = least_ms;
        for (uint32_t random = 0; random < 20000; random += 7) {
            int pause_ms = backoff_ms(attempt, random);
            assert_true(pause_ms >= least_ms);
            most_ms = pause_ms > most_ms ? pause_ms : most_ms;
        }
        int middle_ms = (least_ms + most_ms) / 2;
        assert_in_range(least_ms, middle_ms * 74 / 100, middle_ms * 76 / 100);
        assert_in_range(most_ms, middle_ms * 124 / 100, middle_ms * 126 / 100);
        assert_true(backoff_ms(attempt, UINT32_MAX) <= most_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_clock_never_goes_back),
        cmocka_unit_test(the_wall_clock_counts_microseconds_since_1970),
        cmocka_unit_test(the_pause_doubles_from_100_ms_to_10_s),
        cmocka_unit_test(the_pause_spreads_by_a_quarter_whatever_the_random_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
