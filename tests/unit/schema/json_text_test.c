/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the reading of JSON that came from outside. */
#include "schema/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct error err;

static struct bytes view(const char *text)
{
    return (struct bytes){.data = (const uint8_t *)text, .size = strlen(text)};
}

static void assert_compact(const char *text, const char *expected)
{
    SCOPED_BUFFER out;
    byte_buffer_init(&out, 1024);
    json_text_compact(view(text), &out);
    assert_string_equal(byte_buffer_text(&out), expected);
}

static void white_space_is_significant_in_strings_only(void **state)
{
    (void)state;
    assert_compact(" {\t\"a b\" :\r\n[ 1 , 2 ] }\n", "{\"a b\":[1,2]}");
    assert_compact("\" \\\" \" : x", "\" \\\" \":x");
    assert_compact("\" \\\\\" : x", "\" \\\\\":x");
    assert_compact("", "");
}

static void reads_up_to_its_depth(void **state)
{
    (void)state;
    char text[2 * JSON_TEXT_MAX_DEPTH + 3];
    for (int depth = JSON_TEXT_MAX_DEPTH; depth <= JSON_TEXT_MAX_DEPTH + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = '\0';
        json_auto_t *value = json_text_read(view(text), &err);
        assert_int_equal(value != NULL, depth == JSON_TEXT_MAX_DEPTH);
    }
    assert_int_equal(err.kind, ERROR_DATA);
}

static void brackets_in_strings_are_no_levels(void **state)
{
    (void)state;
    char text[103] = {0};
    memset(text, '[', sizeof(text) - 1);
    text[0] = text[sizeof(text) - 2] = '"';
    json_auto_t *value = json_text_read(view(text), &err);
    assert_non_null(value);
}

static void refuses_what_is_no_json(void **state)
{
    (void)state;
    static const char *const texts[] = {"",         "{",       "{} {}", "{\"a\":1,\"a\":2}",
                                        "\"\xff\"", "[1e999]", "nul",   "[\"\\u0000\"]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_null(json_text_read(view(texts[i]), &err));
        assert_int_equal(err.kind, ERROR_DATA);
    }
    assert_null(json_text_read((struct bytes){0}, &err));
}

static void gives_strings_only(void **state)
{
    (void)state;
    json_auto_t *value = json_text_read(view("{\"a\":\"x\",\"b\":1}"), &err);
    assert_int_equal(json_text_string(value, "a").size, 1);
    assert_null(json_text_string(value, "b").data);
    assert_null(json_text_string(value, "c").data);
    assert_null(json_text_string(NULL, "c").data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_is_significant_in_strings_only),
        cmocka_unit_test(reads_up_to_its_depth),
        cmocka_unit_test(brackets_in_strings_are_no_levels),
        cmocka_unit_test(refuses_what_is_no_json),
        cmocka_unit_test(gives_strings_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
