/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder with messages and schemas of others: older, newer, cut off, hostile. */
#include "schema/decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/avro_bytes.h"
#include "tests/support/avro_round.h"
#include "tests/support/hex_file.h"
#include "tests/support/things.h"

enum { MAGIC_SIZE = 5, SCHEMA_SIZE = 4096 };

static struct arena *arena;
static struct byte_buffer texts;
static struct change_values values;
static struct error err;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(4096);
    byte_buffer_init(&texts, SIZE_MAX);
    error_clear(&err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    byte_buffer_release(&texts);
    return 0;
}

/* An envelope whose row has one field `v`, of this type. */
static const struct avro_schema *envelope_of(const char *type)
{
    char text[SCHEMA_SIZE];
    int size = snprintf(
        text, sizeof(text),
        "{\"type\":\"record\",\"name\":\"Envelope\",\"fields\":[{\"name\":\"before\",\"type\":["
        "\"null\",{\"type\":\"record\",\"name\":\"Value\",\"fields\":[{\"name\":\"v\",\"type\":%s}"
        "]}]},{\"name\":\"after\",\"type\":[\"null\",\"Value\"]},{\"name\":\"source\",\"type\":{"
        "\"type\":\"record\",\"name\":\"Source\",\"fields\":[{\"name\":\"ts_ms\",\"type\":\"long\""
        "}]}},{\"name\":\"op\",\"type\":\"string\"}]}",
        type);
    const struct avro_schema *schema =
        avro_schema_parse((struct bytes){(uint8_t *)text, (size_t)size}, arena, &err);
    if (!schema)
        fail_msg("%s", err.message);
    return schema;
}

/* The bytes of a create with these bytes as its row, in memory of exactly their size. */
static struct bytes create_of(const char *row, size_t size)
{
    uint8_t *bytes = malloc(size + 5);
    memcpy(bytes, "\x00\x02", 2);
    memcpy(bytes + 2, row, size);
    memcpy(bytes + 2 + size,
           "\x00\x02"
           "c",
           3);
    return (struct bytes){bytes, size + 5};
}

static bool read_bytes_of(struct decoder *decoder, struct bytes body, struct change *change)
{
    struct decoded_event event;
    return decoder_read(decoder, body, false, &texts, &values, change, &event, &err);
}

/* What a column of `oid` makes of the row's bytes; NULL as the text: nothing, for the types don't fit. */
static void assert_becomes(const char *type, const char *row, size_t size, uint32_t oid,
                           int32_t modifier, const char *text)
{
    const struct table *table = one_column_table(arena, oid, modifier, false);
    struct decoder *decoder = decoder_new(envelope_of(type), table, &err);
    if (!text) {
        assert_null(decoder);
        assert_int_equal(err.kind, ERROR_DATA);
        assert_non_null(strstr(err.message, "column v"));
        return;
    }
    if (!decoder)
        fail_msg("%s", err.message);
    struct change change;
    struct bytes body = create_of(row, size);
    assert_true(read_bytes_of(decoder, body, &change));
    assert_int_equal(change.kind, CHANGE_INSERT);
    assert_int_equal(change.new_tuple.values[0].size, strlen(text));
    assert_memory_equal(change.new_tuple.values[0].data, text, strlen(text));
    free((void *)(uintptr_t)body.data);
    decoder_free(decoder);
}

#define DECIMAL(scale)                                                                             \
    "{\"type\":\"bytes\",\"scale\":" #scale ",\"precision\":9,\"logicalType\":\"decimal\","        \
    "\"connect.name\":\"org.apache.kafka.connect.data.Decimal\"}"
#define INT16        "{\"type\":\"int\",\"connect.type\":\"int16\"}"
#define MS           "{\"type\":\"long\",\"connect.name\":\"io.debezium.time.Timestamp\"}"
#define US           "{\"type\":\"long\",\"connect.name\":\"io.debezium.time.MicroTimestamp\"}"
#define NUMERIC_12_2 ((12 << 16 | 2) + 4)

static void narrower_types_become_wider_ones(void **state)
{
    (void)state;
    assert_becomes(INT16, "\x0d", 1, 20, -1, "-7");
    assert_becomes("\"int\"", "\x0e", 1, 20, -1, "7");
    assert_becomes("\"long\"", "\x0e", 1, 1700, -1, "7");
    assert_becomes("\"int\"", "\x0e", 1, 1700, NUMERIC_12_2, "7");
    assert_becomes("\"float\"", "\x00\x00\x00\x3f", 4, 701, -1, "0.5");
    assert_becomes(DECIMAL(1), "\x02\x0f", 2, 1700, NUMERIC_12_2, "1.5");
    assert_becomes(DECIMAL(2), "\x02\x0f", 2, 1700, -1, "0.15");
    assert_becomes(MS, "\x02", 1, 1114, -1, "1970-01-01 00:00:00.001");
    assert_becomes("\"int\"", "\x0e", 1, 25, -1, "7");
    assert_becomes("{\"type\":\"string\",\"connect.name\":\"io.debezium.data.Xml\"}", "\x02x", 2,
                   25, -1, "x");
    assert_becomes("[\"string\",\"null\"]", "\x00\x02x", 3, 2950, -1, "x");
}

static void types_that_would_lose_something_are_refused(void **state)
{
    (void)state;
    assert_becomes("\"long\"", "", 0, 23, -1, NULL);
    assert_becomes("\"double\"", "", 0, 700, -1, NULL);
    assert_becomes(DECIMAL(3), "", 0, 1700, NUMERIC_12_2, NULL);
    assert_becomes(DECIMAL(99999), "", 0, 25, -1, NULL);
    assert_becomes(US, "", 0, 1114, 3, NULL);
    assert_becomes("\"string\"", "", 0, 23, -1, NULL);
    assert_becomes("\"bytes\"", "", 0, 1114, -1, NULL);
    assert_becomes("[\"null\",\"int\",\"long\"]", "", 0, 20, -1, NULL);
    assert_becomes("{\"type\":\"int\",\"connect.name\":\"io.debezium.time.Year\"}", "", 0, 23, -1,
                   NULL);
    assert_becomes("{\"type\":\"array\",\"items\":\"string\"}", "", 0, 25, -1, NULL);
}

/* ---- malformed messages ---- */

static void assert_malformed(const char *type, uint32_t oid, const char *row, size_t size)
{
    struct decoder *decoder =
        decoder_new(envelope_of(type), one_column_table(arena, oid, -1, false), &err);
    if (!decoder)
        fail_msg("%s", err.message);
    struct change change;
    struct bytes body = create_of(row, size);
    assert_false(read_bytes_of(decoder, body, &change));
    assert_int_equal(err.kind, ERROR_DATA);
    free((void *)(uintptr_t)body.data);
    decoder_free(decoder);
}

static void malformed_values_are_refused(void **state)
{
    (void)state;
    assert_malformed("\"boolean\"", 16, "\x02", 1);
    assert_malformed("\"int\"", 23, "\x80\x80\x80\x80\x10", 5);
    assert_malformed("\"long\"", 20, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11);
    assert_malformed("\"long\"", 20, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    assert_malformed("\"long\"", 20, "\x8e\x00", 2);
    assert_malformed("\"string\"", 25, "\x01", 1);
    assert_malformed("\"string\"", 25, "\x7ex", 2);
    assert_malformed("\"string\"", 25,
                     "\x06"
                     "a\0b",
                     4);
    assert_malformed("\"string\"", 25, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    assert_malformed("[\"null\",\"int\"]", 23, "\x04", 1);
    assert_malformed("[\"null\",\"int\"]", 23, "\x01", 1);
    assert_malformed("[\"null\",\"int\"]", 23, "\x82\x00\x02", 3);
    assert_malformed(DECIMAL(2), 1700, "\x00", 1);
    assert_malformed("{\"type\":\"long\",\"connect.name\":\"io.debezium.time.MicroTime\"}", 1083,
                     "\x01", 1);
}

/* Every message that is cut off anywhere, or has a byte too many, is refused; in memory of exactly its size. */
static void every_cut_is_refused(void **state)
{
    (void)state;
    size_t size = 0;
    struct change change;
    uint8_t *whole = hex_file_read("tests/data/avro/update_full.hex", &size);
    assert_non_null(whole);
    struct avro_round *round = avro_round_new(&THINGS);
    for (size_t cut = 0; cut <= size + 1; cut++) {
        uint8_t *copy = calloc(1, cut + 1);
        memcpy(copy, whole, cut < size ? cut : size);
        copy = realloc(copy, cut > 0 ? cut : 1);
        bool is_read = read_bytes_of(round->decoder, (struct bytes){copy, cut}, &change);
        assert_int_equal(is_read, cut == size);
        free(copy);
    }
    avro_round_free(round);
    free(whole);
}

static void rows_must_be_there_as_the_operation_says(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t size;
        bool is_good;
    } cases[] = {
        {"\x00\x02\x0e\x00\x02"
         "c",
         6, true},
        {"\x02\x0e\x02\x0e\x00\x02"
         "c",
         7, false},
        {"\x00\x00\x00\x02"
         "c",
         5, false},
        {"\x00\x02\x0e\x00\x02"
         "r",
         6, true},
        {"\x00\x02\x0e\x00\x02"
         "u",
         6, true},
        {"\x02\x0e\x00\x00\x02"
         "u",
         6, false},
        {"\x02\x0e\x00\x00\x02"
         "d",
         6, true},
        {"\x00\x00\x00\x02"
         "d",
         5, false},
        {"\x02\x0e\x02\x0e\x00\x02"
         "d",
         7, false},
        {"\x00\x00\x00\x02"
         "t",
         5, true},
        {"\x00\x02\x0e\x00\x02"
         "t",
         6, false},
        {"\x00\x02\x0e\x00\x02"
         "m",
         6, false},
        {"\x00\x02\x0e\x00\x00", 5, false},
        {"\x00\x02\x0e\x00\x04"
         "cc",
         7, false},
    };
    struct decoder *decoder =
        decoder_new(envelope_of("\"int\""), one_column_table(arena, 23, -1, false), &err);
    assert_non_null(decoder);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct change change;
        struct bytes body = {(const uint8_t *)cases[i].body, cases[i].size};
        if (read_bytes_of(decoder, body, &change) != cases[i].is_good)
            fail_msg("case %zu", i);
    }
    decoder_free(decoder);
}

/* ---- schemas of others ---- */

static void schemas_that_are_no_envelope_are_refused(void **state)
{
    (void)state;
    static const char *const schemas[] = {
        "\"int\"",
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}",
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"before\",\"type\":[\"null\","
        "{\"type\":\"record\",\"name\":\"V\",\"fields\":[]}]},{\"name\":\"after\",\"type\":"
        "[\"null\",\"V\"]}]}",
    };
    for (size_t i = 0; i < sizeof(schemas) / sizeof(*schemas); i++) {
        const struct avro_schema *schema = avro_schema_parse(
            (struct bytes){(const uint8_t *)schemas[i], strlen(schemas[i])}, arena, &err);
        assert_non_null(schema);
        assert_null(decoder_new(schema, &THINGS, &err));
        assert_int_equal(err.kind, ERROR_DATA);
    }
}

static void a_column_without_field_is_refused(void **state)
{
    (void)state;
    assert_null(decoder_new(envelope_of("\"int\""), &THINGS, &err));
    assert_non_null(strstr(err.message, "no field for column id"));
}

/* A newer writer's column that this table doesn't have, of every type that can be skipped. */
static void fields_without_column_are_skipped(void **state)
{
    (void)state;
    struct table *table = one_column_table(arena, 23, -1, false);
    static const char extra[] =
        "\"int\"},{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}},"
        "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}},"
        "{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"string\"]}},"
        "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"double\"}},"
        "{\"name\":\"r\",\"type\":{\"type\":\"record\",\"name\":\"S\",\"fields\":[{\"name\":\"b\","
        "\"type\":\"boolean\"},{\"name\":\"g\",\"type\":\"float\"}]}},{\"name\":\"z\",\"type\":"
        "\"null\"";
    static const char row[] =
        "\x0e"                              /* v */
        "\x00"                              /* e */
        "\x01\x02"                          /* f */
        "\x04\x00\x02\x02x\x01\x02\x00\x00" /* a: a block of 2, one of 1 with its size */
        "\x02\x02k\0\0\0\0\0\0\0\0\x00"     /* m */
        "\x01\0\0\0\0";                     /* r */
    struct decoder *decoder = decoder_new(envelope_of(extra), table, &err);
    if (!decoder)
        fail_msg("%s", err.message);
    struct change change;
    struct bytes body = create_of(row, sizeof(row) - 1);
    assert_true(read_bytes_of(decoder, body, &change));
    assert_int_equal(change.new_tuple.values[0].size, 1);
    assert_int_equal(change.new_tuple.values[0].data[0], '7');
    for (size_t cut = 1; cut < body.size; cut++)
        assert_false(read_bytes_of(decoder, (struct bytes){body.data, cut}, &change));
    free((void *)(uintptr_t)body.data);
    decoder_free(decoder);
}

/* 2^62 values of no bytes: the budget ends what the input's size doesn't. */
static void arrays_of_nothing_end(void **state)
{
    (void)state;
    static const char extra[] =
        "\"int\"},{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"null\"}";
    struct decoder *decoder =
        decoder_new(envelope_of(extra), one_column_table(arena, 23, -1, false), &err);
    assert_non_null(decoder);
    struct change change;
    struct bytes body = create_of("\x0e\xfe\xff\xff\xff\xff\xff\xff\xff\x7f\x00", 11);
    assert_false(read_bytes_of(decoder, body, &change));
    free((void *)(uintptr_t)body.data);
    decoder_free(decoder);
}

/* The number of digits isn't bounded by the message's size: room is found by a second reading. */
static void small_numbers_of_large_scale_find_room(void **state)
{
    (void)state;
    enum { COLUMNS = 40, SCALE = 16000 };
    struct column columns[COLUMNS];
    static char names[COLUMNS][4];
    struct value row[COLUMNS];
    char *text = malloc(SCALE + 3);
    memset(text, '0', SCALE + 2);
    memcpy(text + 1, ".", 1);
    memcpy(text + SCALE + 1, "7", 2);
    for (int i = 0; i < COLUMNS; i++) {
        snprintf(names[i], sizeof(names[i]), "c%d", i);
        columns[i] = (struct column){
            .name = names[i], .type_oid = 1700, .type_modifier = -1, .type_sql = ""};
        row[i] = text_value(text);
    }
    struct table table = {.schema = "s", .name = "t", .column_count = COLUMNS, .columns = columns};
    struct avro_round *round = avro_round_new(&table);
    struct event event = things_event(EVENT_CREATE);
    struct change change;
    struct decoded_event decoded;
    avro_round_write(round, &event, NULL, false, &(struct tuple){COLUMNS, row});
    assert_int_equal(round->notes.exact_count, 0);
    avro_round_read(round, false, &change, &decoded);
    for (int i = 0; i < COLUMNS; i++)
        assert_memory_equal(change.new_tuple.values[i].data, text, SCALE + 2);
    struct bytes body = {round->message.data + MAGIC_SIZE, round->message.size - MAGIC_SIZE};
    SCOPED_BUFFER small;
    byte_buffer_init(&small, 100000);
    assert_false(
        decoder_read(round->decoder, body, false, &small, &values, &change, &decoded, &err));
    assert_int_equal(err.kind, ERROR_DATA);
    avro_round_free(round);
    free(text);
}

static void a_key_with_bytes_left_over_is_refused(void **state)
{
    (void)state;
    struct avro_round *round = avro_round_new(&THINGS);
    struct tuple tuple;
    static const uint8_t key[] = {0x0e, 0x00};
    assert_true(decoder_read_key(round->key_decoder, (struct bytes){key, 1}, &texts,
                                 values.new_values, &tuple, &err));
    assert_int_equal(tuple.count, THINGS_COLUMNS);
    assert_int_equal(tuple.values[THING_NOTE].kind, VALUE_NULL);
    assert_false(decoder_read_key(round->key_decoder, (struct bytes){key, 2}, &texts,
                                  values.new_values, &tuple, &err));
    assert_false(decoder_read_key(round->key_decoder, (struct bytes){key, 0}, &texts,
                                  values.new_values, &tuple, &err));
    avro_round_free(round);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(narrower_types_become_wider_ones),
        TEST(types_that_would_lose_something_are_refused),
        TEST(malformed_values_are_refused),
        TEST(every_cut_is_refused),
        TEST(rows_must_be_there_as_the_operation_says),
        TEST(schemas_that_are_no_envelope_are_refused),
        TEST(a_column_without_field_is_refused),
        TEST(fields_without_column_are_skipped),
        TEST(arrays_of_nothing_end),
        TEST(small_numbers_of_large_scale_find_room),
        TEST(a_key_with_bytes_left_over_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
