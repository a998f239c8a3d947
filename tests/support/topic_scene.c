/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and looking, for tests of what writes to topics. */
#include "tests/support/topic_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct memory_writer_options topic_scene_options = {.name = "shop",
                                                          .prefix = "shop",
                                                          .partitions = 2,
                                                          .transaction_bytes = SIZE_MAX,
                                                          .part_bytes = SIZE_MAX,
                                                          .part_messages = 3};

void topic_scene_start_writer_with(struct topic_scene *scene,
                                   const struct memory_writer_options *with)
{
    memory_writer_free(scene->writer);
    scene->writer = memory_writer_new(scene->topics, with);
    scene->messages = memory_writer_messages(scene->writer);
    scene->rows = memory_writer_topics(scene->writer);
}

bool topic_scene_try_start(struct topic_scene *scene)
{
    bool is_known = false;
    topic_scene_start_writer_with(scene, &topic_scene_options);
    return scene->messages->ops->recorded(scene->messages, &scene->recorded, &is_known,
                                          &scene->err) &&
           is_known;
}

/* A capture begins, or begins again after a crash. */
void topic_scene_start(struct topic_scene *scene)
{
    assert_true(topic_scene_try_start(scene));
}

void topic_scene_write_message(struct topic_scene *scene, enum message_kind kind,
                               const struct position *position, const void *body, size_t size)
{
    struct message message = {.kind = kind, .position = *position, .body = {body, size}};
    assert_true(scene->messages->ops->write(scene->messages, &message, &scene->err));
}

void topic_scene_flush(struct topic_scene *scene)
{
    assert_true(scene->messages->ops->flush(scene->messages, &scene->err));
}

void topic_scene_write_state(struct topic_scene *scene, enum recorded_state kind, uint32_t epoch)
{
    SCOPED_BUFFER body;
    struct recorded state = {
        .state = kind, .position = {.epoch = epoch}, .acked_lsn = 0x50, .slot = "penstock_shop"};
    state.tables = (char[]){"16384 - public.orders\n16385 - \"Sales\".\"a \"\"b\"\"\"\n"};
    byte_buffer_init(&body, SIZE_MAX);
    recorded_write(&body, &state);
    topic_scene_write_message(scene, MESSAGE_STATE, &state.position, body.data, body.size);
    topic_scene_flush(scene);
}

uint32_t topic_scene_open_topic(struct topic_scene *scene, const char *name)
{
    uint32_t topic;
    assert_true(scene->rows->ops->open_topic(scene->rows, name, &topic, &scene->err));
    return topic;
}

struct topic_row topic_scene_row_at(const struct topic_scene *scene, pg_lsn commit_lsn,
                                    uint64_t ordinal, const char *key)
{
    return (struct topic_row){.topic = scene->orders,
                              .position = {1, commit_lsn, ordinal, 0},
                              .shape = 7,
                              .key = {(const uint8_t *)key, strlen(key)},
                              .value = {(const uint8_t *)"value", 5}};
}

bool topic_scene_try_row(struct topic_scene *scene, pg_lsn commit_lsn, uint64_t ordinal,
                         const char *key)
{
    struct topic_row row = topic_scene_row_at(scene, commit_lsn, ordinal, key);
    return scene->rows->ops->write_row(scene->rows, &row, &scene->err);
}

void topic_scene_write_row(struct topic_scene *scene, pg_lsn commit_lsn, uint64_t ordinal,
                           const char *key)
{
    assert_true(topic_scene_try_row(scene, commit_lsn, ordinal, key));
}

void topic_scene_write_end(struct topic_scene *scene, pg_lsn commit_lsn, uint64_t ordinal)
{
    struct position position = {1, commit_lsn, ordinal, 0};
    struct unit_end end = {.end_lsn = commit_lsn + 8, .commit_time_us = 1, .xid = 4711};
    topic_scene_write_message(scene, MESSAGE_END, &position, &end, sizeof(end));
}

/* `b` goes to partition 0, `d` to partition 1, of two. */
void topic_scene_write_unit(struct topic_scene *scene, pg_lsn commit_lsn)
{
    topic_scene_write_row(scene, commit_lsn, 1, "d");
    topic_scene_write_row(scene, commit_lsn, 2, "b");
    topic_scene_write_row(scene, commit_lsn, 3, "b");
    topic_scene_write_end(scene, commit_lsn, 4);
}

int topic_scene_set_up(void **state)
{
    struct topic_scene *scene = calloc(1, sizeof(*scene));
    scene->topics = memory_topics_new();
    *state = scene;
    topic_scene_start(scene);
    topic_scene_write_state(scene, RECORDED_STREAMING, 1);
    scene->orders = topic_scene_open_topic(scene, ORDERS);
    return 0;
}

int topic_scene_tear_down(void **state)
{
    struct topic_scene *scene = *state;
    memory_writer_free(scene->writer);
    memory_topics_free(scene->topics);
    recorded_release(&scene->recorded);
    free(scene);
    return 0;
}

/* ---- what is seen ---- */

/* The record number `index` that a reader sees. */
struct header topic_scene_header_of(const struct topic_scene *scene, const char *topic,
                                    uint32_t partition, size_t index, struct byte_buffer *value)
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
struct control_entry topic_scene_entry_of(const struct topic_scene *scene, size_t index,
                                          struct byte_buffer *value)
{
    struct control_entry entry;
    struct control_reader reader;
    struct error err;
    for (size_t record = 0;; record++) {
        topic_scene_header_of(scene, CONTROL, 0, record, value);
        assert_true(control_open(&reader, (struct bytes){value->data, value->size}, &err));
        while (control_next(&reader, &entry, &err))
            if (index-- == 0)
                return entry;
    }
}

size_t topic_scene_entries(const struct topic_scene *scene)
{
    SCOPED_BUFFER value;
    size_t count = 0;
    byte_buffer_init(&value, SIZE_MAX);
    for (size_t i = 0; i < memory_topics_count(scene->topics, CONTROL, 0); i++) {
        struct control_reader reader;
        struct error err;
        topic_scene_header_of(scene, CONTROL, 0, i, &value);
        assert_true(control_open(&reader, (struct bytes){value.data, value.size}, &err));
        count += reader.left;
    }
    return count;
}

void topic_scene_assert_position(const struct position *position, uint32_t epoch, pg_lsn commit_lsn,
                                 uint64_t ordinal, uint32_t step)
{
    struct position expected = {epoch, commit_lsn, ordinal, step};
    char left[POSITION_TEXT_SIZE];
    char right[POSITION_TEXT_SIZE];
    assert_string_equal(position_text(position, left), position_text(&expected, right));
}
