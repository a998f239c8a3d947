/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what is suggested for an unknown key. */
#include "config/suggest.h"
#include "tests/unit/config/config_support.h"

static void measures_the_distance_of_words(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance("", ""), 0);
    assert_int_equal(suggest_distance("", "abc"), 3);
    assert_int_equal(suggest_distance("sorce", "source"), 1);
    assert_int_equal(suggest_distance("urls", "url"), 1);
    assert_int_equal(suggest_distance("tabels", "tables"), 1);
    assert_int_equal(suggest_distance("kitten", "sitting"), 3);
    assert_int_equal(suggest_distance("ABC", "abc"), 0);
}

static void does_not_measure_what_is_no_key(void **state)
{
    (void)state;
    char text[100] = "";
    memset(text, 'a', 64);
    assert_int_equal(suggest_distance(text, "a"), SETTING_KEY_SIZE);
    text[63] = '\0';
    assert_int_equal(suggest_distance(text, "a"), 62);
}

static void suggests_siblings_before_others(void **state)
{
    (void)state;
    char out[SETTING_KEY_SIZE];
    assert_string_equal(suggest_in_section("", "Source", out), "source");
    assert_string_equal(suggest_in_section("", "taget", out), "target");
    assert_string_equal(suggest_in_section("source", "uri", out), "url");
    assert_string_equal(suggest_in_section("target", "tables", out), "source.tables");
    assert_string_equal(suggest_in_section("target", "create_table", out), "create_tables");
    assert_string_equal(suggest_in_section("", "max_rows", out), "batch.max_rows");
}

static void suggests_nothing_far_away(void **state)
{
    (void)state;
    char out[SETTING_KEY_SIZE];
    assert_string_equal(suggest_in_section("", "xyz", out), "");
    assert_string_equal(suggest_in_section("source", "", out), "");
    assert_null(suggest_setting("nothing.like.this"));
    assert_null(suggest_setting(""));
}

static void suggests_whole_settings(void **state)
{
    (void)state;
    assert_string_equal(suggest_setting("log.levle")->key, "log.level");
    assert_string_equal(suggest_setting("create_tables")->key, "target.create_tables");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_the_distance_of_words),
        cmocka_unit_test(does_not_measure_what_is_no_key),
        cmocka_unit_test(suggests_siblings_before_others),
        cmocka_unit_test(suggests_nothing_far_away),
        cmocka_unit_test(suggests_whole_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
