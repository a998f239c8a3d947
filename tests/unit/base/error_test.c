/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of errors as values. */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void setting_an_error_returns_false_and_keeps_kind_and_message(void **state)
{
    (void)state;
    struct error err = {0};
    assert_false(error_set(&err, ERROR_RETRY, "cannot reach %s port %d", "db1", 5432));
    assert_int_equal(err.kind, ERROR_RETRY);
    assert_int_equal(err.stop, STOP_NONE);
    assert_string_equal(err.message, "cannot reach db1 port 5432");
    assert_string_equal(err.remedy, "");
}

static void a_new_cause_forgets_the_old_one(void **state)
{
    (void)state;
    struct error err = {0};
    error_stop(&err, STOP_SLOT_LOST, "the slot is lost");
    error_remedy(&err, "run penstock resync");
    memcpy(err.sqlstate, "57P01", sizeof(err.sqlstate));
    error_set(&err, ERROR_DATA, "row");
    assert_int_equal(err.kind, ERROR_DATA);
    assert_int_equal(err.stop, STOP_NONE);
    assert_string_equal(err.sqlstate, "");
    assert_string_equal(err.remedy, "");
}

static void context_is_added_in_front_outermost_first(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, ERROR_RETRY, "connection refused");
    assert_false(error_add(&err, "slot %s", "penstock_shop"));
    assert_false(error_add(&err, "source"));
    assert_string_equal(err.message, "source: slot penstock_shop: connection refused");
    assert_int_equal(err.kind, ERROR_RETRY);
}

static void adding_context_keeps_stop_sqlstate_and_remedy(void **state)
{
    (void)state;
    struct error err = {0};
    error_stop(&err, STOP_SLOT_LOST, "gone");
    error_remedy(&err, "run %s", "penstock resync");
    memcpy(err.sqlstate, "55000", sizeof(err.sqlstate));
    error_add(&err, "slot");
    assert_int_equal(err.kind, ERROR_STOP);
    assert_int_equal(err.stop, STOP_SLOT_LOST);
    assert_string_equal(err.sqlstate, "55000");
    assert_string_equal(err.remedy, "run penstock resync");
}

static void a_message_longer_than_its_room_is_cut_off_at_the_end(void **state)
{
    (void)state;
    struct error err = {0};
    char words[2 * sizeof(err.message)];
    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    error_set(&err, ERROR_RETRY, "%s", words);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    error_remedy(&err, "%s", words);
    assert_int_equal(strlen(err.remedy), sizeof(err.remedy) - 1);
    error_add(&err, "outside");
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_memory_equal(err.message, "outside: xxx", 12);
}

static void context_added_again_and_again_never_overflows(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, ERROR_RETRY, "first");
    for (int i = 0; i < 1000; i++)
        error_add(&err, "context number %d", i);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_memory_equal(err.message, "context number 999: context", 27);
}

static void a_cleared_error_is_none(void **state)
{
    (void)state;
    struct error err = {0};
    error_stop(&err, STOP_FENCED, "fenced");
    error_clear(&err);
    assert_int_equal(err.kind, ERROR_NONE);
    assert_int_equal(err.stop, STOP_NONE);
    assert_string_equal(err.message, "");
}

static void each_kind_ends_the_process_with_its_exit_code(void **state)
{
    (void)state;
    static const struct {
        enum error_kind kind;
        int code;
    } table[] = {
        {ERROR_NONE, 0},  {ERROR_ENDED, 0},   {ERROR_RETRY, 69},
        {ERROR_DATA, 65}, {ERROR_CONFIG, 78}, {ERROR_FATAL, 70},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct error err = {.kind = table[i].kind};
        assert_int_equal(error_exit_code(&err), table[i].code);
    }
}

static void a_stop_ends_the_process_with_the_exit_code_of_its_table(void **state)
{
    (void)state;
    struct error err = {0};
    error_stop(&err, STOP_SLOT_LOST, "lost");
    assert_int_equal(error_exit_code(&err), EXIT_PERSON);
    error_stop(&err, STOP_FENCED, "fenced");
    assert_int_equal(error_exit_code(&err), EXIT_TRY_AGAIN);
}

static void every_stop_has_a_name_and_an_exit_code_that_is_not_success(void **state)
{
    (void)state;
    assert_int_equal(stop_exit_code(STOP_NONE), EXIT_OK);
    assert_string_equal(stop_name(STOP_SLOT_LOST), "SLOT_LOST");
    for (int i = STOP_NONE + 1; i < STOP_COUNT; i++) {
        assert_true(strlen(stop_name((enum stop)i)) > 0);
        assert_int_not_equal(stop_exit_code((enum stop)i), EXIT_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_an_error_returns_false_and_keeps_kind_and_message),
        cmocka_unit_test(a_new_cause_forgets_the_old_one),
        cmocka_unit_test(context_is_added_in_front_outermost_first),
        cmocka_unit_test(adding_context_keeps_stop_sqlstate_and_remedy),
        cmocka_unit_test(a_message_longer_than_its_room_is_cut_off_at_the_end),
        cmocka_unit_test(context_added_again_and_again_never_overflows),
        cmocka_unit_test(a_cleared_error_is_none),
        cmocka_unit_test(each_kind_ends_the_process_with_its_exit_code),
        cmocka_unit_test(a_stop_ends_the_process_with_the_exit_code_of_its_table),
        cmocka_unit_test(every_stop_has_a_name_and_an_exit_code_that_is_not_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
