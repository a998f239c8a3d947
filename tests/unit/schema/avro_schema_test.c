/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of Avro schemas: what it understands, and all that it must refuse. */
#include "schema/avro_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static const struct avro_schema *parse(const char *text)
{
    struct error err;
    error_clear(&err);
    const struct avro_schema *schema = avro_schema_parse(bytes_of(text), arena, &err);
    if (!schema)
        fail_msg("%s", err.message);
    return schema;
}

static void assert_refused(const char *text, const char *why)
{
    struct error err;
    error_clear(&err);
    if (avro_schema_parse(bytes_of(text), arena, &err))
        fail_msg("taken: %.200s", text);
    assert_int_equal(err.kind, ERROR_DATA);
    if (!strstr(err.message, why))
        fail_msg("\"%s\" instead of \"%s\"", err.message, why);
}

static void every_type_is_understood(void **state)
{
    (void)state;
    const struct avro_schema *record = parse(
        "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a.b\",\"fields\":["
        "{\"name\":\"n\",\"type\":\"null\"},"
        "{\"name\":\"i\",\"type\":{\"type\":\"int\",\"connect.type\":\"int16\"}},"
        "{\"name\":\"d\",\"type\":{\"type\":\"bytes\",\"scale\":2,\"precision\":12,"
        "\"logicalType\":\"decimal\",\"connect.name\":\"D\"}},"
        "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}},"
        "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"c.F\",\"size\":16}},"
        "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"E\"}},"
        "{\"name\":\"a\",\"type\":[\"null\",{\"type\":\"array\",\"items\":\"c.F\"}]}]}");
    assert_int_equal(record->type, AVRO_TYPE_RECORD);
    assert_string_equal(record->name, "a.b.R");
    assert_int_equal(record->count, 7);
    assert_int_equal(avro_schema_find(record, "d"), 2);
    assert_int_equal(avro_schema_find(record, "x"), -1);
    assert_string_equal(record->fields[1].schema->connect_type, "int16");
    assert_int_equal(record->fields[2].schema->scale, 2);
    assert_int_equal(record->fields[2].schema->precision, 12);
    assert_string_equal(record->fields[2].schema->connect_name, "D");
    assert_string_equal(record->fields[3].schema->name, "a.b.E");
    assert_string_equal(record->fields[3].schema->symbols[1], "B");
    assert_int_equal(record->fields[4].schema->size, 16);
    assert_string_equal(record->fields[4].schema->name, "c.F");
    assert_ptr_equal(record->fields[5].schema->branches[0], record->fields[3].schema);
    assert_int_equal(record->fields[6].schema->count, 2);
    assert_ptr_equal(record->fields[6].schema->branches[1]->branches[0], record->fields[4].schema);
}

static void a_name_alone_is_a_schema(void **state)
{
    (void)state;
    assert_int_equal(parse("\"long\"")->type, AVRO_TYPE_LONG);
    assert_int_equal(parse("{\"type\":\"string\"}")->type, AVRO_TYPE_STRING);
}

static void what_is_no_schema_is_refused(void **state)
{
    (void)state;
    assert_refused("", "not JSON");
    assert_refused("{", "not JSON");
    assert_refused("7", "neither name");
    assert_refused("{}", "neither name");
    assert_refused("\"unknown\"", "unknown name");
    assert_refused("{\"type\":\"record\",\"name\":\"R\"}", "without fields");
    assert_refused("{\"type\":\"record\",\"fields\":[]}", "name that Avro forbids");
    assert_refused("{\"type\":\"int\",\"type\":\"long\"}", "not JSON");
    assert_refused("{\"type\":\"array\"}", "neither name");
    assert_refused("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[]}", "without symbols");
    assert_refused("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"1\"]}", "symbol");
    assert_refused("{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}", "size");
    assert_refused("{\"type\":\"fixed\",\"name\":\"F\",\"size\":99999999999}", "size");
    assert_refused("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"scale\":-1}", "decimal");
}

static void unions_that_avro_forbids_are_refused(void **state)
{
    (void)state;
    assert_refused("[]", "union of nothing");
    assert_refused("[\"null\",\"null\"]", "two branches");
    assert_refused("[\"null\",[\"int\"]]", "union in a union");
    assert_refused("[{\"type\":\"map\",\"values\":\"int\"},{\"type\":\"map\",\"values\":\"long\"}]",
                   "two branches");
}

static void names_that_avro_forbids_are_refused(void **state)
{
    (void)state;
    assert_refused("{\"type\":\"record\",\"name\":\"1R\",\"fields\":[]}", "forbids");
    assert_refused("{\"type\":\"record\",\"name\":\"a..R\",\"fields\":[]}", "forbids");
    assert_refused("{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a b\",\"fields\":[]}",
                   "forbids");
    assert_refused("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a-b\","
                   "\"type\":\"int\"}]}",
                   "forbids");
    assert_refused("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\","
                   "\"type\":\"int\"},{\"name\":\"a\",\"type\":\"int\"}]}",
                   "field twice");
    assert_refused("[{\"type\":\"fixed\",\"name\":\"F\",\"size\":1},"
                   "{\"type\":\"fixed\",\"name\":\"F\",\"size\":1}]",
                   "defined twice");
}

static void recursion_is_refused(void **state)
{
    (void)state;
    assert_refused("{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"next\","
                   "\"type\":[\"null\",\"R\"]}]}",
                   "inside itself");
}

static void depth_is_limited(void **state)
{
    (void)state;
    char text[4096] = "";
    for (int i = 0; i < AVRO_MAX_DEPTH; i++)
        strcat(text, "{\"type\":\"array\",\"items\":");
    strcat(text, "\"int\"");
    for (int i = 0; i < AVRO_MAX_DEPTH; i++)
        strcat(text, "}");
    assert_refused(text, "nested too deeply");
    text[0] = '\0';
    for (int i = 0; i < 3000; i++)
        strcat(text, "[");
    assert_refused(text, "not JSON");
    text[0] = '\0';
    for (int i = 0; i < 200; i++)
        strcat(text, "{\"type\":");
    strcat(text, "\"int\"");
    for (int i = 0; i < 200; i++)
        strcat(text, "}");
    assert_refused(text, "nested too deeply");
}

/* Each record is two of the one before: without a limit, reading nothing would take for ever. */
static void records_that_double_are_refused(void **state)
{
    (void)state;
    char *text = calloc(1, 65536);
    strcpy(text, "[{\"type\":\"record\",\"name\":\"R0\",\"fields\":[]}");
    for (int i = 1; i < 30; i++)
        sprintf(text + strlen(text),
                ",{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"a\",\"type\":"
                "\"R%d\"},{\"name\":\"b\",\"type\":\"R%d\"}]}",
                i, i - 1, i - 1);
    strcat(text, "]");
    assert_refused(text, "too large");
    free(text);
}

static void the_number_of_fields_is_limited(void **state)
{
    (void)state;
    char *text = calloc(1, 1024 * 1024);
    char *at = text + sprintf(text, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[");
    for (int i = 0; i <= AVRO_MAX_FIELDS; i++)
        at += sprintf(at, "%s{\"name\":\"f%d\",\"type\":\"int\"}", i > 0 ? "," : "", i);
    strcpy(at, "]}");
    assert_refused(text, "too many fields");
    free(text);
}

static void too_long_a_text_is_refused(void **state)
{
    (void)state;
    char *text = malloc(AVRO_MAX_TEXT + 2);
    memset(text, ' ', AVRO_MAX_TEXT + 1);
    text[AVRO_MAX_TEXT + 1] = '\0';
    assert_refused(text, "longer than");
    free(text);
}

/* ---- fingerprints ---- */

static void fingerprints_ignore_insignificant_space_only(void **state)
{
    (void)state;
    struct error err;
    char first[65];
    char second[65];
    error_clear(&err);
    assert_true(
        avro_schema_fingerprint(bytes_of("{\"type\":\"int\",\"doc\":\"a  b\"}"), first, &err));
    assert_true(avro_schema_fingerprint(bytes_of(" {\n\t\"type\" : \"int\", \"doc\":\"a  b\" }\n"),
                                        second, &err));
    assert_string_equal(first, second);
    assert_true(
        avro_schema_fingerprint(bytes_of("{\"type\":\"int\",\"doc\":\"a b\"}"), second, &err));
    assert_string_not_equal(first, second);
    assert_true(
        avro_schema_fingerprint(bytes_of("{\"doc\":\"a  b\",\"type\":\"int\"}"), second, &err));
    assert_string_not_equal(first, second);
    assert_false(avro_schema_fingerprint(bytes_of("{"), second, &err));
    assert_int_equal(err.kind, ERROR_DATA);
}

/* sha256sum of the six bytes `"long"`. */
static void a_fingerprint_is_the_sha256_of_the_compact_text(void **state)
{
    (void)state;
    struct error err;
    char fingerprint[65];
    error_clear(&err);
    assert_true(avro_schema_fingerprint(bytes_of(" \"long\" "), fingerprint, &err));
    assert_string_equal(fingerprint,
                        "c32c497df6730c97fa07362aa5023f37d49a027ec452360778114cf427965add");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_type_is_understood),
        TEST(a_name_alone_is_a_schema),
        TEST(what_is_no_schema_is_refused),
        TEST(unions_that_avro_forbids_are_refused),
        TEST(names_that_avro_forbids_are_refused),
        TEST(recursion_is_refused),
        TEST(depth_is_limited),
        TEST(records_that_double_are_refused),
        TEST(the_number_of_fields_is_limited),
        TEST(too_long_a_text_is_refused),
        TEST(fingerprints_ignore_insignificant_space_only),
        TEST(a_fingerprint_is_the_sha256_of_the_compact_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
