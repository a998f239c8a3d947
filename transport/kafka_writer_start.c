/* SPDX-License-Identifier: Apache-2.0 */
/* Start (DESIGN §3): fence, read R, read the tails, compare, a slice at a time. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "transport/header.h"
#include "transport/kafka_topics.h"
#include "transport/kafka_writer_internal.h"

enum { NO_BROKER_PATIENCE_MS = 30000 };

static struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){data, size};
}

void kafka_writer_end_start(struct kafka_writer *writer)
{
    kafka_scan_free(writer->scan);
    writer->scan = NULL;
    free(writer->tails);
    free(writer->tail_topics);
    free(writer->tail_partitions);
    writer->tails = NULL;
    writer->tail_topics = NULL;
    writer->tail_partitions = NULL;
    writer->tail_count = 0;
}

/* ---- R ---- */

static bool take_offsets(void *taker, size_t index, const rd_kafka_message_t *message,
                         struct error *err)
{
    struct kafka_writer *writer = taker;
    (void)index;
    if (topic_chain_learn(writer->chain, bytes_of(message->key, message->key_len),
                          bytes_of(message->payload, message->len), err))
        return true;
    if (err->kind != ERROR_DATA)
        return false;
    struct error reason = *err;
    error_stop(err, STOP_POISON, "record %" PRId64 " of the offsets topic: %s", message->offset,
               reason.message);
    return error_remedy(err, "something else wrote to it: see docs/stops.md, POISON");
}

static bool read_offsets(struct kafka_writer *writer, struct error *err)
{
    if (!writer->scan) {
        writer->scan = kafka_scan_new(&writer->options.kafka, err);
        if (!writer->scan)
            return false;
        (void)kafka_scan_add(writer->scan,
                             topic_chain_topic_name(writer->chain, TOPIC_CHAIN_OFFSETS), 0, 0);
    }
    if (!kafka_scan_run(writer->scan, take_offsets, writer, err))
        return false;
    kafka_writer_end_start(writer);
    writer->looked_up = TOPIC_CHAIN_FIRST_ROWS;
    return true;
}

/* ---- topics ---- */

static bool look_up_topics(struct kafka_writer *writer, struct error *err)
{
    struct kafka_client *client = kafka_producer_client(writer->producers[0]);
    uint32_t count = topic_chain_topic_count(writer->chain);
    for (; writer->looked_up < count; writer->looked_up++) {
        const char *name = topic_chain_topic_name(writer->chain, writer->looked_up);
        uint32_t recorded = topic_chain_partition_count(writer->chain, writer->looked_up);
        uint32_t found;
        if (!kafka_topic_look_up(client, name, &found, err))
            return false;
        if (found == 0)
            topic_chain_topic_is_gone(writer->chain, writer->looked_up);
        else if (found != recorded)
            return kafka_writer_topic_changed(name, recorded, found, err);
    }
    return true;
}

/* ---- tails ---- */

static bool take_tail(void *taker, size_t index, const rd_kafka_message_t *message,
                      struct error *err)
{
    struct kafka_writer *writer = taker;
    struct topic_tail *tail = &writer->tails[index];
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t size = 0;
    struct header header;
    bool is_there =
        rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_header_get_last(headers, HEADER_NAME, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (is_there && header_read(bytes_of(value, size), &header, err)) {
        tail->has_last = true;
        tail->last = header.position;
        tail->last_offset = message->offset;
        return true;
    }
    error_stop(err, STOP_POISON, "record %" PRId64 " of %s/%" PRId32 " isn't ours", message->offset,
               rd_kafka_topic_name(message->rkt), message->partition);
    return error_remedy(err, "something else wrote to the topic: see docs/stops.md, POISON");
}

static bool begin_tails(struct kafka_writer *writer, struct error *err)
{
    uint32_t topics = topic_chain_topic_count(writer->chain);
    size_t count = 0;
    writer->scan = kafka_scan_new(&writer->options.kafka, err);
    if (!writer->scan)
        return false;
    for (uint32_t topic = 0; topic < topics; topic++)
        count += topic_chain_partition_count(writer->chain, topic);
    writer->tails = memory_new_array(count, sizeof(*writer->tails));
    writer->tail_topics = memory_new_array(count, sizeof(*writer->tail_topics));
    writer->tail_partitions = memory_new_array(count, sizeof(*writer->tail_partitions));
    for (uint32_t topic = 0; topic < topics; topic++) {
        if (topic == TOPIC_CHAIN_OFFSETS || topic_chain_is_topic_gone(writer->chain, topic))
            continue;
        for (uint32_t i = 0; i < topic_chain_partition_count(writer->chain, topic); i++) {
            size_t index =
                kafka_scan_add(writer->scan, topic_chain_topic_name(writer->chain, topic), i,
                               topic_chain_tail_from(writer->chain, topic, i));
            writer->tail_topics[index] = topic;
            writer->tail_partitions[index] = i;
            writer->tail_count = index + 1;
        }
    }
    return true;
}

static bool compare_tail(struct kafka_writer *writer, size_t index, struct error *err)
{
    struct topic_tail *tail = &writer->tails[index];
    uint32_t topic = writer->tail_topics[index];
    uint32_t partition = writer->tail_partitions[index];
    bool is_torn;
    char position[POSITION_TEXT_SIZE];
    kafka_scan_bounds(writer->scan, index, &tail->first, &tail->end);
    if (!topic_chain_take_tail(writer->chain, topic, partition, tail, &is_torn, err))
        return false;
    if (is_torn)
        log_warn("torn Kafka transaction, healed by dropping what is there",
                 "topic=%s partition=%u up_to=%s", topic_chain_topic_name(writer->chain, topic),
                 partition, position_text(&tail->last, position));
    return true;
}

static bool read_tails(struct kafka_writer *writer, struct error *err)
{
    if (!writer->scan && !begin_tails(writer, err))
        return false;
    if (!kafka_scan_run(writer->scan, take_tail, writer, err))
        return false;
    for (size_t i = 0; i < writer->tail_count; i++)
        if (!compare_tail(writer, i, err))
            return false;
    kafka_writer_end_start(writer);
    return true;
}

/* ---- the steps ---- */

static bool do_step(struct kafka_writer *writer, struct error *err)
{
    switch (writer->step) {
    case WRITER_MAKES_CONTROL:
        return kafka_writer_own_topic(writer, TOPIC_CHAIN_CONTROL, err);
    case WRITER_MAKES_OFFSETS:
        return kafka_writer_own_topic(writer, TOPIC_CHAIN_OFFSETS, err);
    case WRITER_FENCES_FIRST:
        return kafka_producer_init(writer->producers[0], err);
    case WRITER_FENCES_SECOND:
        return kafka_producer_init(writer->producers[1], err);
    case WRITER_READS_OFFSETS:
        return read_offsets(writer, err);
    case WRITER_LOOKS_UP_TOPICS:
        return look_up_topics(writer, err);
    case WRITER_READS_TAILS:
        return read_tails(writer, err);
    case WRITER_IS_READY:
        break;
    }
    return true;
}

bool kafka_writer_start(struct kafka_writer *writer, struct error *err)
{
    const struct clock *clock = writer->options.kafka.clock;
    int64_t deadline = clock_now_ms(clock) + KAFKA_SLICE_MS;
    while (writer->step != WRITER_IS_READY) {
        error_clear(err);
        kafka_writer_poll(writer);
        if (!do_step(writer, err)) {
            struct kafka_client *client = kafka_producer_client(writer->producers[0]);
            return err->kind == ERROR_NONE
                       ? kafka_client_not_yet(client, NO_BROKER_PATIENCE_MS, err)
                       : false;
        }
        writer->step++;
        if (clock_now_ms(clock) >= deadline)
            break;
    }
    error_clear(err);
    return writer->step == WRITER_IS_READY;
}
