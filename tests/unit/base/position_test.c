/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the order and the text of positions. */
#include "base/position.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void positions_are_ordered_by_epoch_then_commit_then_ordinal_then_step(void **state)
{
    (void)state;
    static const struct position ascending[] = {
        {0, 0, 0, 0},
        {1, 0, 0, 0},
        {1, 0, 0, 1},
        {1, 0, 1, 0},
        {1, 0x100, 0, 0},
        {1, 0x100, 2, 1},
        {1, 0x100, 10, 0},
        {1, UINT64_C(0x8000000000000000), 0, 0},
        {1, UINT64_MAX, UINT64_MAX, UINT32_MAX},
        {2, 0, 0, 0},
        {UINT32_MAX, 0, 0, 0},
    };
    size_t count = sizeof(ascending) / sizeof(ascending[0]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            int order = position_compare(&ascending[i], &ascending[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static void an_lsn_reads_as_postgresql_prints_it(void **state)
{
    (void)state;
    char text[LSN_TEXT_SIZE];
    assert_string_equal(lsn_text(0, text), "0/0");
    assert_string_equal(lsn_text(UINT64_C(0x16B374D848), text), "16/B374D848");
    assert_string_equal(lsn_text(UINT64_C(0x100000000), text), "1/0");
    assert_string_equal(lsn_text(UINT64_MAX, text), "FFFFFFFF/FFFFFFFF");
}

static void a_position_reads_with_its_four_parts(void **state)
{
    (void)state;
    char text[POSITION_TEXT_SIZE];
    struct position position = {1, UINT64_C(0x16B374D848), 3, 0};
    assert_string_equal(position_text(&position, text), "1:16/B374D848:3:0");
}

static void the_longest_position_fits_its_text(void **state)
{
    (void)state;
    char text[POSITION_TEXT_SIZE];
    struct position position = {UINT32_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX};
    assert_string_equal(position_text(&position, text),
                        "4294967295:FFFFFFFF/FFFFFFFF:18446744073709551615:4294967295");
}

static void an_lsn_is_parsed_back_from_its_text(void **state)
{
    (void)state;
    static const pg_lsn lsns[] = {0, 1, UINT64_C(0x16B374D848), UINT64_C(0x100000000), UINT64_MAX};
    for (size_t i = 0; i < sizeof(lsns) / sizeof(lsns[0]); i++) {
        char text[LSN_TEXT_SIZE];
        pg_lsn lsn = 42;
        assert_true(lsn_parse(lsn_text(lsns[i], text), &lsn));
        assert_true(lsn == lsns[i]);
    }
}

static void an_lsn_may_be_written_in_lower_case(void **state)
{
    (void)state;
    pg_lsn lsn = 0;
    assert_true(lsn_parse("16/b374d848", &lsn));
    assert_true(lsn == UINT64_C(0x16B374D848));
}

static void what_is_not_an_lsn_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",    "/",    "0",    "0/",   "/0",   "123456789/0", "0/123456789", "G/0",
        "0/G", " 0/0", "0/0 ", "-1/0", "0/-1", "0x1/0",       "0/0/0",       "+1/0",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        pg_lsn lsn = 42;
        assert_false(lsn_parse(texts[i], &lsn));
        assert_true(lsn == 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_ordered_by_epoch_then_commit_then_ordinal_then_step),
        cmocka_unit_test(an_lsn_reads_as_postgresql_prints_it),
        cmocka_unit_test(a_position_reads_with_its_four_parts),
        cmocka_unit_test(the_longest_position_fits_its_text),
        cmocka_unit_test(an_lsn_is_parsed_back_from_its_text),
        cmocka_unit_test(an_lsn_may_be_written_in_lower_case),
        cmocka_unit_test(what_is_not_an_lsn_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
