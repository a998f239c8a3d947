/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the set of keys that have a parked change. */
#include "sink/parked_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static void add(struct parked_keys *keys, const char *table, const char *key)
{
    struct error err;
    assert_true(parked_keys_add(keys, "s", table, bytes_of(key), &err));
}

static bool has(const struct parked_keys *keys, const char *table, const char *key)
{
    return parked_keys_has(keys, "s", table, bytes_of(key));
}

static void a_key_is_found_in_its_own_table_only(void **state)
{
    (void)state;
    struct parked_keys *keys = parked_keys_new();
    assert_true(parked_keys_is_empty(keys));
    add(keys, "t", "1");
    add(keys, "t", "1");
    add(keys, "u", "2");
    assert_false(parked_keys_is_empty(keys));
    assert_true(has(keys, "t", "1"));
    assert_false(has(keys, "t", "2"));
    assert_false(has(keys, "u", "1"));
    assert_false(parked_keys_has(keys, "other", "t", bytes_of("1")));
    assert_true(parked_keys_has_table(keys, "s", "u"));
    assert_false(parked_keys_has_table(keys, "s", "v"));
    parked_keys_free(keys);
}

static void thousands_of_keys_are_told_apart(void **state)
{
    (void)state;
    struct parked_keys *keys = parked_keys_new();
    char key[16];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "k%d", 2 * i);
        add(keys, "t", key);
    }
    for (int i = 0; i < 10000; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(has(keys, "t", key), i % 2 == 0);
    }
    parked_keys_free(keys);
}

static void a_key_that_only_the_server_can_compare_stands_for_all_of_its_table(void **state)
{
    (void)state;
    struct parked_keys *keys = parked_keys_new();
    add(keys, "t", "");
    add(keys, "u", "1");
    assert_true(has(keys, "t", "1"));
    assert_true(has(keys, "t", ""));
    assert_true(has(keys, "u", ""));
    assert_false(has(keys, "u", "2"));
    parked_keys_free(keys);
}

static void behind_a_change_without_a_key_nothing_waits(void **state)
{
    (void)state;
    struct error err;
    struct parked_keys *keys = parked_keys_new();
    assert_true(parked_keys_add(keys, "s", "n", (struct bytes){0}, &err));
    assert_true(parked_keys_has_table(keys, "s", "n"));
    assert_false(parked_keys_has(keys, "s", "n", (struct bytes){0}));
    assert_false(has(keys, "n", "1"));
    assert_false(has(keys, "n", ""));
    parked_keys_free(keys);
}

static void a_forgotten_table_leaves_the_others(void **state)
{
    (void)state;
    struct parked_keys *keys = parked_keys_new();
    add(keys, "t", "1");
    add(keys, "u", "1");
    parked_keys_forget_table(keys, "s", "t");
    parked_keys_forget_table(keys, "s", "never");
    assert_false(has(keys, "t", "1"));
    assert_true(has(keys, "u", "1"));
    parked_keys_clear(keys);
    assert_true(parked_keys_is_empty(keys));
    parked_keys_free(keys);
}

static void more_keys_than_are_held_stop_by_name(void **state)
{
    (void)state;
    struct error err;
    char key[16];
    struct parked_keys *keys = parked_keys_new();
    for (int i = 0; i < PARKED_KEYS_MOST; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        add(keys, i % 2 ? "t" : "u", key);
    }
    assert_false(parked_keys_add(keys, "s", "t", bytes_of("one more"), &err));
    assert_int_equal(err.stop, STOP_ROW_REFUSED);
    assert_true(err.remedy[0]);
    add(keys, "t", "k1");
    parked_keys_forget_table(keys, "s", "u");
    add(keys, "t", "one more");
    parked_keys_free(keys);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_in_its_own_table_only),
        cmocka_unit_test(thousands_of_keys_are_told_apart),
        cmocka_unit_test(a_key_that_only_the_server_can_compare_stands_for_all_of_its_table),
        cmocka_unit_test(behind_a_change_without_a_key_nothing_waits),
        cmocka_unit_test(a_forgotten_table_leaves_the_others),
        cmocka_unit_test(more_keys_than_are_held_stop_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
