/* SPDX-License-Identifier: Apache-2.0 */
/* A simple consumer: each partition has its own queue, which librdkafka fills up to a bound in bytes. */
#include "transport/kafka_reader.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/memory.h"
#include "transport/kafka_reader_internal.h"
#include "transport/kafka_topics.h"

enum {
    LOST_PATIENCE_MS = 60000,
    WAKE_EVERY_MS = 5,
    WAIT_MS = 1000,
    DOWN_BEFORE_ASKING_MS = 10000,
};

static struct kafka_reader *of(struct topic_reader *base)
{
    return (struct kafka_reader *)base;
}

static int64_t now_ms(const struct kafka_reader *reader)
{
    return clock_now_ms(reader->options.clock);
}

/* ---- the fetcher ---- */

/* librdkafka before 2.2 stops fetching a partition whose queue is full and sleeps up to a second, whatever is taken
 * meanwhile; an answer of the partition's leader wakes it. */
static void wake_fetcher(struct kafka_reader *reader, struct reader_partition *partition)
{
    int64_t first;
    int64_t end;
    struct error ignored;
    int64_t now = now_ms(reader);
    if (reader->wakes_itself || now - reader->woken_ms < WAKE_EVERY_MS)
        return;
    partition->taken_bytes = 0;
    if (kafka_topic_bounds(reader->client, partition->topic, partition->number, &first, &end,
                           &ignored))
        now = now_ms(reader);
    reader->woken_ms = now;
}

/* Whether the brokers are still there: after a while of silence one is asked. */
static bool check_contact(struct kafka_reader *reader, struct reader_partition *partition,
                          struct error *err)
{
    int64_t first;
    int64_t end;
    int64_t down_since = reader->client->down_since_ms;
    kafka_client_poll(reader->client, 0);
    if (down_since != 0 && now_ms(reader) - down_since >= DOWN_BEFORE_ASKING_MS &&
        !kafka_topic_bounds(reader->client, partition->topic, partition->number, &first, &end,
                            err) &&
        err->kind != ERROR_NONE)
        return false;
    error_clear(err);
    return kafka_client_goes_on(reader->client, LOST_PATIENCE_MS, err);
}

/* ---- messages ---- */

static bool poison(const struct reader_partition *partition, int64_t offset, struct error *err)
{
    struct error reason = *err;
    error_stop(err, STOP_POISON, "record %" PRId64 " of %s/%" PRIu32 ": %s", offset,
               partition->topic, partition->number, reason.message);
    return error_remedy(err, "something else wrote to the topic, or its bytes were damaged: see "
                             "docs/stops.md, POISON");
}

static bool read_header(struct reader_partition *partition, struct error *err)
{
    rd_kafka_message_t *message = partition->message;
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t size = 0;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, HEADER_NAME, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        error_set(err, ERROR_DATA, "it has no header penstock");
    else if (header_read((struct bytes){value, size}, &partition->record.header, err))
        return true;
    return poison(partition, message->offset, err);
}

/* librdkafka's word is a moment's view of a broker that may be starting: the brokers are asked before a person is. */
static bool on_unknown(struct kafka_reader *reader, const struct reader_partition *partition,
                       struct error *err)
{
    uint32_t partitions = 0;
    bool is_answered = kafka_topic_look_up(reader->client, partition->topic, &partitions, err);
    if (err->kind != ERROR_NONE)
        return false;
    if (!is_answered || partitions > partition->number)
        return error_set(err, ERROR_RETRY, "topic %s was not there for a moment", partition->topic);
    error_stop(err, STOP_TOPIC_CHANGED, "topic %s was deleted", partition->topic);
    return error_remedy(err, "a new copy is needed; see docs/stops.md, TOPIC_CHANGED");
}

static bool on_error(struct kafka_reader *reader, const struct reader_partition *partition,
                     const rd_kafka_message_t *message, struct error *err)
{
    bool is_gone = message->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
                   message->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                   message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    const char *text = rd_kafka_message_errstr(message);
    if (is_gone)
        return on_unknown(reader, partition, err);
    if (message->err == RD_KAFKA_RESP_ERR__BAD_MSG) {
        error_set(err, ERROR_DATA, "%s", text);
        return poison(partition, message->offset, err);
    }
    return kafka_fail(err, message->err, text);
}

/* Takes what the queue gave. */
static bool on_message(struct kafka_reader *reader, struct reader_partition *partition,
                       rd_kafka_message_t *message, struct error *err)
{
    if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        bool goes_on = on_error(reader, partition, message, err);
        rd_kafka_message_destroy(message);
        return goes_on;
    }
    if (reader->client->down_since_ms != 0)
        kafka_client_is_up(reader->client);
    partition->is_at_end = message->err != 0;
    if (partition->is_at_end) {
        partition->end = message->offset;
        rd_kafka_message_destroy(message);
        return true;
    }
    partition->message = message;
    partition->record.offset = message->offset;
    partition->record.key = (struct bytes){message->key, message->key_len};
    partition->record.value = (struct bytes){message->payload, message->len};
    return !partition->has_header || read_header(partition, err);
}

static int slice_ms(const struct kafka_reader *reader, const struct reader_partition *partition,
                    int64_t left)
{
    int64_t most = reader->wakes_itself || partition->is_at_end ? WAIT_MS : WAKE_EVERY_MS;
    return (int)(left < 0 ? 0 : left < most ? left : most);
}

bool kafka_reader_fetch(struct kafka_reader *reader, struct reader_partition *partition,
                        int timeout_ms, struct error *err)
{
    int64_t deadline = timeout_ms > 0 ? now_ms(reader) + timeout_ms : 0;
    error_clear(err);
    while (!partition->message) {
        int64_t left = timeout_ms > 0 ? deadline - now_ms(reader) : 0;
        atomic_store(&reader->waiting, partition->queue);
        if (left > 0 && atomic_exchange(&reader->is_woken, false))
            return true;
        rd_kafka_message_t *message =
            rd_kafka_consume_queue(partition->queue, slice_ms(reader, partition, left));
        if (message && !on_message(reader, partition, message, err))
            return false;
        if (message)
            continue;
        if (left <= 0)
            return true;
        if (!partition->is_at_end)
            wake_fetcher(reader, partition);
        if (!check_contact(reader, partition, err))
            return false;
    }
    return true;
}

static bool reader_peek(struct topic_reader *base, partition_handle handle, int timeout_ms,
                        const struct topic_record **record, enum peeked *peeked, struct error *err)
{
    struct kafka_reader *reader = of(base);
    struct reader_partition *partition = reader->partitions[handle];
    *record = NULL;
    *peeked = PEEKED_NOTHING;
    if (!partition->message && !kafka_reader_fetch(reader, partition, timeout_ms, err))
        return false;
    if (partition->message) {
        *record = &partition->record;
        *peeked = PEEKED_RECORD;
    } else if (partition->is_at_end) {
        *peeked = PEEKED_END;
    }
    return true;
}

void kafka_reader_drop(struct kafka_reader *reader, struct reader_partition *partition)
{
    partition->taken_bytes += partition->message->len;
    rd_kafka_message_destroy(partition->message);
    partition->message = NULL;
    if (partition->taken_bytes >= reader->partition_bytes / 2)
        wake_fetcher(reader, partition);
}

static void reader_take(struct topic_reader *base, partition_handle handle)
{
    kafka_reader_drop(of(base), of(base)->partitions[handle]);
}

/* ---- the rest ---- */

static bool reader_open(struct topic_reader *base, const char *topic, uint32_t partition,
                        int64_t offset, partition_handle *handle, struct error *err)
{
    struct kafka_reader *reader = of(base);
    struct reader_partition *opened =
        kafka_reader_open(reader, topic, partition, offset, true, err);
    if (!opened)
        return false;
    *handle = (partition_handle)(reader->count - 1);
    return true;
}

bool kafka_reader_bounds(struct kafka_reader *reader, const struct reader_partition *partition,
                         int64_t *first, int64_t *end, struct error *err)
{
    int64_t deadline = now_ms(reader) + LOST_PATIENCE_MS;
    while (!stop_flag_is_set(reader->options.stop)) {
        if (kafka_topic_bounds(reader->client, partition->topic, partition->number, first, end,
                               err))
            return true;
        if (err->kind != ERROR_NONE)
            return false;
        if (now_ms(reader) >= deadline)
            return error_set(err, ERROR_RETRY, "topic %s: no answer", partition->topic);
    }
    return error_set(err, ERROR_ENDED, "ended on request");
}

static bool reader_bounds(struct topic_reader *base, partition_handle handle, int64_t *first,
                          int64_t *last, struct error *err)
{
    return kafka_reader_bounds(of(base), of(base)->partitions[handle], first, last, err);
}

static bool reader_shape(struct topic_reader *base, uint64_t hash, const char *topic,
                         struct topic_shape *shape, struct error *err)
{
    return kafka_reader_shape(of(base), hash, topic, shape, err);
}

static void reader_wake(struct topic_reader *base)
{
    struct kafka_reader *reader = of(base);
    atomic_store(&reader->is_woken, true);
    rd_kafka_queue_t *queue = atomic_load(&reader->waiting);
    if (queue)
        rd_kafka_queue_yield(queue);
}

static void reader_hint(struct topic_reader *base, const char *topic, uint32_t partition,
                        int64_t next)
{
    kafka_reader_hint(of(base), topic, partition, next);
}

static const struct topic_reader_ops ops = {.open = reader_open,
                                            .peek = reader_peek,
                                            .take = reader_take,
                                            .bounds = reader_bounds,
                                            .shape = reader_shape,
                                            .wake = reader_wake,
                                            .hint = reader_hint};

struct kafka_reader *kafka_reader_new(const struct kafka_options *options, const char *group,
                                      size_t max_bytes, struct error *err)
{
    struct kafka_reader *reader = memory_new(sizeof(*reader));
    if (!kafka_check_properties(options, err)) {
        free(reader);
        return NULL;
    }
    reader->base.ops = &ops;
    reader->options = *options;
    reader->group = memory_copy_string(group);
    reader->max_bytes = max_bytes;
    reader->shapes_arena = arena_new(16 * 1024);
    atomic_init(&reader->waiting, NULL);
    return reader;
}

static void free_partition(struct reader_partition *partition)
{
    if (partition->message)
        rd_kafka_message_destroy(partition->message);
    rd_kafka_consume_stop(partition->handle, (int32_t)partition->number);
    rd_kafka_queue_destroy(partition->queue);
    rd_kafka_topic_destroy(partition->handle);
    free(partition->topic);
    free(partition);
}

void kafka_reader_free(struct kafka_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < reader->count; i++)
        free_partition(reader->partitions[i]);
    if (reader->offsets)
        free_partition(reader->offsets);
    kafka_client_free(reader->client);
    arena_free(reader->shapes_arena);
    free(reader->partitions);
    free(reader->shapes);
    free(reader->group);
    free(reader);
}

struct topic_reader *kafka_reader_topics(struct kafka_reader *reader)
{
    return &reader->base;
}
