/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of names. */
#include "config/names.h"
#include "tests/unit/config/config_support.h"

static void takes_the_names_of_the_protocol(void **state)
{
    (void)state;
    assert_null(name_problem("a"));
    assert_null(name_problem("shop_2"));
    assert_null(name_problem("a234567890123456789012345678901"));
}

static void refuses_other_names(void **state)
{
    (void)state;
    assert_string_equal(name_problem("a2345678901234567890123456789012"),
                        "is longer than 31 characters");
    assert_string_equal(name_problem("1a"), "does not begin with a lower-case letter");
    assert_string_equal(name_problem("_a"), "does not begin with a lower-case letter");
    assert_non_null(name_problem(""));
    assert_string_equal(name_problem("a-b"),
                        "has a character other than a lower-case letter, a digit or _");
    assert_non_null(name_problem("aB"));
    assert_non_null(name_problem("aü"));
}

static void takes_the_slots_that_postgresql_takes(void **state)
{
    (void)state;
    assert_null(slot_problem("1_a"));
    assert_non_null(slot_problem("a-b"));
    assert_non_null(slot_problem("A"));
}

static void takes_the_prefixes_that_kafka_takes(void **state)
{
    (void)state;
    assert_null(prefix_problem("Shop-1.eu_west"));
    assert_non_null(prefix_problem("a b"));
    assert_non_null(prefix_problem("a/b"));
    assert_non_null(prefix_problem("aü"));
}

static void takes_the_users_that_http_takes(void **state)
{
    (void)state;
    assert_null(user_problem("Jörg@example.com"));
    assert_non_null(user_problem("a:b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_names_of_the_protocol),
        cmocka_unit_test(refuses_other_names),
        cmocka_unit_test(takes_the_slots_that_postgresql_takes),
        cmocka_unit_test(takes_the_prefixes_that_kafka_takes),
        cmocka_unit_test(takes_the_users_that_http_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
