/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the units: a capture's Avro format that writes into Kafka's twin, and units that read from it. */
#ifndef PENSTOCK_TESTS_UNIT_SINK_UNITS_SUPPORT_H
#define PENSTOCK_TESTS_UNIT_SINK_UNITS_SUPPORT_H

#include "sink/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "capture/format.h"
#include "schema/wire.h"
#include "tests/support/hand_clock.h"
#include "tests/support/memory_log.h"
#include "tests/support/memory_topics.h"
#include "tests/support/scene.h"

enum { MAX_TEXT = 8192, TABLES = 3, PATIENCE_MS = 60000 };

static struct arena *arena;
static struct memory_topics *broker;
static struct memory_log schemas;
static struct memory_client client;
static struct registry *registry;
static struct hand_clock hands;
static struct stop_flag stop;
static struct position stalled;

/* The writing side. */
static struct memory_writer *writer;
static struct change_format *format;
static struct chain chain;
static struct relation relations[TABLES];
static struct position position; /* of the last change */
static size_t transaction_bytes;
static bool writes_tombstones;

/* The reading side. */
static struct memory_reader *reader;
static struct units *units;
static struct recorded recorded;
static struct places places;
static char text[MAX_TEXT]; /* what came out */
static bool has_taken;
static struct position last_taken;

static bool is_wanted(const void *context, const char *schema, const char *table)
{
    (void)schema;
    const char *only = context;
    return only[0] == '\0' || strcmp(only, table) == 0;
}

static const char *wanted = "";

static void open_writer(void)
{
    struct memory_writer_options writing = {.name = "test",
                                            .prefix = "test",
                                            .partitions = 2,
                                            .transaction_bytes = transaction_bytes,
                                            .part_bytes = 1 << 20,
                                            .part_messages = 8};
    static struct format_avro_options options = {
        .prefix = "test", .source = {.version = "1", .prefix = "test", .database = "d"}};
    options.registry = registry;
    options.writes_tombstones = writes_tombstones;
    options.clock = &hands.clock;
    writer = memory_writer_new(broker, &writing);
    format = format_avro_new(&options, memory_writer_topics(writer));
    for (uint32_t i = 0; i < TABLES; i++) {
        char name[] = {(char)('a' + i), '\0'};
        relations[i] = (struct relation){.oid = 1000 + i,
                                         .shape_id = i + 1,
                                         .is_wanted = true,
                                         .table = scene_shape(arena, 1000 + i, name, 3, 1)};
    }
}

static void close_writer(void)
{
    format->ops->free(format);
    memory_writer_free(writer);
}

static void open_reader(bool until_end)
{
    static struct units_options options;
    struct error err;
    options = (struct units_options){.prefix = "test",
                                     .is_wanted = is_wanted,
                                     .is_wanted_context = wanted,
                                     .clock = &hands.clock,
                                     .stop = &stop,
                                     .stalled = &stalled,
                                     .until_end = until_end,
                                     .part_patience_ms = PATIENCE_MS,
                                     .count_patience_ms = PATIENCE_MS};
    has_taken = false;
    reader = memory_reader_new(broker);
    units = units_new(&options, memory_reader_topics(reader), registry, &recorded, &places, &err);
    assert_non_null(units);
}

static void close_reader(void)
{
    units_free(units);
    memory_reader_free(reader);
}

static int open_all(void **state)
{
    (void)state;
    arena = arena_new(4096);
    broker = memory_topics_new();
    memory_client_init(&client, &schemas);
    registry = registry_log_new(&client.schema_log);
    hand_clock_init(&hands, 1000);
    assert_true(stop_flag_open(&stop));
    stalled = (struct position){0};
    chain = (struct chain){0};
    wanted = "";
    text[0] = '\0';
    transaction_bytes = 1 << 20;
    writes_tombstones = true;
    open_writer();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    close_writer();
    registry->ops->free(registry);
    memory_log_release(&schemas);
    schemas = (struct memory_log){0};
    memory_topics_free(broker);
    recorded_release(&recorded);
    places_release(&places);
    arena_free(arena);
    return 0;
}

/* ---- writing ---- */

static void write_message(enum message_kind kind, const void *body, size_t size)
{
    struct error err;
    struct message_writer *messages = memory_writer_messages(writer);
    struct message message = chain_message(&chain, kind, 0, kind == MESSAGE_END ? &position : NULL);
    message.body = (struct bytes){body, size};
    assert_true(messages->ops->write(messages, &message, &err));
}

static void flush(void)
{
    struct error err;
    struct message_writer *messages = memory_writer_messages(writer);
    assert_true(messages->ops->flush(messages, &err));
}

/* What a capture asks for first. */
static void learn_recorded(void)
{
    struct error err;
    struct recorded known = {0};
    bool is_known;
    struct message_writer *messages = memory_writer_messages(writer);
    assert_true(messages->ops->recorded(messages, &known, &is_known, &err) && is_known);
    recorded_release(&known);
}

static void write_state(enum recorded_state state, uint32_t epoch, const char *tables)
{
    learn_recorded();
    SCOPED_BUFFER body;
    byte_buffer_init(&body, 1 << 16);
    struct recorded r = {
        .state = state, .position = {.epoch = epoch}, .tables = memory_copy_string(tables)};
    if (state == RECORDED_STREAMING)
        r.position = position;
    recorded_write(&body, &r);
    recorded_release(&r);
    write_message(MESSAGE_STATE, body.data, body.size);
    flush();
    position.epoch = epoch;
}

/* R as a first start writes it, with a copy of nothing. */
static void begin_stream(void)
{
    position = (struct position){0};
    write_state(RECORDED_CREATING, 1, "1000 - \"public\".\"a\"\n1001 - \"public\".\"b\"\n");
    write_state(RECORDED_COPYING, 1, "1000 - \"public\".\"a\"\n1001 - \"public\".\"b\"\n");
    write_state(RECORDED_STREAMING, 1, "1000 - \"public\".\"a\"\n1001 - \"public\".\"b\"\n");
}

static void begin(pg_lsn lsn)
{
    position = (struct position){.epoch = position.epoch, .commit_lsn = lsn};
}

static void change(size_t table, enum change_kind kind, const char *old, const char *row)
{
    struct error err;
    struct change made;
    static struct change_values values;
    uint32_t steps;
    struct change_context context = {.commit_time_us = 5, .lsn = position.commit_lsn, .xid = 7};
    assert_true(wire_read(scene_change(arena, kind, old, row), &values, &made));
    position.ordinal++;
    position.step = 0;
    assert_true(format->ops->write(format, &relations[table], &chain, &position, &context, &made,
                                   &steps, &err));
}

static void end(void)
{
    struct unit_end unit_end = {.end_lsn = position.commit_lsn + 8, .commit_time_us = 5, .xid = 7};
    position.ordinal++;
    position.step = 0;
    write_message(MESSAGE_END, &unit_end, sizeof(unit_end));
}

/* ---- reading ---- */

static void add_text(const char *piece)
{
    size_t used = strlen(text);
    snprintf(text + used, sizeof(text) - used, "%s ", piece);
}

static const struct table *shapes[16];

static void add_change(const struct message *message)
{
    static struct change_values values;
    struct change came;
    char old[256] = "";
    char new[256] = "";
    char piece[600];
    assert_true(wire_read(message->body, &values, &came));
    if (came.old_kind != OLD_TUPLE_NONE)
        scene_text(&came.old_tuple, old, sizeof(old));
    if (came.kind == CHANGE_INSERT || came.kind == CHANGE_UPDATE)
        scene_text(&came.new_tuple, new, sizeof(new));
    snprintf(piece, sizeof(piece), "%c%s(%s%s%s%s)", came.kind, shapes[message->shape_id]->name,
             came.old_kind != OLD_TUPLE_NONE ? (const char[]){(char)came.old_kind, '\0'} : "", old,
             old[0] ? ">" : "", new);
    add_text(piece);
}

/* Takes the places as a target does. */
static void take_places(const struct message *message)
{
    struct byte_reader bytes = byte_reader_over(message->places);
    struct place place;
    while (place_read(&bytes, &place))
        places_set(&places, &place);
}

static void take(const struct message *message)
{
    struct error err;
    struct byte_reader body = byte_reader_over(message->body);
    if (has_taken)
        assert_int_equal(position_compare(&message->previous, &last_taken), 0);
    has_taken = true;
    last_taken = message->position;
    switch (message->kind) {
    case MESSAGE_SHAPE:
        shapes[message->shape_id] = table_read(&body, arena);
        return;
    case MESSAGE_CHANGE:
        add_change(message);
        return;
    case MESSAGE_END:
        recorded.position = message->position;
        add_text("END");
        break;
    case MESSAGE_WATERMARK:
        add_text("WATERMARK");
        break;
    case MESSAGE_STATE:
        recorded_release(&recorded);
        assert_true(recorded_read(message->body, &recorded, &err));
        add_text(recorded_state_text(recorded.state));
        break;
    }
    take_places(message);
}

#endif
