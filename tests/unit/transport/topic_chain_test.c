/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the chain, through the twin of Kafka in memory: what lies in the topics after good and bad hours. */
#include "transport/topic_chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/memory_topics.h"
#include "transport/control.h"
#include "transport/kafka.h"

#define CONTROL "__penstock.shop.control"
#define OFFSETS "__penstock.shop.offsets"
#define ORDERS  "shop.public.orders"
#define LINES   "shop.public.lines"

static const struct memory_writer_options options = {.name = "shop",
                                                     .prefix = "shop",
                                                     .partitions = 2,
                                                     .transaction_bytes = SIZE_MAX,
                                                     .part_bytes = SIZE_MAX,
                                                     .part_messages = 3};

struct scene {
    struct memory_topics *topics;
    struct memory_writer *writer;
    struct message_writer *messages;
    struct topic_writer *rows;
    struct recorded recorded;
    uint32_t orders;
    struct error err;
};

static void start_writer_with(struct scene *scene, const struct memory_writer_options *with)
{
    memory_writer_free(scene->writer);
    scene->writer = memory_writer_new(scene->topics, with);
    scene->messages = memory_writer_messages(scene->writer);
    scene->rows = memory_writer_topics(scene->writer);
}

static bool try_start(struct scene *scene)
{
    bool is_known = false;
    start_writer_with(scene, &options);
    return scene->messages->ops->recorded(scene->messages, &scene->recorded, &is_known,
                                          &scene->err) &&
           is_known;
}

/* A capture begins, or begins again after a crash. */
static void start(struct scene *scene)
{
    assert_true(try_start(scene));
}

static void write_message(struct scene *scene, enum message_kind kind,
                          const struct position *position, const void *body, size_t size)
{
    struct message message = {.kind = kind, .position = *position, .body = {body, size}};
    assert_true(scene->messages->ops->write(scene->messages, &message, &scene->err));
}

static void flush(struct scene *scene)
{
    assert_true(scene->messages->ops->flush(scene->messages, &scene->err));
}

static void write_state(struct scene *scene, enum recorded_state kind, uint32_t epoch)
{
    SCOPED_BUFFER body;
    struct recorded state = {
        .state = kind, .position = {.epoch = epoch}, .acked_lsn = 0x50, .slot = "penstock_shop"};
    state.tables = (char[]){"16384 - public.orders\n16385 - \"Sales\".\"a \"\"b\"\"\"\n"};
    byte_buffer_init(&body, SIZE_MAX);
    recorded_write(&body, &state);
    write_message(scene, MESSAGE_STATE, &state.position, body.data, body.size);
    flush(scene);
}

static uint32_t open_topic(struct scene *scene, const char *name)
{
    uint32_t topic;
    assert_true(scene->rows->ops->open_topic(scene->rows, name, &topic, &scene->err));
    return topic;
}

static struct topic_row row_at(const struct scene *scene, pg_lsn commit_lsn, uint64_t ordinal,
                               const char *key)
{
    return (struct topic_row){.topic = scene->orders,
                              .position = {1, commit_lsn, ordinal, 0},
                              .shape = 7,
                              .key = {(const uint8_t *)key, strlen(key)},
                              .value = {(const uint8_t *)"value", 5}};
}

static bool try_row(struct scene *scene, pg_lsn commit_lsn, uint64_t ordinal, const char *key)
{
    struct topic_row row = row_at(scene, commit_lsn, ordinal, key);
    return scene->rows->ops->write_row(scene->rows, &row, &scene->err);
}

static void write_row(struct scene *scene, pg_lsn commit_lsn, uint64_t ordinal, const char *key)
{
    assert_true(try_row(scene, commit_lsn, ordinal, key));
}

static void write_end(struct scene *scene, pg_lsn commit_lsn, uint64_t ordinal)
{
    struct position position = {1, commit_lsn, ordinal, 0};
    struct unit_end end = {.end_lsn = commit_lsn + 8, .commit_time_us = 1, .xid = 4711};
    write_message(scene, MESSAGE_END, &position, &end, sizeof(end));
}

/* `b` goes to partition 0, `d` to partition 1, of two. */
static void write_unit(struct scene *scene, pg_lsn commit_lsn)
{
    write_row(scene, commit_lsn, 1, "d");
    write_row(scene, commit_lsn, 2, "b");
    write_row(scene, commit_lsn, 3, "b");
    write_end(scene, commit_lsn, 4);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->topics = memory_topics_new();
    *state = scene;
    start(scene);
    write_state(scene, RECORDED_STREAMING, 1);
    scene->orders = open_topic(scene, ORDERS);
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    memory_writer_free(scene->writer);
    memory_topics_free(scene->topics);
    recorded_release(&scene->recorded);
    free(scene);
    return 0;
}

/* ---- what is seen ---- */

/* The record number `index` that a reader sees. */
static struct header header_of(const struct scene *scene, const char *topic, uint32_t partition,
                               size_t index, struct byte_buffer *value)
{
    struct memory_reader *reader = memory_reader_new(scene->topics);
    struct topic_reader *topics = memory_reader_topics(reader);
    partition_handle handle;
    const struct topic_record *record = NULL;
    enum peeked peeked;
    struct error err;
    assert_true(topics->ops->open(topics, topic, partition, -1, &handle, &err));
    for (size_t i = 0; i <= index; i++) {
        if (i > 0)
            topics->ops->take(topics, handle);
        assert_true(topics->ops->peek(topics, handle, 0, &record, &peeked, &err));
        assert_int_equal(peeked, PEEKED_RECORD);
    }
    struct header header = record->header;
    if (value) {
        byte_buffer_clear(value);
        write_bytes(value, record->value.data, record->value.size);
    }
    memory_reader_free(reader);
    return header;
}

/* Entry number `index` of the control topic; its lists are in `value`. */
static struct control_entry entry_of(const struct scene *scene, size_t index,
                                     struct byte_buffer *value)
{
    struct control_entry entry;
    struct control_reader reader;
    struct error err;
    for (size_t record = 0;; record++) {
        header_of(scene, CONTROL, 0, record, value);
        assert_true(control_open(&reader, (struct bytes){value->data, value->size}, &err));
        while (control_next(&reader, &entry, &err))
            if (index-- == 0)
                return entry;
    }
}

static size_t entries(const struct scene *scene)
{
    SCOPED_BUFFER value;
    size_t count = 0;
    byte_buffer_init(&value, SIZE_MAX);
    for (size_t i = 0; i < memory_topics_count(scene->topics, CONTROL, 0); i++) {
        struct control_reader reader;
        struct error err;
        header_of(scene, CONTROL, 0, i, &value);
        assert_true(control_open(&reader, (struct bytes){value.data, value.size}, &err));
        count += reader.left;
    }
    return count;
}

static void assert_position(const struct position *position, uint32_t epoch, pg_lsn commit_lsn,
                            uint64_t ordinal, uint32_t step)
{
    struct position expected = {epoch, commit_lsn, ordinal, step};
    char left[POSITION_TEXT_SIZE];
    char right[POSITION_TEXT_SIZE];
    assert_string_equal(position_text(position, left), position_text(&expected, right));
}

/* ---- the chain ---- */

static void each_message_names_the_one_before_in_its_partition(void **state)
{
    struct scene *scene = *state;
    write_unit(scene, 0x100);
    write_unit(scene, 0x200);
    flush(scene);
    struct header header = header_of(scene, ORDERS, 0, 0, NULL);
    assert_true(position_is_none(&header.previous));
    assert_position(&header.position, 1, 0x100, 2, 0);
    header = header_of(scene, ORDERS, 0, 2, NULL);
    assert_position(&header.previous, 1, 0x100, 3, 0);
    assert_position(&header.position, 1, 0x200, 2, 0);
    header = header_of(scene, ORDERS, 1, 1, NULL);
    assert_position(&header.previous, 1, 0x100, 1, 0);
}

static void the_chain_goes_on_after_a_restart(void **state)
{
    struct scene *scene = *state;
    write_unit(scene, 0x100);
    flush(scene);
    start(scene);
    scene->orders = open_topic(scene, ORDERS);
    write_unit(scene, 0x200);
    flush(scene);
    struct header header = header_of(scene, ORDERS, 1, 1, NULL);
    assert_position(&header.previous, 1, 0x100, 1, 0);
    header = header_of(scene, CONTROL, 0, 2, NULL);
    assert_position(&header.previous, 1, 0x100, 4, 0);
}

static void an_end_counts_the_whole_unit(void **state)
{
    struct scene *scene = *state;
    SCOPED_BUFFER value;
    struct control_count count;
    byte_buffer_init(&value, SIZE_MAX);
    write_unit(scene, 0x100);
    flush(scene);
    struct control_entry entry = entry_of(scene, 1, &value);
    assert_int_equal(entry.kind, CONTROL_END);
    assert_position(&entry.position, 1, 0x100, 4, 0);
    assert_true(entry.lsn == 0x108 && entry.xid == 4711);
    assert_int_equal(entry.count_count, 2);
    assert_true(control_next_count(CONTROL_END, &entry.counts, &count));
    assert_true(count.partition == 1 && count.messages == 1);
    assert_true(control_next_count(CONTROL_END, &entry.counts, &count));
    assert_true(count.partition == 0 && count.messages == 2);
    assert_position(&count.last, 1, 0x100, 3, 0);
}

static void write_large_unit(struct scene *scene)
{
    struct topic_row second_step = row_at(scene, 0x100, 3, "b");
    second_step.position.step = 1;
    for (uint64_t ordinal = 1; ordinal <= 3; ordinal++)
        write_row(scene, 0x100, ordinal, "b");
    assert_true(scene->rows->ops->write_row(scene->rows, &second_step, &scene->err));
    for (uint64_t ordinal = 4; ordinal <= 7; ordinal++)
        write_row(scene, 0x100, ordinal, "b");
    write_end(scene, 0x100, 8);
}

static void a_part_comes_at_the_end_of_an_ordinal(void **state)
{
    struct scene *scene = *state;
    SCOPED_BUFFER value;
    struct control_count count;
    byte_buffer_init(&value, SIZE_MAX);
    write_large_unit(scene);
    flush(scene);
    assert_int_equal(entries(scene), 4);
    struct control_entry entry = entry_of(scene, 1, &value);
    assert_int_equal(entry.kind, CONTROL_PART);
    assert_position(&entry.position, 1, 0x100, 3, 1);
    assert_true(control_next_count(CONTROL_PART, &entry.counts, &count));
    assert_true(count.messages == 4);
    entry = entry_of(scene, 2, &value);
    assert_position(&entry.position, 1, 0x100, 6, 0);
    assert_int_equal(entry_of(scene, 3, &value).kind, CONTROL_END);
}

static void a_unit_that_comes_again_is_dropped_but_counted(void **state)
{
    struct scene *scene = *state;
    SCOPED_BUFFER value;
    struct control_count count;
    struct memory_writer_options small = options;
    byte_buffer_init(&value, SIZE_MAX);
    small.transaction_bytes = 1; /* every ordinal is a transaction */
    write_large_unit(scene);     /* is lost with the writer */
    start_writer_with(scene, &small);
    bool is_known;
    assert_true(
        scene->messages->ops->recorded(scene->messages, &scene->recorded, &is_known, &scene->err));
    scene->orders = open_topic(scene, ORDERS);
    for (uint64_t ordinal = 1; ordinal <= 5; ordinal++)
        write_row(scene, 0x100, ordinal, "b");
    start(scene); /* a crash in the middle: 1 to 4 are there */
    scene->orders = open_topic(scene, ORDERS);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 4);
    for (uint64_t ordinal = 1; ordinal <= 7; ordinal++)
        write_row(scene, 0x100, ordinal, "b");
    write_end(scene, 0x100, 8);
    flush(scene);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 7);
    struct control_entry part = entry_of(scene, 1, &value);
    assert_position(&part.position, 1, 0x100, 3, 0);
    part = entry_of(scene, 2, &value);
    assert_position(&part.position, 1, 0x100, 6, 0);
    struct control_entry end = entry_of(scene, 3, &value);
    assert_true(control_next_count(CONTROL_END, &end.counts, &count));
    assert_true(count.messages == 7);
    assert_int_equal(entries(scene), 4);
}

static void what_is_wholly_there_is_not_written_again(void **state)
{
    struct scene *scene = *state;
    write_unit(scene, 0x100);
    flush(scene);
    start(scene);
    scene->orders = open_topic(scene, ORDERS);
    write_unit(scene, 0x100);
    flush(scene);
    assert_int_equal(memory_writer_commits(scene->writer), 0);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 2);
    assert_int_equal(entries(scene), 2);
}

static void a_change_that_is_given_again_counts_once(void **state)
{
    struct scene *scene = *state;
    SCOPED_BUFFER value;
    struct control_count count;
    byte_buffer_init(&value, SIZE_MAX);
    write_row(scene, 0x100, 1, "b");
    write_row(scene, 0x100, 2, "b");
    write_row(scene, 0x100, 1, "b");
    write_row(scene, 0x100, 2, "b");
    write_end(scene, 0x100, 3);
    flush(scene);
    struct control_entry end = entry_of(scene, 1, &value);
    assert_true(control_next_count(CONTROL_END, &end.counts, &count));
    assert_true(count.messages == 2);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 2);
}

static void a_row_waits_while_a_transaction_ends(void **state)
{
    struct scene *scene = *state;
    write_unit(scene, 0x100);
    memory_writer_hold(scene->writer, true);
    flush(scene);
    assert_false(scene->messages->ops->has_room(scene->messages));
    assert_false(try_row(scene, 0x200, 1, "d"));
    assert_int_equal(scene->err.kind, ERROR_NONE);
    memory_writer_hold(scene->writer, false);
    assert_true(scene->messages->ops->has_room(scene->messages));
    write_unit(scene, 0x200);
    flush(scene);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 4);
}

static void a_truncate_goes_to_all_partitions(void **state)
{
    struct scene *scene = *state;
    struct topic_row truncate = row_at(scene, 0x100, 1, "");
    truncate.key = (struct bytes){0};
    truncate.to_all_partitions = true;
    assert_true(scene->rows->ops->write_row(scene->rows, &truncate, &scene->err));
    write_end(scene, 0x100, 2);
    flush(scene);
    struct header header = header_of(scene, ORDERS, 0, 0, NULL);
    assert_position(&header.position, 1, 0x100, 1, 0);
    header = header_of(scene, ORDERS, 1, 0, NULL);
    assert_position(&header.position, 1, 0x100, 1, 1);
}

/* ---- tails ---- */

static void a_torn_transaction_is_healed(void **state)
{
    struct scene *scene = *state;
    write_unit(scene, 0x100);
    flush(scene);
    write_unit(scene, 0x200);
    memory_writer_hold(scene->writer, true);
    flush(scene);
    memory_topics_tear(scene->topics, ORDERS, 0);
    memory_topics_tear(scene->topics, CONTROL, 0);
    start(scene);
    assert_int_equal(memory_writer_torn(scene->writer), 2);
    assert_true(scene->recorded.position.commit_lsn == 0x100);
    scene->orders = open_topic(scene, ORDERS);
    write_unit(scene, 0x200);
    write_unit(scene, 0x300);
    flush(scene);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 6);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 1), 3);
    assert_int_equal(entries(scene), 4);
    struct header header = header_of(scene, ORDERS, 0, 4, NULL);
    assert_position(&header.previous, 1, 0x200, 3, 0);
}

static void assert_refused(struct scene *scene, enum stop stop)
{
    assert_false(try_start(scene));
    assert_string_equal(stop_name(scene->err.stop), stop_name(stop));
    assert_true(scene->err.remedy[0] != '\0');
}

static void lost_messages_are_noticed(void **state)
{
    struct scene *scene = *state;
    write_unit(scene, 0x100);
    flush(scene);
    write_unit(scene, 0x200);
    flush(scene);
    memory_topics_lose(scene->topics, ORDERS, 0, 1);
    assert_refused(scene, STOP_POSITION_MISMATCH);
}

static void a_topic_made_anew_is_noticed(void **state)
{
    struct scene *scene = *state;
    write_unit(scene, 0x100);
    flush(scene);
    memory_topics_lose(scene->topics, ORDERS, 0, 2);
    assert_refused(scene, STOP_POSITION_MISMATCH);
}

static void a_tail_of_a_later_epoch_is_refused(void **state)
{
    struct scene *scene = *state;
    write_unit(scene, 0x100);
    flush(scene);
    write_state(scene, RECORDED_CREATING, 2);
    memory_topics_lose(scene->topics, OFFSETS, 0, 3);
    assert_refused(scene, STOP_POSITION_MISMATCH);
}

static void what_retention_took_is_no_loss(void **state)
{
    struct scene *scene = *state;
    write_unit(scene, 0x100);
    flush(scene);
    memory_topics_trim(scene->topics, ORDERS, 0, 2);
    memory_topics_trim(scene->topics, ORDERS, 1, 1);
    start(scene);
    scene->orders = open_topic(scene, ORDERS);
    write_unit(scene, 0x200);
    flush(scene);
    struct header header = header_of(scene, ORDERS, 0, 0, NULL);
    assert_position(&header.previous, 1, 0x100, 3, 0);
}

static void a_deleted_topic_matters_only_once_it_is_used(void **state)
{
    struct scene *scene = *state;
    uint32_t topic;
    write_unit(scene, 0x100);
    flush(scene);
    memory_topics_delete(scene->topics, ORDERS);
    start(scene);
    assert_false(scene->rows->ops->open_topic(scene->rows, ORDERS, &topic, &scene->err));
    assert_int_equal(scene->err.stop, STOP_TOPIC_CHANGED);
}

static void a_control_topic_of_somebody_else_is_refused(void **state)
{
    struct scene *scene = *state;
    memory_topics_delete(scene->topics, OFFSETS);
    assert_refused(scene, STOP_TOPIC_NOT_EMPTY);
}

static void topics_of_another_pipeline_are_refused(void **state)
{
    struct scene *scene = *state;
    struct memory_writer_options other = options;
    bool is_known;
    other.name = "depot";
    start_writer_with(scene, &other);
    assert_false(
        scene->messages->ops->recorded(scene->messages, &scene->recorded, &is_known, &scene->err));
    assert_int_equal(scene->err.stop, STOP_TOPICS_FOREIGN);
}

/* ---- R ---- */

static void r_comes_back_with_its_tables(void **state)
{
    struct scene *scene = *state;
    write_unit(scene, 0x100);
    flush(scene);
    start(scene);
    assert_int_equal(scene->recorded.state, RECORDED_STREAMING);
    assert_position(&scene->recorded.position, 1, 0x100, 4, 0);
    assert_true(scene->recorded.end_lsn == 0x108 && scene->recorded.acked_lsn == 0x50);
    assert_string_equal(scene->recorded.slot, "penstock_shop");
    assert_non_null(strstr(scene->recorded.tables, "16385 - \"Sales\""));
}

static void nothing_is_durable_before_its_commit(void **state)
{
    struct scene *scene = *state;
    struct durable durable;
    write_unit(scene, 0x100);
    memory_writer_hold(scene->writer, true);
    flush(scene);
    assert_true(scene->messages->ops->durable(scene->messages, &durable, &scene->err));
    assert_true(durable.end_lsn == 0 && durable.state_count == 1);
    memory_writer_hold(scene->writer, false);
    assert_true(scene->messages->ops->durable(scene->messages, &durable, &scene->err));
    assert_true(durable.end_lsn == 0x108);
    assert_position(&durable.position, 1, 0x100, 4, 0);
}

static void a_watermark_moves_what_is_acknowledged_only(void **state)
{
    struct scene *scene = *state;
    SCOPED_BUFFER value;
    struct watermark watermark = {.lsn = 0x1000, .time_us = 5};
    byte_buffer_init(&value, SIZE_MAX);
    write_unit(scene, 0x100);
    write_message(scene, MESSAGE_WATERMARK, &(struct position){1, 0x100, 4, 0}, &watermark,
                  sizeof(watermark));
    flush(scene);
    start(scene);
    assert_true(scene->recorded.acked_lsn == 0x1000 && scene->recorded.end_lsn == 0x108);
    assert_position(&scene->recorded.position, 1, 0x100, 4, 0);
    struct control_entry entry = entry_of(scene, 2, &value);
    assert_int_equal(entry.kind, CONTROL_WATERMARK);
    assert_position(&entry.position, 1, 0x1000, 0, 0);
}

static void an_epoch_names_where_the_old_one_ended(void **state)
{
    struct scene *scene = *state;
    SCOPED_BUFFER value;
    struct control_count count;
    struct control_table table;
    byte_buffer_init(&value, SIZE_MAX);
    write_unit(scene, 0x100);
    flush(scene);
    write_state(scene, RECORDED_CREATING, 2);
    struct control_entry entry = entry_of(scene, 2, &value);
    assert_int_equal(entry.kind, CONTROL_EPOCH);
    assert_position(&entry.position, 2, 0, 0, 0);
    assert_int_equal(entry.count_count, 2);
    assert_true(control_next_count(CONTROL_EPOCH, &entry.counts, &count));
    assert_position(&count.last, 1, 0x100, 3, 0);
    assert_int_equal(entry.table_count, 2);
    assert_true(control_next_table(&entry.tables, &table));
    assert_true(bytes_equal(table.topic, (struct bytes){(const uint8_t *)ORDERS, strlen(ORDERS)}));
    assert_true(control_next_table(&entry.tables, &table));
    assert_memory_equal(table.topic.data, "shop.Sales.a__b_", 16);
    assert_memory_equal(table.schema.data, "Sales", 5);
    assert_memory_equal(table.name.data, "a \"b\"", 5);
}

static void an_adopted_slot_begins_an_epoch_without_tables(void **state)
{
    struct scene *scene = *state;
    SCOPED_BUFFER value;
    byte_buffer_init(&value, SIZE_MAX);
    struct control_entry entry = entry_of(scene, 0, &value);
    assert_int_equal(entry.kind, CONTROL_EPOCH);
    assert_int_equal(entry.table_count, 0);
}

/* ---- shapes ---- */

static const struct topic_shape shape = {
    .hash = 7,
    .topic = ORDERS,
    .key_id = 1,
    .value_id = 2,
    .fingerprint = "0123456789012345678901234567890123456789012345678901234567890123",
    .table = {(const uint8_t *)"table", 5}};

static void a_shape_is_recorded_once_and_found(void **state)
{
    struct scene *scene = *state;
    struct memory_reader *reader = memory_reader_new(scene->topics);
    struct topic_reader *topics = memory_reader_topics(reader);
    struct topic_shape found;
    assert_true(scene->rows->ops->write_shape(scene->rows, &shape, &scene->err));
    assert_true(scene->rows->ops->write_shape(scene->rows, &shape, &scene->err));
    write_unit(scene, 0x100);
    flush(scene);
    assert_true(topics->ops->shape(topics, 7, NULL, &found, &scene->err));
    assert_true(found.hash == 7 && found.key_id == 1 && found.value_id == 2);
    assert_true(bytes_equal(found.table, shape.table));
    assert_true(topics->ops->shape(topics, 0, ORDERS, &found, &scene->err));
    assert_true(found.hash == 7);
    assert_true(topics->ops->shape(topics, 8, NULL, &found, &scene->err));
    assert_true(found.hash == 0);
    memory_reader_free(reader);
}

static void another_schema_of_a_known_shape_is_refused(void **state)
{
    struct scene *scene = *state;
    struct topic_shape other = shape;
    assert_true(scene->rows->ops->write_shape(scene->rows, &shape, &scene->err));
    flush(scene);
    start(scene);
    assert_true(scene->rows->ops->write_shape(scene->rows, &shape, &scene->err));
    other.fingerprint = "1123456789012345678901234567890123456789012345678901234567890123";
    assert_false(scene->rows->ops->write_shape(scene->rows, &other, &scene->err));
    assert_int_equal(scene->err.stop, STOP_SCHEMA_CHANGED);
}

static void a_table_without_rows_is_announced(void **state)
{
    struct scene *scene = *state;
    SCOPED_BUFFER value;
    struct position position = {1, 0, 1, 0};
    byte_buffer_init(&value, SIZE_MAX);
    assert_true(scene->rows->ops->announce(scene->rows, &position, &shape, &scene->err));
    write_end(scene, 0, 2);
    flush(scene);
    struct control_entry entry = entry_of(scene, 1, &value);
    assert_true(entry.kind == CONTROL_SHAPE && entry.shape == 7);
    entry = entry_of(scene, 2, &value);
    assert_true(entry.kind == CONTROL_END && entry.count_count == 0);
}

static void an_end_of_nothing_writes_no_entry(void **state)
{
    struct scene *scene = *state;
    write_end(scene, 0x100, 2);
    flush(scene);
    assert_int_equal(entries(scene), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_message_names_the_one_before_in_its_partition),
        TEST(the_chain_goes_on_after_a_restart),
        TEST(an_end_counts_the_whole_unit),
        TEST(a_part_comes_at_the_end_of_an_ordinal),
        TEST(a_unit_that_comes_again_is_dropped_but_counted),
        TEST(what_is_wholly_there_is_not_written_again),
        TEST(a_change_that_is_given_again_counts_once),
        TEST(a_row_waits_while_a_transaction_ends),
        TEST(a_truncate_goes_to_all_partitions),
        TEST(a_torn_transaction_is_healed),
        TEST(lost_messages_are_noticed),
        TEST(a_topic_made_anew_is_noticed),
        TEST(a_tail_of_a_later_epoch_is_refused),
        TEST(what_retention_took_is_no_loss),
        TEST(a_deleted_topic_matters_only_once_it_is_used),
        TEST(a_control_topic_of_somebody_else_is_refused),
        TEST(topics_of_another_pipeline_are_refused),
        TEST(r_comes_back_with_its_tables),
        TEST(nothing_is_durable_before_its_commit),
        TEST(a_watermark_moves_what_is_acknowledged_only),
        TEST(an_epoch_names_where_the_old_one_ended),
        TEST(an_adopted_slot_begins_an_epoch_without_tables),
        TEST(a_shape_is_recorded_once_and_found),
        TEST(another_schema_of_a_known_shape_is_refused),
        TEST(a_table_without_rows_is_announced),
        TEST(an_end_of_nothing_writes_no_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
