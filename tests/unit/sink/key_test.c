/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of keys in comparable form. */
#include "sink/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct value text_value(const char *text)
{
    return (struct value){
        .kind = VALUE_TEXT, .data = (const uint8_t *)text, .size = (uint32_t)strlen(text)};
}

static bool are_equal(enum key_form form, const char *left, const char *right)
{
    struct byte_buffer keys[2];
    const struct value values[2] = {text_value(left), text_value(right)};
    for (int i = 0; i < 2; i++) {
        byte_buffer_init(&keys[i], 1024);
        assert_true(key_write(&keys[i], form, &values[i]));
    }
    bool is_equal = bytes_equal((struct bytes){keys[0].data, keys[0].size},
                                (struct bytes){keys[1].data, keys[1].size});
    byte_buffer_release(&keys[0]);
    byte_buffer_release(&keys[1]);
    return is_equal;
}

static void texts_are_equal_byte_by_byte(void **state)
{
    (void)state;
    assert_true(are_equal(KEY_FORM_BYTES, "abc", "abc"));
    assert_true(are_equal(KEY_FORM_BYTES, "", ""));
    assert_false(are_equal(KEY_FORM_BYTES, "abc", "abC"));
    assert_false(are_equal(KEY_FORM_BYTES, "1.0", "1"));
    assert_false(are_equal(KEY_FORM_BYTES, "-0", "0"));
    assert_false(are_equal(KEY_FORM_BYTES, "a", "a "));
}

static void numerics_are_equal_whatever_their_scale(void **state)
{
    (void)state;
    static const char *const equal[][2] = {
        {"1.0", "1.00"},   {"1", "1.0"},         {"0", "0.000"},      {"-1.50", "-1.5"},
        {"0.0", "-0.0"},   {"100", "100.0"},     {"NaN", "NaN"},      {"Infinity", "Infinity"},
        {"0.10", "0.100"}, {"120.0", "120.000"}, {"12.500", "12.50"},
    };
    static const char *const different[][2] = {
        {"1", "10"},     {"100", "1"},        {"0.1", "0.01"},           {"1", "-1"},
        {"1.01", "1.1"}, {"NaN", "Infinity"}, {"Infinity", "-Infinity"}, {"120", "12"},
    };
    for (size_t i = 0; i < sizeof(equal) / sizeof(equal[0]); i++)
        assert_true(are_equal(KEY_FORM_NUMERIC, equal[i][0], equal[i][1]));
    for (size_t i = 0; i < sizeof(different) / sizeof(different[0]); i++)
        assert_false(are_equal(KEY_FORM_NUMERIC, different[i][0], different[i][1]));
}

static void a_float_has_one_zero(void **state)
{
    (void)state;
    assert_true(are_equal(KEY_FORM_FLOAT, "-0", "0"));
    assert_true(are_equal(KEY_FORM_FLOAT, "1.5", "1.5"));
    assert_false(are_equal(KEY_FORM_FLOAT, "-1", "1"));
    assert_false(are_equal(KEY_FORM_FLOAT, "-0.5", "0.5"));
    assert_false(are_equal(KEY_FORM_FLOAT, "NaN", "0"));
}

static void what_has_no_comparable_form_is_refused(void **state)
{
    (void)state;
    SCOPED_BUFFER key;
    byte_buffer_init(&key, 1024);
    static const enum value_kind kinds[] = {VALUE_NULL, VALUE_UNCHANGED, VALUE_BINARY};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct value value = {.kind = kinds[i], .data = (const uint8_t *)"1", .size = 1};
        assert_false(key_write(&key, KEY_FORM_BYTES, &value));
    }
    struct value value = text_value("1");
    assert_false(key_write(&key, KEY_FORM_UNKNOWN, &value));
    assert_int_equal(key.size, 0);
}

static void a_key_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    SCOPED_BUFFER key;
    byte_buffer_init(&key, 6);
    struct value value = text_value("abc");
    assert_false(key_write(&key, KEY_FORM_BYTES, &value));
}

static void columns_keep_their_borders(void **state)
{
    (void)state;
    SCOPED_BUFFER one;
    SCOPED_BUFFER other;
    byte_buffer_init(&one, 1024);
    byte_buffer_init(&other, 1024);
    struct value values[] = {text_value("a"), text_value("bc"), text_value("ab"), text_value("c")};
    assert_true(key_write(&one, KEY_FORM_BYTES, &values[0]));
    assert_true(key_write(&one, KEY_FORM_BYTES, &values[1]));
    assert_true(key_write(&other, KEY_FORM_BYTES, &values[2]));
    assert_true(key_write(&other, KEY_FORM_BYTES, &values[3]));
    assert_false(
        bytes_equal((struct bytes){one.data, one.size}, (struct bytes){other.data, other.size}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_equal_byte_by_byte),
        cmocka_unit_test(numerics_are_equal_whatever_their_scale),
        cmocka_unit_test(a_float_has_one_zero),
        cmocka_unit_test(what_has_no_comparable_form_is_refused),
        cmocka_unit_test(a_key_that_does_not_fit_is_refused),
        cmocka_unit_test(columns_keep_their_borders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
