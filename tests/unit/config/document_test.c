/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the YAML that is taken and refused. */
#include "config/document.h"
#include "tests/unit/config/config_support.h"

static struct error err;

static void remembers_where_everything_stands(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    const struct node *root =
        document_parse(bytes_of("a: x\nü: \"ö\"\nsection:\n  list: [1, ~]\n"), "f", arena, &err);
    assert_non_null(root);
    const struct node *second = root->first->next;
    assert_string_equal(second->key, "ü");
    assert_string_equal(second->text, "ö");
    assert_int_equal(second->at.line, 2);
    assert_int_equal(second->at.column, 4);
    const struct node *list = second->next->first;
    assert_int_equal(list->kind, NODE_LIST);
    assert_int_equal(list->key_at.line, 4);
    assert_int_equal(list->key_at.column, 3);
    assert_int_equal(list->first->next->kind, NODE_EMPTY);
    assert_int_equal(list->first->next->at.column, 13);
    arena_free(arena);
}

static void takes_a_byte_order_mark_and_windows_lines(void **state)
{
    (void)state;
    SCOPED_CONFIG config = parse("\xef\xbb\xbf" SMALLEST, NULL, &err);
    assert_non_null(config);
    SCOPED_CONFIG windows = parse("name: a\r\nsource: {url: postgres://h/d, tables: [a.b]}\r\n"
                                  "target:\r\n  url: postgres://h/e\r\n",
                                  NULL, &err);
    assert_non_null(windows);
    assert_string_equal(windows->target.url, "postgres://h/e");
}

static void names_the_place_of_a_syntax_error(void **state)
{
    (void)state;
    assert_refused("name: a\nsource:\n\turl: x\n",
                   "penstock.yml:3:1: this isn't YAML: while scanning for the next token, "
                   "found character that cannot start any token",
                   &err);
    assert_contains(err.remedy, "not tabs");
    assert_refused(
        "name: a: b\n",
        "penstock.yml:1:8: this isn't YAML: mapping values are not allowed in this context", &err);
    assert_contains(err.remedy, "quotes");
    assert_null(parse("name: [a\nb: c", NULL, &err));
    assert_contains(err.message,
                    "penstock.yml:2:2: this isn't YAML: while parsing a flow sequence");
    assert_null(parse("name: 'a\n", NULL, &err));
    assert_contains(err.message,
                    "penstock.yml:2:1: this isn't YAML: while scanning a quoted scalar");
}

static void names_the_place_of_a_control_character(void **state)
{
    (void)state;
    assert_null(parse("name: a\nb: \x01\n", NULL, &err));
    assert_string_equal(err.message,
                        "penstock.yml:2:4: this isn't YAML: control characters are not allowed");
}

static void says_that_a_star_needs_quotes(void **state)
{
    (void)state;
    assert_null(parse("source:\n  tables:\n    - *.*\n", NULL, &err));
    assert_contains(err.message, "penstock.yml:3:8: this isn't YAML: while scanning an alias");
    assert_contains(err.remedy, "in quotes: \"*.*\"");
}

static void refuses_aliases_anchors_and_tags(void **state)
{
    (void)state;
    assert_refused("name: &n a\n", "penstock.yml:1:7: anchors (&name) are not allowed", &err);
    assert_refused("a: 1\nname: *n\n", "penstock.yml:2:7: aliases (*name) are not allowed", &err);
    assert_refused("source: &s {url: x}\n", "penstock.yml:1:9: anchors (&name) are not allowed",
                   &err);
    assert_refused("name: !!str a\n", "penstock.yml:1:7: tags (!name) are not allowed", &err);
    assert_refused("&k name: a\n", "penstock.yml:1:1: anchors (&name) are not allowed", &err);
    assert_refused("*k : a\n", "penstock.yml:1:1: aliases (*name) are not allowed", &err);
    assert_refused("a: [&l [x]]\n", "penstock.yml:1:5: anchors (&name) are not allowed", &err);
    assert_refused("a: !t [x]\n", "penstock.yml:1:4: tags (!name) are not allowed", &err);
    assert_refused("a: !t {x: y}\n", "penstock.yml:1:4: tags (!name) are not allowed", &err);
}

static void refuses_several_documents(void **state)
{
    (void)state;
    assert_refused("name: a\n---\nname: b\n", "penstock.yml:2:1: a second document begins here",
                   &err);
}

static void refuses_what_is_not_a_section_at_the_top(void **state)
{
    (void)state;
    const char *message = "penstock.yml:1:1: the file must consist of \"key: value\" lines";
    assert_refused("- a\n", message, &err);
    assert_refused("postgres://a:hunter2@h/d\n", message, &err);
    assert_lacks(err.remedy, "hunter2");
}

static void refuses_keys_that_are_no_words(void **state)
{
    (void)state;
    assert_refused("name: a\n? [x]\n: y\n", "penstock.yml:2:3: a key must be a plain word", &err);
    assert_refused("{{a: b}: c}\n", "penstock.yml:1:2: a key must be a plain word", &err);
}

static void refuses_deep_nesting(void **state)
{
    (void)state;
    assert_refused("a: [[[[[[[[[[x]]]]]]]]]]\n",
                   "penstock.yml:1:12: sections and lists are nested too deeply", &err);
    char *deep = calloc(100001, 1);
    memset(deep, '[', 100000);
    assert_null(parse(deep, NULL, &err));
    assert_contains(err.message, "penstock.yml:1:");
    free(deep);
}

static void refuses_more_values_than_a_configuration_can_need(void **state)
{
    (void)state;
    size_t count = 30000;
    char *text = calloc(count * 4 + 1, 1);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * 4, "- a\n", 4);
    assert_refused(text, "penstock.yml:20000:3: the file has more than 20000 values", &err);
    free(text);
}

static void refuses_text_that_is_not_utf_8(void **state)
{
    (void)state;
    assert_refused("name: a\nb: ü\xff\n", "penstock.yml:2:5: the text is not UTF-8", &err);
    assert_refused("a: \xc3", "penstock.yml:1:4: the text is not UTF-8", &err);
    assert_refused("\xff\xfen\xff", "penstock.yml:1:1: the text is not UTF-8", &err);
}

static void refuses_a_nul(void **state)
{
    (void)state;
    struct bytes text = {(const uint8_t *)"name: a\nb\0c: d\n", 15};
    assert_null(config_parse(text, "penstock.yml", NULL, RUN, &err));
    assert_string_equal(err.message, "penstock.yml:2:2: there is a NUL byte");
    assert_refused("name: \"a\\0b\"\n", "penstock.yml:1:7: a value contains a NUL character", &err);
}

static void takes_an_empty_text_without_an_address(void **state)
{
    (void)state;
    assert_null(config_parse((struct bytes){NULL, 0}, "penstock.yml", NULL, RUN, &err));
    assert_string_equal(err.message, "penstock.yml:1:1: name is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembers_where_everything_stands),
        cmocka_unit_test(takes_a_byte_order_mark_and_windows_lines),
        cmocka_unit_test(names_the_place_of_a_syntax_error),
        cmocka_unit_test(names_the_place_of_a_control_character),
        cmocka_unit_test(says_that_a_star_needs_quotes),
        cmocka_unit_test(refuses_aliases_anchors_and_tags),
        cmocka_unit_test(refuses_several_documents),
        cmocka_unit_test(refuses_what_is_not_a_section_at_the_top),
        cmocka_unit_test(refuses_keys_that_are_no_words),
        cmocka_unit_test(refuses_deep_nesting),
        cmocka_unit_test(refuses_more_values_than_a_configuration_can_need),
        cmocka_unit_test(refuses_text_that_is_not_utf_8),
        cmocka_unit_test(refuses_a_nul),
        cmocka_unit_test(takes_an_empty_text_without_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
