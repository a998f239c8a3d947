/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the patterns that choose tables. */
#include "config/patterns.h"

#include <stdio.h>

#include "tests/unit/config/config_support.h"

static bool matches(const char *pattern, const char *schema, const char *table)
{
    char copy[2100];
    char *items[] = {copy};
    snprintf(copy, sizeof(copy), "%s", pattern);
    return config_table_matches(&(struct config_list){items, 1}, schema, table);
}

static void matches_plain_names(void **state)
{
    (void)state;
    assert_true(matches("public.orders", "public", "orders"));
    assert_false(matches("public.orders", "public", "order"));
    assert_false(matches("public.orders", "public", "orders2"));
    assert_false(matches("public.orders", "publi", "orders"));
    assert_false(matches("public.orders", "public", "Orders"));
    assert_false(matches("public.orders", "public.orders", ""));
}

static void matches_any_characters_by_a_star(void **state)
{
    (void)state;
    assert_true(matches("*.*", "a", "b.c"));
    assert_true(matches("public.*", "public", ""));
    assert_true(matches("p*c.*_log", "public", "a_log_log"));
    assert_false(matches("public.*_log", "public", "a_log2"));
    assert_true(matches("a.*b*c", "a", "xbxbxcxc"));
    assert_false(matches("a.*b*c", "a", "xcxb"));
    assert_true(matches("a.**x**", "a", "x"));
}

static void matches_one_character_by_a_question_mark(void **state)
{
    (void)state;
    assert_true(matches("a.b?d", "a", "bcd"));
    assert_false(matches("a.b?d", "a", "bd"));
    assert_false(matches("a.b?", "a", "b"));
    assert_true(matches("a.?*", "a", "b"));
    assert_false(matches("a.?*", "a", ""));
}

static void counts_characters_and_not_bytes(void **state)
{
    (void)state;
    assert_true(matches("a.gr?ße", "a", "größe"));
    assert_true(matches("a.?", "a", "漢"));
    assert_false(matches("a.??", "a", "漢"));
    assert_true(matches("a.*?😀", "a", "漢字😀"));
    assert_false(matches("a.größe", "a", "groesse"));
}

static void takes_quoted_parts_literally(void **state)
{
    (void)state;
    assert_true(matches("\"a.b\".\"c.d\"", "a.b", "c.d"));
    assert_true(matches("\"a\".b*", "a", "bc"));
    assert_true(matches("a*.\"*\"", "ab", "*"));
    assert_false(matches("a.\"*\"", "a", "b"));
    assert_false(matches("a.\"?\"", "a", "b"));
    assert_true(matches("a.\"say \"\"hi\"\"\"", "a", "say \"hi\""));
    assert_false(matches("a.\"say\"", "a", "say2"));
    assert_false(matches("a.\"say\"", "a", "sa"));
    assert_true(matches("a.\"größe\"", "a", "größe"));
}

static void matches_if_any_pattern_does(void **state)
{
    (void)state;
    char first[] = "a.b";
    char second[] = "c.*";
    char *items[] = {first, second};
    struct config_list list = {items, 2};
    assert_true(config_table_matches(&list, "c", "d"));
    assert_false(config_table_matches(&list, "b", "d"));
    assert_false(config_table_matches(&(struct config_list){NULL, 0}, "a", "b"));
}

static void says_what_is_wrong_with_a_pattern(void **state)
{
    (void)state;
    assert_null(config_pattern_problem("a.b"));
    assert_null(config_pattern_problem("\"a.\"\"b\".\"c\""));
    assert_string_equal(config_pattern_problem("orders"), "has no dot: a pattern is schema.table");
    assert_string_equal(config_pattern_problem(""), "has an empty part");
    assert_string_equal(config_pattern_problem("."), "has an empty part");
    assert_string_equal(config_pattern_problem("a."), "has an empty part");
    assert_string_equal(config_pattern_problem(".a"), "has an empty part");
    assert_string_equal(config_pattern_problem("a.\"\""), "has an empty part");
    assert_string_equal(config_pattern_problem("a.b.c"),
                        "has more than one dot: a name with a dot goes in double quotes");
    assert_string_equal(config_pattern_problem("a.\"b"), "has a quote that is not closed");
    assert_string_equal(config_pattern_problem("a.\"b\"\""), "has a quote that is not closed");
    assert_string_equal(config_pattern_problem("a.\""), "has a quote that is not closed");
    assert_string_equal(config_pattern_problem("\"a\"b.c"), "has text behind a quoted part");
    assert_string_equal(config_pattern_problem("a.\"b\"c"), "has text behind a quoted part");
    assert_string_equal(config_pattern_problem("a\"b\".c"), "has a quote inside an unquoted part");
}

static void matches_nothing_by_a_malformed_pattern(void **state)
{
    (void)state;
    assert_false(matches("a", "a", "a"));
    assert_false(matches("a.\"b", "a", "b"));
    assert_false(matches("", "", ""));
}

static void does_not_explode_over_many_stars(void **state)
{
    (void)state;
    char pattern[2100] = "a.";
    char name[2100] = "";
    for (int i = 0; i < 1000; i++)
        strcat(pattern, "*a");
    strcat(pattern, "b");
    memset(name, 'a', 2000);
    assert_false(matches(pattern, "a", name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_plain_names),
        cmocka_unit_test(matches_any_characters_by_a_star),
        cmocka_unit_test(matches_one_character_by_a_question_mark),
        cmocka_unit_test(counts_characters_and_not_bytes),
        cmocka_unit_test(takes_quoted_parts_literally),
        cmocka_unit_test(matches_if_any_pattern_does),
        cmocka_unit_test(says_what_is_wrong_with_a_pattern),
        cmocka_unit_test(matches_nothing_by_a_malformed_pattern),
        cmocka_unit_test(does_not_explode_over_many_stars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
