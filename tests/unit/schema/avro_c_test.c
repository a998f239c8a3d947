/* SPDX-License-Identifier: Apache-2.0 */
/* avro-c reads what the encoder writes, as a second opinion beside fastavro, and writes the same bytes again. */
#include <avro.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/avro_round.h"
#include "tests/support/things.h"

enum { MAGIC_SIZE = 5, OUT_SIZE = 4096 };

static avro_value_t get(const avro_value_t *record, const char *name)
{
    avro_value_t field;
    avro_value_t branch;
    assert_int_equal(avro_value_get_by_name(record, name, &field, NULL), 0);
    if (avro_value_get_type(&field) != AVRO_UNION)
        return field;
    assert_int_equal(avro_value_get_current_branch(&field, &branch), 0);
    return branch;
}

static void assert_string(const avro_value_t *record, const char *name, const char *expected)
{
    avro_value_t field = get(record, name);
    const char *text = NULL;
    size_t size = 0;
    assert_int_equal(avro_value_get_string(&field, &text, &size), 0);
    assert_string_equal(text, expected);
}

static void assert_long(const avro_value_t *record, const char *name, int64_t expected)
{
    avro_value_t field = get(record, name);
    int64_t number = 0;
    assert_int_equal(avro_value_get_long(&field, &number), 0);
    assert_int_equal(number, expected);
}

static void assert_row(const avro_value_t *row)
{
    const void *price = NULL;
    size_t size = 0;
    double weight = 0;
    avro_value_t field = get(row, "price");
    assert_int_equal(avro_value_get_bytes(&field, &price, &size), 0);
    assert_int_equal(size, 3);
    assert_memory_equal(price, "\xfe\x04\x35", 3); /* -129995 */
    field = get(row, "weight");
    assert_int_equal(avro_value_get_double(&field, &weight), 0);
    assert_true(weight == 0.1);
    assert_long(row, "id", 7);
    assert_long(row, "total", INT64_C(98765432101));
    assert_string(row, "changed", "2026-11-23T17:33:51.120000Z");
    assert_string(row, "details", "{\"a\": 1}");
}

static void assert_envelope(const avro_value_t *envelope)
{
    avro_value_t row = get(envelope, "after");
    avro_value_t source = get(envelope, "source");
    assert_row(&row);
    assert_string(&source, "connector", "postgresql");
    assert_string(&source, "snapshot", "false");
    assert_string(&source, "sequence", "[\"300\",\"400\"]");
    assert_long(&source, "ts_ns", INT64_C(1795455231123456000));
    assert_long(&source, "lsn", 400);
    assert_string(envelope, "op", "c");
    assert_long(envelope, "ts_us", INT64_C(1795455231130001));
}

static void avro_c_reads_and_writes_the_same(void **state)
{
    (void)state;
    struct value values[THINGS_COLUMNS];
    struct event event = things_event(EVENT_CREATE);
    struct avro_round *round = avro_round_new(&THINGS);
    avro_schema_t schema;
    avro_value_t value;
    char out[OUT_SIZE];
    things_row(values);
    avro_round_write(round, &event, NULL, false, &(struct tuple){THINGS_COLUMNS, values});
    assert_int_equal(avro_schema_from_json_length((const char *)round->schema_text.data,
                                                  round->schema_text.size, &schema),
                     0);
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    assert_int_equal(avro_generic_value_new(class, &value), 0);
    const char *body = (const char *)round->message.data + MAGIC_SIZE;
    int64_t size = (int64_t)round->message.size - MAGIC_SIZE;
    avro_reader_t reader = avro_reader_memory(body, size);
    assert_int_equal(avro_value_read(reader, &value), 0);
    assert_envelope(&value);
    avro_writer_t writer = avro_writer_memory(out, sizeof(out));
    assert_int_equal(avro_value_write(writer, &value), 0);
    assert_int_equal(avro_writer_tell(writer), size);
    assert_memory_equal(out, body, (size_t)size);
    avro_writer_free(writer);
    avro_reader_free(reader);
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    avro_round_free(round);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(avro_c_reads_and_writes_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
