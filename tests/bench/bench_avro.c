/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding and decoding one row of ten columns, beside avro-c's value API with the same schema: nanoseconds per event. */
#include <avro.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/avro_round.h"

enum { COLUMNS = 10, MAGIC_SIZE = 5, TRIES = 5 };

static struct column columns[COLUMNS] = {
    {.name = "id", .type_oid = 20, .is_key = true, .primary_key_position = 1, .is_not_null = true},
    {.name = "quantity", .type_oid = 23},
    {.name = "total", .type_oid = 20},
    {.name = "price", .type_oid = 1700, .type_modifier = (12 << 16 | 2) + 4},
    {.name = "note", .type_oid = 25},
    {.name = "changed", .type_oid = 1184},
    {.name = "is_paid", .type_oid = 16},
    {.name = "reference", .type_oid = 2950},
    {.name = "details", .type_oid = 3802},
    {.name = "weight", .type_oid = 701},
};

static const char *const TEXTS[COLUMNS] = {
    "1234567",
    "42",
    "98765432101",
    "1299.95",
    "forty characters of text, more or less..",
    "2026-11-23 17:33:51.123456+00",
    "t",
    "550e8400-e29b-41d4-a716-446655440000",
    "{\"color\": \"green\", \"sizes\": [38, 39, 40], \"gift\": false, \"comment\": \"at the "
    "door\"}",
    "0.7310585786300049",
};

static const struct event UPDATE = {.op = EVENT_CREATE,
                                    .commit_time_us = INT64_C(1795455231123456),
                                    .now_us = INT64_C(1795455231130000),
                                    .last_commit_lsn = UINT64_C(0x16B374D848),
                                    .lsn = UINT64_C(0x16B374D900),
                                    .xid = 771};

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* What is measured: the rest of the arguments is in `context`. */
typedef void (*measured)(void *context);

static double best_ns(measured run, void *context, int repeats)
{
    double best = 1e18;
    for (int i = 0; i < TRIES; i++) {
        double start = now_ns();
        for (int j = 0; j < repeats; j++)
            run(context);
        double taken = (now_ns() - start) / repeats;
        best = taken < best ? taken : best;
    }
    return best;
}

struct ours {
    struct avro_round *round;
    struct tuple row;
};

static void encode(void *context)
{
    struct ours *ours = context;
    avro_round_write(ours->round, &UPDATE, NULL, false, &ours->row);
}

static void decode(void *context)
{
    struct ours *ours = context;
    struct change change;
    struct decoded_event event;
    avro_round_read(ours->round, false, &change, &event);
}

/* ---- avro-c ---- */

struct theirs {
    avro_value_t value;
    avro_reader_t reader;
    avro_writer_t writer;
    char *bytes;
    size_t size;
};

static void require(bool is_met)
{
    if (is_met)
        return;
    fprintf(stderr, "avro-c: %s\n", avro_strerror());
    abort();
}

static void decode_with_avro_c(void *context)
{
    struct theirs *theirs = context;
    avro_reader_memory_set_source(theirs->reader, theirs->bytes, (int64_t)theirs->size);
    avro_value_reset(&theirs->value);
    require(avro_value_read(theirs->reader, &theirs->value) == 0);
}

static avro_value_t field_of(const avro_value_t *record, const char *name)
{
    avro_value_t field;
    require(avro_value_get_by_name(record, name, &field, NULL) == 0);
    return field;
}

static avro_value_t branch_of(const avro_value_t *record, const char *name, int index)
{
    avro_value_t field = field_of(record, name);
    avro_value_t branch;
    require(avro_value_set_branch(&field, index, &branch) == 0);
    return branch;
}

static void set_long(const avro_value_t *record, const char *name, int64_t value)
{
    avro_value_t branch = branch_of(record, name, 1);
    avro_value_set_long(&branch, value);
}

static void set_string(const avro_value_t *record, const char *name, const char *text)
{
    avro_value_t field = field_of(record, name);
    avro_value_set_string(&field, text);
}

static void set_row(const avro_value_t *event)
{
    char price[] = {1, (char)0xfb, (char)0xcb};
    avro_value_t row = branch_of(event, "after", 1);
    avro_value_t id = field_of(&row, "id");
    avro_value_t quantity = branch_of(&row, "quantity", 1);
    avro_value_t amount = branch_of(&row, "price", 1);
    avro_value_t is_paid = branch_of(&row, "is_paid", 1);
    avro_value_t weight = branch_of(&row, "weight", 1);
    avro_value_set_long(&id, strtoll(TEXTS[0], NULL, 10));
    avro_value_set_int(&quantity, (int32_t)strtol(TEXTS[1], NULL, 10));
    set_long(&row, "total", strtoll(TEXTS[2], NULL, 10));
    avro_value_set_bytes(&amount, price, sizeof(price));
    avro_value_set_boolean(&is_paid, 1);
    avro_value_set_double(&weight, strtod(TEXTS[9], NULL));
    static const char *const names[] = {"note", "changed", "reference", "details"};
    static const int places[] = {4, 5, 7, 8};
    for (int i = 0; i < 4; i++) {
        avro_value_t branch = branch_of(&row, names[i], 1);
        avro_value_set_string(&branch, TEXTS[places[i]]);
    }
}

static void set_source(const avro_value_t *event)
{
    avro_value_t source = field_of(event, "source");
    avro_value_t time = field_of(&source, "ts_ms");
    avro_value_t snapshot = branch_of(&source, "snapshot", 0);
    avro_value_t sequence = branch_of(&source, "sequence", 1);
    set_string(&source, "version", ROUND_SOURCE.version);
    set_string(&source, "connector", "postgresql");
    set_string(&source, "name", ROUND_SOURCE.prefix);
    set_string(&source, "db", ROUND_SOURCE.database);
    set_string(&source, "schema", "public");
    set_string(&source, "table", "things");
    avro_value_set_long(&time, UPDATE.commit_time_us / 1000);
    avro_value_set_string(&snapshot, "false");
    avro_value_set_string(&sequence, "[\"97500190792\",\"97500190976\"]");
    set_long(&source, "ts_us", UPDATE.commit_time_us);
    set_long(&source, "ts_ns", UPDATE.commit_time_us * 1000);
    set_long(&source, "txId", UPDATE.xid);
    set_long(&source, "lsn", (int64_t)UPDATE.lsn);
    branch_of(&source, "xmin", 0);
    branch_of(&source, "origin", 0);
    branch_of(&source, "origin_lsn", 0);
}

static void encode_with_avro_c(void *context)
{
    struct theirs *theirs = context;
    static char out[4096];
    avro_value_reset(&theirs->value);
    branch_of(&theirs->value, "before", 0);
    branch_of(&theirs->value, "transaction", 0);
    set_row(&theirs->value);
    set_source(&theirs->value);
    set_string(&theirs->value, "op", "c");
    set_long(&theirs->value, "ts_ms", UPDATE.now_us / 1000);
    set_long(&theirs->value, "ts_us", UPDATE.now_us);
    set_long(&theirs->value, "ts_ns", UPDATE.now_us * 1000);
    avro_writer_memory_set_dest(theirs->writer, out, sizeof(out));
    require(avro_value_write(theirs->writer, &theirs->value) == 0);
}

static struct theirs open_avro_c(struct avro_round *round)
{
    avro_schema_t schema;
    require(avro_schema_from_json_length((const char *)round->schema_text.data,
                                         round->schema_text.size, &schema) == 0);
    struct theirs theirs = {.bytes = (char *)round->message.data + MAGIC_SIZE,
                            .size = round->message.size - MAGIC_SIZE};
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    require(class && avro_generic_value_new(class, &theirs.value) == 0);
    theirs.reader = avro_reader_memory(theirs.bytes, (int64_t)theirs.size);
    theirs.writer = avro_writer_memory(theirs.bytes, (int64_t)theirs.size);
    return theirs;
}

int main(void)
{
    struct value values[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        columns[i].type_sql = "";
        if (columns[i].type_oid != 1700)
            columns[i].type_modifier = -1;
        values[i] = text_value(TEXTS[i]);
    }
    struct table table = {.schema = "public",
                          .name = "things",
                          .replica_identity = REPLICA_IDENTITY_DEFAULT,
                          .column_count = COLUMNS,
                          .columns = columns};
    struct ours ours = {avro_round_new(&table), {COLUMNS, values}};
    encode(&ours);
    printf("event of %zu bytes, %d notes\n", ours.round->message.size,
           ours.round->notes.exact_count);
    double encode_ns = best_ns(encode, &ours, 300000);
    double decode_ns = best_ns(decode, &ours, 300000);
    struct theirs theirs = open_avro_c(ours.round);
    double their_encode_ns = best_ns(encode_with_avro_c, &theirs, 30000);
    double their_decode_ns = best_ns(decode_with_avro_c, &theirs, 30000);
    printf("encode %.0f ns, avro-c %.0f ns: %.1f times\n", encode_ns, their_encode_ns,
           their_encode_ns / encode_ns);
    printf("decode %.0f ns, avro-c %.0f ns: %.1f times\n", decode_ns, their_decode_ns,
           their_decode_ns / decode_ns);
    avro_round_free(ours.round);
    return EXIT_SUCCESS;
}
