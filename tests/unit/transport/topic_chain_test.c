/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the chain, through the twin of Kafka in memory: what lies in the topics. */
#include "transport/topic_chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/topic_scene.h"

/* ---- the chain ---- */

static void each_message_names_the_one_before_in_its_partition(void **state)
{
    struct topic_scene *scene = *state;
    topic_scene_write_unit(scene, 0x100);
    topic_scene_write_unit(scene, 0x200);
    topic_scene_flush(scene);
    struct header header = topic_scene_header_of(scene, ORDERS, 0, 0, NULL);
    assert_true(position_is_none(&header.previous));
    topic_scene_assert_position(&header.position, 1, 0x100, 2, 0);
    header = topic_scene_header_of(scene, ORDERS, 0, 2, NULL);
    topic_scene_assert_position(&header.previous, 1, 0x100, 3, 0);
    topic_scene_assert_position(&header.position, 1, 0x200, 2, 0);
    header = topic_scene_header_of(scene, ORDERS, 1, 1, NULL);
    topic_scene_assert_position(&header.previous, 1, 0x100, 1, 0);
}

static void the_chain_goes_on_after_a_restart(void **state)
{
    struct topic_scene *scene = *state;
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    topic_scene_start(scene);
    scene->orders = topic_scene_open_topic(scene, ORDERS);
    topic_scene_write_unit(scene, 0x200);
    topic_scene_flush(scene);
    struct header header = topic_scene_header_of(scene, ORDERS, 1, 1, NULL);
    topic_scene_assert_position(&header.previous, 1, 0x100, 1, 0);
    header = topic_scene_header_of(scene, CONTROL, 0, 2, NULL);
    topic_scene_assert_position(&header.previous, 1, 0x100, 4, 0);
}

static void an_end_counts_the_whole_unit(void **state)
{
    struct topic_scene *scene = *state;
    SCOPED_BUFFER value;
    struct control_count count;
    byte_buffer_init(&value, SIZE_MAX);
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    struct control_entry entry = topic_scene_entry_of(scene, 1, &value);
    assert_int_equal(entry.kind, CONTROL_END);
    topic_scene_assert_position(&entry.position, 1, 0x100, 4, 0);
    assert_true(entry.lsn == 0x108 && entry.xid == 4711);
    assert_int_equal(entry.count_count, 2);
    assert_true(control_next_count(CONTROL_END, &entry.counts, &count));
    assert_true(count.partition == 1 && count.messages == 1);
    assert_true(control_next_count(CONTROL_END, &entry.counts, &count));
    assert_true(count.partition == 0 && count.messages == 2);
    topic_scene_assert_position(&count.last, 1, 0x100, 3, 0);
}

static void write_large_unit(struct topic_scene *scene)
{
    struct topic_row second_step = topic_scene_row_at(scene, 0x100, 3, "b");
    second_step.position.step = 1;
    for (uint64_t ordinal = 1; ordinal <= 3; ordinal++)
        topic_scene_write_row(scene, 0x100, ordinal, "b");
    assert_true(scene->rows->ops->write_row(scene->rows, &second_step, &scene->err));
    for (uint64_t ordinal = 4; ordinal <= 7; ordinal++)
        topic_scene_write_row(scene, 0x100, ordinal, "b");
    topic_scene_write_end(scene, 0x100, 8);
}

static void a_part_comes_at_the_end_of_an_ordinal(void **state)
{
    struct topic_scene *scene = *state;
    SCOPED_BUFFER value;
    struct control_count count;
    byte_buffer_init(&value, SIZE_MAX);
    write_large_unit(scene);
    topic_scene_flush(scene);
    assert_int_equal(topic_scene_entries(scene), 4);
    struct control_entry entry = topic_scene_entry_of(scene, 1, &value);
    assert_int_equal(entry.kind, CONTROL_PART);
    topic_scene_assert_position(&entry.position, 1, 0x100, 3, 1);
    assert_true(control_next_count(CONTROL_PART, &entry.counts, &count));
    assert_true(count.messages == 4);
    entry = topic_scene_entry_of(scene, 2, &value);
    topic_scene_assert_position(&entry.position, 1, 0x100, 6, 0);
    assert_int_equal(topic_scene_entry_of(scene, 3, &value).kind, CONTROL_END);
}

static void a_unit_that_comes_again_is_dropped_but_counted(void **state)
{
    struct topic_scene *scene = *state;
    SCOPED_BUFFER value;
    struct control_count count;
    struct memory_writer_options small = topic_scene_options;
    byte_buffer_init(&value, SIZE_MAX);
    small.transaction_bytes = 1; /* every ordinal is a transaction */
    write_large_unit(scene);     /* is lost with the writer */
    topic_scene_start_writer_with(scene, &small);
    bool is_known;
    assert_true(
        scene->messages->ops->recorded(scene->messages, &scene->recorded, &is_known, &scene->err));
    scene->orders = topic_scene_open_topic(scene, ORDERS);
    for (uint64_t ordinal = 1; ordinal <= 5; ordinal++)
        topic_scene_write_row(scene, 0x100, ordinal, "b");
    topic_scene_start(scene); /* a crash in the middle: 1 to 4 are there */
    scene->orders = topic_scene_open_topic(scene, ORDERS);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 4);
    for (uint64_t ordinal = 1; ordinal <= 7; ordinal++)
        topic_scene_write_row(scene, 0x100, ordinal, "b");
    topic_scene_write_end(scene, 0x100, 8);
    topic_scene_flush(scene);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 7);
    struct control_entry part = topic_scene_entry_of(scene, 1, &value);
    topic_scene_assert_position(&part.position, 1, 0x100, 3, 0);
    part = topic_scene_entry_of(scene, 2, &value);
    topic_scene_assert_position(&part.position, 1, 0x100, 6, 0);
    struct control_entry end = topic_scene_entry_of(scene, 3, &value);
    assert_true(control_next_count(CONTROL_END, &end.counts, &count));
    assert_true(count.messages == 7);
    assert_int_equal(topic_scene_entries(scene), 4);
}

static void what_is_wholly_there_is_not_written_again(void **state)
{
    struct topic_scene *scene = *state;
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    topic_scene_start(scene);
    scene->orders = topic_scene_open_topic(scene, ORDERS);
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    assert_int_equal(memory_writer_commits(scene->writer), 0);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 2);
    assert_int_equal(topic_scene_entries(scene), 2);
}

static void a_change_that_is_given_again_counts_once(void **state)
{
    struct topic_scene *scene = *state;
    SCOPED_BUFFER value;
    struct control_count count;
    byte_buffer_init(&value, SIZE_MAX);
    topic_scene_write_row(scene, 0x100, 1, "b");
    topic_scene_write_row(scene, 0x100, 2, "b");
    topic_scene_write_row(scene, 0x100, 1, "b");
    topic_scene_write_row(scene, 0x100, 2, "b");
    topic_scene_write_end(scene, 0x100, 3);
    topic_scene_flush(scene);
    struct control_entry end = topic_scene_entry_of(scene, 1, &value);
    assert_true(control_next_count(CONTROL_END, &end.counts, &count));
    assert_true(count.messages == 2);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 2);
}

static void a_row_waits_while_a_transaction_ends(void **state)
{
    struct topic_scene *scene = *state;
    topic_scene_write_unit(scene, 0x100);
    memory_writer_hold(scene->writer, true);
    topic_scene_flush(scene);
    assert_false(scene->messages->ops->has_room(scene->messages));
    assert_false(topic_scene_try_row(scene, 0x200, 1, "d"));
    assert_int_equal(scene->err.kind, ERROR_NONE);
    memory_writer_hold(scene->writer, false);
    assert_true(scene->messages->ops->has_room(scene->messages));
    topic_scene_write_unit(scene, 0x200);
    topic_scene_flush(scene);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 4);
}

static void a_truncate_goes_to_all_partitions(void **state)
{
    struct topic_scene *scene = *state;
    struct topic_row truncate = topic_scene_row_at(scene, 0x100, 1, "");
    truncate.key = (struct bytes){0};
    truncate.to_all_partitions = true;
    assert_true(scene->rows->ops->write_row(scene->rows, &truncate, &scene->err));
    topic_scene_write_end(scene, 0x100, 2);
    topic_scene_flush(scene);
    struct header header = topic_scene_header_of(scene, ORDERS, 0, 0, NULL);
    topic_scene_assert_position(&header.position, 1, 0x100, 1, 0);
    header = topic_scene_header_of(scene, ORDERS, 1, 0, NULL);
    topic_scene_assert_position(&header.position, 1, 0x100, 1, 1);
}

/* ---- R ---- */

static void r_comes_back_with_its_tables(void **state)
{
    struct topic_scene *scene = *state;
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    topic_scene_start(scene);
    assert_int_equal(scene->recorded.state, RECORDED_STREAMING);
    topic_scene_assert_position(&scene->recorded.position, 1, 0x100, 4, 0);
    assert_true(scene->recorded.end_lsn == 0x108 && scene->recorded.acked_lsn == 0x50);
    assert_string_equal(scene->recorded.slot, "penstock_shop");
    assert_non_null(strstr(scene->recorded.tables, "16385 - \"Sales\""));
}

static void nothing_is_durable_before_its_commit(void **state)
{
    struct topic_scene *scene = *state;
    struct durable durable;
    topic_scene_write_unit(scene, 0x100);
    memory_writer_hold(scene->writer, true);
    topic_scene_flush(scene);
    assert_true(scene->messages->ops->durable(scene->messages, &durable, &scene->err));
    assert_true(durable.end_lsn == 0 && durable.state_count == 1);
    memory_writer_hold(scene->writer, false);
    assert_true(scene->messages->ops->durable(scene->messages, &durable, &scene->err));
    assert_true(durable.end_lsn == 0x108);
    topic_scene_assert_position(&durable.position, 1, 0x100, 4, 0);
}

static void a_watermark_moves_what_is_acknowledged_only(void **state)
{
    struct topic_scene *scene = *state;
    SCOPED_BUFFER value;
    struct watermark watermark = {.lsn = 0x1000, .time_us = 5};
    byte_buffer_init(&value, SIZE_MAX);
    topic_scene_write_unit(scene, 0x100);
    topic_scene_write_message(scene, MESSAGE_WATERMARK, &(struct position){1, 0x100, 4, 0},
                              &watermark, sizeof(watermark));
    topic_scene_flush(scene);
    topic_scene_start(scene);
    assert_true(scene->recorded.acked_lsn == 0x1000 && scene->recorded.end_lsn == 0x108);
    topic_scene_assert_position(&scene->recorded.position, 1, 0x100, 4, 0);
    struct control_entry entry = topic_scene_entry_of(scene, 2, &value);
    assert_int_equal(entry.kind, CONTROL_WATERMARK);
    topic_scene_assert_position(&entry.position, 1, 0x1000, 0, 0);
}

static void an_epoch_names_where_the_old_one_ended(void **state)
{
    struct topic_scene *scene = *state;
    SCOPED_BUFFER value;
    struct control_count count;
    struct control_table table;
    byte_buffer_init(&value, SIZE_MAX);
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    topic_scene_write_state(scene, RECORDED_CREATING, 2);
    struct control_entry entry = topic_scene_entry_of(scene, 2, &value);
    assert_int_equal(entry.kind, CONTROL_EPOCH);
    topic_scene_assert_position(&entry.position, 2, 0, 0, 0);
    assert_int_equal(entry.count_count, 2);
    assert_true(control_next_count(CONTROL_EPOCH, &entry.counts, &count));
    topic_scene_assert_position(&count.last, 1, 0x100, 3, 0);
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
    struct topic_scene *scene = *state;
    SCOPED_BUFFER value;
    byte_buffer_init(&value, SIZE_MAX);
    struct control_entry entry = topic_scene_entry_of(scene, 0, &value);
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
    struct topic_scene *scene = *state;
    struct memory_reader *reader = memory_reader_new(scene->topics);
    struct topic_reader *topics = memory_reader_topics(reader);
    struct topic_shape found;
    assert_true(scene->rows->ops->write_shape(scene->rows, &shape, &scene->err));
    assert_true(scene->rows->ops->write_shape(scene->rows, &shape, &scene->err));
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
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
    struct topic_scene *scene = *state;
    struct topic_shape other = shape;
    assert_true(scene->rows->ops->write_shape(scene->rows, &shape, &scene->err));
    topic_scene_flush(scene);
    topic_scene_start(scene);
    assert_true(scene->rows->ops->write_shape(scene->rows, &shape, &scene->err));
    other.fingerprint = "1123456789012345678901234567890123456789012345678901234567890123";
    assert_false(scene->rows->ops->write_shape(scene->rows, &other, &scene->err));
    assert_int_equal(scene->err.stop, STOP_SCHEMA_CHANGED);
}

static void a_table_without_rows_is_announced(void **state)
{
    struct topic_scene *scene = *state;
    SCOPED_BUFFER value;
    struct position position = {1, 0, 1, 0};
    byte_buffer_init(&value, SIZE_MAX);
    assert_true(scene->rows->ops->announce(scene->rows, &position, &shape, &scene->err));
    topic_scene_write_end(scene, 0, 2);
    topic_scene_flush(scene);
    struct control_entry entry = topic_scene_entry_of(scene, 1, &value);
    assert_true(entry.kind == CONTROL_SHAPE && entry.shape == 7);
    entry = topic_scene_entry_of(scene, 2, &value);
    assert_true(entry.kind == CONTROL_END && entry.count_count == 0);
}

static void an_end_of_nothing_writes_no_entry(void **state)
{
    struct topic_scene *scene = *state;
    topic_scene_write_end(scene, 0x100, 2);
    topic_scene_flush(scene);
    assert_int_equal(topic_scene_entries(scene), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, topic_scene_set_up, topic_scene_tear_down)

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
