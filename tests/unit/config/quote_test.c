/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of text in messages. */
#include "config/quote.h"
#include "tests/unit/config/config_support.h"

static char out[QUOTE_SIZE];

static void quotes_values(void **state)
{
    (void)state;
    assert_string_equal(quote_value("größe", out), "\"größe\"");
    assert_string_equal(quote_value("", out), "\"\"");
}

static void replaces_control_characters(void **state)
{
    (void)state;
    assert_string_equal(quote_value("a\nb\x1b[31m\x7f", out), "\"a?b?[31m?\"");
}

static void cuts_long_values_between_characters(void **state)
{
    (void)state;
    char text[200] = "x";
    for (int i = 0; i < 60; i++)
        strcat(text, "ü");
    quote_value(text, out);
    assert_true(bytes_are_utf8(bytes_of(out)));
    assert_int_equal(strlen(out), 59 + strlen("\"…\""));
}

static void hides_what_may_hold_a_password(void **state)
{
    (void)state;
    assert_string_equal(quote_value("postgres://a:b@c", out), "\"***\"");
    assert_string_equal(quote_value("host=x PassWord=y", out), "\"***\"");
}

static void quotes_keys_that_look_like_keys(void **state)
{
    (void)state;
    assert_string_equal(quote_key("source.urls-2", out), "\"source.urls-2\"");
    assert_string_equal(quote_key("url=x", out), "");
    assert_string_equal(quote_key("", out), "");
    assert_string_equal(quote_key("a\n", out), "");
    assert_string_equal(
        quote_key("a234567890123456789012345678901234567890123456789012345678901234", out), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_values),
        cmocka_unit_test(replaces_control_characters),
        cmocka_unit_test(cuts_long_values_between_characters),
        cmocka_unit_test(hides_what_may_hold_a_password),
        cmocka_unit_test(quotes_keys_that_look_like_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
