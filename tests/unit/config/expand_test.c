/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of environment variables in values. */
#include "config/expand.h"
#include "tests/unit/config/config_support.h"

static struct error err;
static const char *const environment[] = {"AB=other", "A=x", "EMPTY=", "URL=a${A}b", NULL};

static void assert_expands(const char *text, const char *expected)
{
    SCOPED_BUFFER out;
    byte_buffer_init(&out, 1000);
    assert_true(expand(text, environment, &out, &err));
    assert_string_equal(byte_buffer_text(&out), expected);
}

static void assert_not_expanded(const char *text, const char *message)
{
    SCOPED_BUFFER out;
    byte_buffer_init(&out, 1000);
    assert_false(expand(text, environment, &out, &err));
    assert_string_equal(err.message, message);
    assert_int_equal(err.kind, ERROR_CONFIG);
}

static void assert_literal(const char *text, const char *expected)
{
    SCOPED_BUFFER out;
    byte_buffer_init(&out, 1000);
    expand_literally(text, &out);
    assert_string_equal(byte_buffer_text(&out), expected);
}

static void replaces_variables(void **state)
{
    (void)state;
    assert_expands("1${A}2${AB}3", "1x2other3");
    assert_expands("${EMPTY}", "");
    assert_expands("", "");
}

static void takes_the_default_of_what_is_unset_or_empty(void **state)
{
    (void)state;
    assert_expands("${NONE:-d e}/${EMPTY:-f}/${A:-g}/${NONE:-}", "d e/f/x/");
}

static void takes_what_is_no_reference_as_it_is(void **state)
{
    (void)state;
    assert_expands("$A $ pa$word {A} }$", "$A $ pa$word {A} }$");
    assert_expands("$${A} $$${A}", "${A} $${A}");
}

static void does_not_expand_twice(void **state)
{
    (void)state;
    assert_expands("${URL}", "a${A}b");
}

static void refuses_a_missing_variable(void **state)
{
    (void)state;
    assert_not_expanded("a${NONE}", "the environment variable NONE is not set");
}

static void refuses_what_only_begins_like_a_reference(void **state)
{
    (void)state;
    static const char *const bad[] = {"${",      "${A",    "${}",    "${1}", "${A B}",
                                      "${A:=x}", "${A-x}", "${A:-x", "${ü}", "${A:}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_not_expanded(bad[i], "\"${\" begins no reference to an environment variable");
    char name[300] = "${";
    memset(name + 2, 'A', 200);
    strcat(name, "}");
    assert_not_expanded(name, "\"${\" begins no reference to an environment variable");
}

static void tells_the_text_of_the_file_from_that_of_variables(void **state)
{
    (void)state;
    assert_literal("a:${A}@${NONE:-d}", "a:\x01@d");
    assert_literal("a${", "a");
}

static void finds_whole_names_only(void **state)
{
    (void)state;
    assert_string_equal(environment_find(environment, "A"), "x");
    assert_null(environment_find(environment, "B"));
    assert_null(environment_find(NULL, "A"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_variables),
        cmocka_unit_test(takes_the_default_of_what_is_unset_or_empty),
        cmocka_unit_test(takes_what_is_no_reference_as_it_is),
        cmocka_unit_test(does_not_expand_twice),
        cmocka_unit_test(refuses_a_missing_variable),
        cmocka_unit_test(refuses_what_only_begins_like_a_reference),
        cmocka_unit_test(tells_the_text_of_the_file_from_that_of_variables),
        cmocka_unit_test(finds_whole_names_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
