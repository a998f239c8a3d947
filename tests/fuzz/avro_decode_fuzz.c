/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes any bytes as an event of a table with a column of each form; what was decoded, encoded again and decoded once more,
 * must say the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/avro_round.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST_TEXTS = 16 * 1024 * 1024, MAGIC_SIZE = 5 };

static struct column columns[] = {
    {.name = "id", .type_oid = 20, .is_key = true, .primary_key_position = 1, .is_not_null = true},
    {.name = "c_bool", .type_oid = 16},
    {.name = "c_int2", .type_oid = 21},
    {.name = "c_int4", .type_oid = 23},
    {.name = "c_float4", .type_oid = 700},
    {.name = "c_float8", .type_oid = 701},
    {.name = "c_decimal", .type_oid = 1700, .type_modifier = (12 << 16 | 2) + 4},
    {.name = "c_numeric", .type_oid = 1700, .type_modifier = -1},
    {.name = "c_text", .type_oid = 25},
    {.name = "c_bytea", .type_oid = 17},
    {.name = "c_uuid", .type_oid = 2950},
    {.name = "c_date", .type_oid = 1082},
    {.name = "c_time3", .type_oid = 1083, .type_modifier = 3},
    {.name = "c_time", .type_oid = 1083, .type_modifier = -1},
    {.name = "c_timestamp3", .type_oid = 1114, .type_modifier = 3},
    {.name = "c_timestamp", .type_oid = 1114, .type_modifier = -1},
    {.name = "c_timestamptz", .type_oid = 1184, .type_modifier = -1},
    {.name = "c_timetz", .type_oid = 1266},
    {.name = "c_interval", .type_oid = 1186},
};

static struct table table = {.schema = "public",
                             .name = "things",
                             .replica_identity = REPLICA_IDENTITY_DEFAULT,
                             .column_count = sizeof(columns) / sizeof(*columns),
                             .columns = columns};

static void require(bool is_met)
{
    if (!is_met)
        abort();
}

static struct avro_round *round_of_table(void)
{
    static struct avro_round *round;
    if (round)
        return round;
    for (int i = 0; i < table.column_count; i++)
        columns[i].type_sql = "";
    round = avro_round_new(&table);
    round->texts.max_size = LONGEST_TEXTS;
    return round;
}

static void check_tuple(const struct avro_round *round, struct bytes body,
                        const struct tuple *tuple)
{
    const uint8_t *texts_end = round->texts.data + round->texts.size;
    for (int i = 0; i < tuple->count; i++) {
        const struct value *value = &tuple->values[i];
        require(value->kind == VALUE_TEXT || value->kind == VALUE_NULL);
        if (value->kind == VALUE_NULL || value->size == 0)
            continue;
        bool is_in_body =
            value->data >= body.data && value->data + value->size <= body.data + body.size;
        bool is_in_texts =
            value->data >= round->texts.data && value->data + value->size <= texts_end;
        require(is_in_body || is_in_texts);
        require(!memchr(value->data, '\0', value->size));
    }
}

/* Copies the row's texts, since the next decoding takes their place. */
static struct tuple copy_tuple(const struct tuple *tuple, struct value *values,
                               struct byte_buffer *bytes)
{
    for (int i = 0; i < tuple->count; i++)
        write_bytes(bytes, tuple->values[i].data, tuple->values[i].size);
    const uint8_t *at = bytes->data;
    for (int i = 0; i < tuple->count; i++) {
        values[i] = tuple->values[i];
        values[i].data = at;
        at += values[i].size;
    }
    return (struct tuple){tuple->count, values};
}

static void check_round(struct avro_round *round, const struct tuple *row)
{
    static const struct event event = {.op = EVENT_CREATE, .now_us = 1, .lsn = 1};
    static struct value values[TABLE_MAX_COLUMNS];
    struct change change;
    struct decoded_event decoded;
    SCOPED_BUFFER bytes;
    byte_buffer_init(&bytes, SIZE_MAX);
    write_u8(&bytes, 0);
    byte_buffer_clear(&bytes);
    struct tuple copy = copy_tuple(row, values, &bytes);
    avro_round_write(round, &event, NULL, false, &copy);
    avro_round_read(round, false, &change, &decoded);
    for (int i = 0; i < copy.count; i++) {
        const struct value *value = &change.new_tuple.values[i];
        require(value->kind == values[i].kind && value->size == values[i].size);
        require(value->size == 0 || memcmp(value->data, values[i].data, value->size) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct change_values values;
    struct avro_round *round = round_of_table();
    struct bytes body = {data, size};
    struct change change;
    struct decoded_event event;
    struct error err;
    error_clear(&err);
    if (!decoder_read(round->decoder, body, size % 2, &round->texts, &values, &change, &event,
                      &err)) {
        require(err.kind == ERROR_DATA);
        return 0;
    }
    check_tuple(round, body, &change.old_tuple);
    check_tuple(round, body, &change.new_tuple);
    if (change.new_tuple.count > 0)
        check_round(round, &change.new_tuple);
    return 0;
}
