/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what is said about missing settings. */
#include "tests/unit/config/config_support.h"

static struct error err;

static void asks_for_a_missing_setting_at_the_top(void **state)
{
    (void)state;
    const char *remedy = assert_refused("", "penstock.yml:1:1: name is missing", &err);
    assert_string_equal(remedy, "add the line \"name: shop\", or set PENSTOCK_NAME");
    assert_refused("# nothing\n---\n", "penstock.yml:3:1: name is missing", &err);
}

static void asks_for_a_missing_section(void **state)
{
    (void)state;
    const char *remedy =
        assert_refused("name: a\n", "penstock.yml:1:1: source.url is missing", &err);
    assert_string_equal(remedy, "add \"source:\" and below it "
                                "\"  url: postgres://penstock@db1.example.com/shop\", "
                                "or set PENSTOCK_SOURCE_URL");
}

static void asks_for_a_missing_setting_in_a_section_that_is_there(void **state)
{
    (void)state;
    const char *remedy = assert_refused("name: a\n\nsource:\n  url: postgres://h/d\n",
                                        "penstock.yml:3:1: source.tables is missing", &err);
    assert_string_equal(remedy, "add below line 3: \"  tables: [\"public.*\"]\", "
                                "or set PENSTOCK_SOURCE_TABLES");
}

static void takes_a_required_setting_from_the_environment(void **state)
{
    (void)state;
    SCOPED_CONFIG config =
        parse_with_environment("name: a\nsource: {url: postgres://h/d, tables: [a.b]}\n",
                               ENVIRONMENT("PENSTOCK_TARGET_URL=postgres://t/d"), &err);
    assert_non_null(config);
    assert_string_equal(config->target.url, "postgres://t/d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_a_missing_setting_at_the_top),
        cmocka_unit_test(asks_for_a_missing_section),
        cmocka_unit_test(asks_for_a_missing_setting_in_a_section_that_is_there),
        cmocka_unit_test(takes_a_required_setting_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
