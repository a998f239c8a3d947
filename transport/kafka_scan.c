/* SPDX-License-Identifier: Apache-2.0 */
/* A simple consumer: no group, no coordinator, all partitions in one queue. */
#include "transport/kafka_scan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "transport/kafka_topics.h"

struct scanned {
    char *name;
    uint32_t partition;
    int64_t offset;
    int64_t first;
    int64_t end;
    bool is_started;
    bool is_done;
    rd_kafka_topic_t *topic;
};

struct kafka_scan {
    struct kafka_client *client;
    rd_kafka_queue_t *queue;
    const struct clock *clock;
    struct scanned *partitions;
    size_t count;
    size_t started; /* the first so many are started */
    size_t done;
};

static const struct kafka_property own[] = {
    {"auto.offset.reset", "earliest"},
    {"fetch.wait.max.ms", "10"}, /* the end is near, and nobody writes */
    {NULL, NULL},
};

struct kafka_scan *kafka_scan_new(const struct kafka_options *options, struct error *err)
{
    struct kafka_client_options client = {.kafka = options, .type = RD_KAFKA_CONSUMER, .own = own};
    struct kafka_scan *scan = memory_new(sizeof(*scan));
    scan->client = kafka_client_new(&client, err);
    if (!scan->client) {
        free(scan);
        return NULL;
    }
    scan->clock = options->clock;
    scan->queue = rd_kafka_queue_new(scan->client->rk);
    return scan;
}

void kafka_scan_free(struct kafka_scan *scan)
{
    if (!scan)
        return;
    for (size_t i = 0; i < scan->count; i++) {
        struct scanned *partition = &scan->partitions[i];
        if (partition->is_started)
            rd_kafka_consume_stop(partition->topic, (int32_t)partition->partition);
        if (partition->topic)
            rd_kafka_topic_destroy(partition->topic);
        free(partition->name);
    }
    rd_kafka_queue_destroy(scan->queue);
    kafka_client_free(scan->client);
    free(scan->partitions);
    free(scan);
}

struct kafka_client *kafka_scan_client(struct kafka_scan *scan)
{
    return scan->client;
}

size_t kafka_scan_add(struct kafka_scan *scan, const char *topic, uint32_t partition,
                      int64_t offset)
{
    scan->partitions = memory_resize(scan->partitions, scan->count + 1, sizeof(*scan->partitions));
    scan->partitions[scan->count] = (struct scanned){
        .name = memory_copy_string(topic), .partition = partition, .offset = offset};
    return scan->count++;
}

/* Asks for the partition's bounds; reads it if there is anything from the offset on. */
static bool start_one(struct kafka_scan *scan, struct scanned *partition, struct error *err)
{
    if (!kafka_topic_bounds(scan->client, partition->name, partition->partition, &partition->first,
                            &partition->end, err))
        return false;
    int64_t from = partition->offset > partition->first ? partition->offset : partition->first;
    if (from >= partition->end) {
        partition->is_done = true;
        scan->done++;
        return true;
    }
    partition->topic = rd_kafka_topic_new(scan->client->rk, partition->name, NULL);
    if (!partition->topic ||
        rd_kafka_consume_start_queue(partition->topic, (int32_t)partition->partition, from,
                                     scan->queue) != 0)
        return kafka_fail(err, rd_kafka_last_error(), NULL);
    partition->is_started = true;
    return true;
}

static size_t find(const struct kafka_scan *scan, const rd_kafka_message_t *message)
{
    const char *name = rd_kafka_topic_name(message->rkt);
    for (size_t i = 0; i < scan->count; i++)
        if (scan->partitions[i].partition == (uint32_t)message->partition &&
            strcmp(scan->partitions[i].name, name) == 0)
            return i;
    return scan->count;
}

static bool on_message(struct kafka_scan *scan, const rd_kafka_message_t *message,
                       kafka_scan_take take, void *taker, struct error *err)
{
    size_t index = message->rkt ? find(scan, message) : scan->count;
    if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return kafka_fail(err, message->err, rd_kafka_message_errstr(message));
    if (index == scan->count)
        return true;
    if (!message->err)
        return take(taker, index, message, err);
    struct scanned *partition = &scan->partitions[index];
    if (!partition->is_done && message->offset >= partition->end) {
        partition->is_done = true;
        scan->done++;
    }
    return true;
}

bool kafka_scan_run(struct kafka_scan *scan, kafka_scan_take take, void *taker, struct error *err)
{
    int64_t deadline = clock_now_ms(scan->clock) + KAFKA_SLICE_MS;
    for (int64_t left = KAFKA_SLICE_MS; left > 0; left = deadline - clock_now_ms(scan->clock)) {
        error_clear(err);
        if (scan->started < scan->count) {
            if (!start_one(scan, &scan->partitions[scan->started], err))
                return false;
            scan->started++;
            continue;
        }
        if (scan->done == scan->count)
            return true;
        rd_kafka_poll(scan->client->rk, 0);
        rd_kafka_message_t *message = rd_kafka_consume_queue(scan->queue, (int)left);
        bool is_good = !message || on_message(scan, message, take, taker, err);
        if (message)
            rd_kafka_message_destroy(message);
        if (!is_good)
            return false;
    }
    error_clear(err);
    return scan->started == scan->count && scan->done == scan->count;
}

void kafka_scan_bounds(const struct kafka_scan *scan, size_t index, int64_t *first, int64_t *end)
{
    *first = scan->partitions[index].first;
    *end = scan->partitions[index].end;
}
