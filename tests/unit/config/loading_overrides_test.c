/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the environment and --set. */
#include "tests/unit/config/config_support.h"

static struct error err;

static void assert_set_refused(const char *set, const char *message)
{
    assert_null(parse_with_set(SMALLEST, set, &err));
    assert_string_equal(err.message, message);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_string_not_equal(err.remedy, "");
}

static void takes_the_last_of_several_sets(void **state)
{
    (void)state;
    const char *const sets[] = {"log.level=debug", "log.level=error"};
    SCOPED_CONFIG config =
        parse(SMALLEST, &(struct config_overrides){.sets = sets, .set_count = 2}, &err);
    assert_int_equal(config->log.level, LOG_ERROR);
}

static void takes_lists_separated_by_commas(void **state)
{
    (void)state;
    SCOPED_CONFIG config = parse_with_set(SMALLEST, "source.tables=a.b, c.\"d,e\" ,f.*", &err);
    assert_non_null(config);
    assert_int_equal(config->source.tables.count, 3);
    assert_string_equal(config->source.tables.items[0], "a.b");
    assert_string_equal(config->source.tables.items[1], "c.\"d,e\"");
    assert_string_equal(config->source.tables.items[2], "f.*");
}

static void empties_a_list_by_set(void **state)
{
    (void)state;
    SCOPED_CONFIG config =
        parse_with_set("name: a\nsource: {url: postgres://h/d, tables: [a.b], exclude: [a.c]}\n"
                       "target: {url: postgres://h/e}\n",
                       "source.exclude=", &err);
    assert_non_null(config);
    assert_int_equal(config->source.exclude.count, 0);
    assert_set_refused("source.tables=", "--set: source.tables is empty");
}

static void names_the_variable_or_argument_of_a_wrong_value(void **state)
{
    (void)state;
    assert_null(parse_with_environment(SMALLEST, ENVIRONMENT("PENSTOCK_COPY_UNIT_ROWS=x"), &err));
    assert_string_equal(err.message,
                        "PENSTOCK_COPY_UNIT_ROWS: copy.unit_rows must be 1 to 10000, not \"x\"");
    assert_set_refused("copy.unit_rows=0", "--set: copy.unit_rows must be 1 to 10000, not \"0\"");
    assert_set_refused("name=", "--set: name is empty");
    assert_set_refused("name=\xff", "--set: name is not UTF-8");
}

static void takes_an_empty_variable_as_unset(void **state)
{
    (void)state;
    SCOPED_CONFIG config =
        parse_with_environment(SMALLEST, ENVIRONMENT("PENSTOCK_SOURCE_PASSWORD_FILE="), &err);
    assert_non_null(config);
    assert_null(config->source.password_file);
}

static void leaves_other_variables_alone(void **state)
{
    (void)state;
    SCOPED_CONFIG config = parse_with_environment(
        SMALLEST, ENVIRONMENT("PENSTOCK_PORT=tcp://10.0.0.1:80", "PENSTOCK_KAFKAS=1", "X"), &err);
    assert_non_null(config);
}

static void does_not_expand_variables(void **state)
{
    (void)state;
    SCOPED_CONFIG config =
        parse_with_environment(SMALLEST, ENVIRONMENT("PENSTOCK_SOURCE_PASSWORD_FILE=${X}"), &err);
    assert_non_null(config);
    assert_string_equal(config->source.password_file, "${X}");
}

static void suggests_the_key_that_was_meant(void **state)
{
    (void)state;
    assert_set_refused("source.ulr=x",
                       "--set: unknown key \"source.ulr\" — did you mean \"source.url\"?");
    assert_set_refused("tables=a.b",
                       "--set: unknown key \"tables\" — did you mean \"source.tables\"?");
    assert_set_refused("nothing.like.this=x", "--set: unknown key \"nothing.like.this\"");
    assert_set_refused("log", "--set needs key=value");
    assert_set_refused("=x", "--set: unknown key");
    assert_set_refused("kafak.linger.ms=x", "--set: unknown key \"kafak.linger.ms\"");
}

static void refuses_a_password_on_the_command_line(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "source.url=postgres://a:hunter2@h/d",
        "source.url=postgres://h/d?password=hunter2",
        "source.url=host=h password='hunter2'",
    };
    for (size_t i = 0; i < 3; i++) {
        assert_set_refused(sets[i], "--set source.url: a password on the command line can be read "
                                    "by every user");
        assert_string_equal(err.remedy, "change that password, then use source.password_file, "
                                        "PGPASSFILE or the environment variable "
                                        "PENSTOCK_SOURCE_URL");
    }
}

static void never_shows_a_password_in_a_mistyped_set(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "source.ulr=postgres://a:hunter2@h/d",    "postgres://a:hunter2@h/d",
        "postgres://a:hunter2@h/d?x=y",           "name=postgres://a:hunter2@h/d",
        "source.url=mysql://a:hunter2@h/d",       "source.url=password hunter2",
        "source.tables=postgres://a:hunter2@h/d",
    };
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        assert_null(parse_with_set(SMALLEST, sets[i], &err));
        assert_lacks(err.message, "hunter2");
        assert_lacks(err.remedy, "hunter2");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_last_of_several_sets),
        cmocka_unit_test(takes_lists_separated_by_commas),
        cmocka_unit_test(empties_a_list_by_set),
        cmocka_unit_test(names_the_variable_or_argument_of_a_wrong_value),
        cmocka_unit_test(takes_an_empty_variable_as_unset),
        cmocka_unit_test(leaves_other_variables_alone),
        cmocka_unit_test(does_not_expand_variables),
        cmocka_unit_test(suggests_the_key_that_was_meant),
        cmocka_unit_test(refuses_a_password_on_the_command_line),
        cmocka_unit_test(never_shows_a_password_in_a_mistyped_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
