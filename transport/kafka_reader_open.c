/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's client, made for the number of partitions that there are, and its partitions. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "transport/kafka_reader_internal.h"
#include "transport/kafka_topics.h"

enum {
    NO_BROKER_PATIENCE_MS = 30000,
    MIN_PARTITION_BYTES = 256 * 1024,
    MAX_FETCH_BYTES = 1024 * 1024,
    /* What librdkafka needs for a queued message beside its value, which is all that it counts. */
    QUEUED_OVERHEAD_BYTES = 512,
    MIN_QUEUED_MESSAGES = 1000,
    HINT_EVERY_MS = 5000,
    NUMBER_SIZE = 24,
};

/* ---- the client ---- */

static bool knows_queue_backoff(void)
{
    char ignored[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool is_known = rd_kafka_conf_set(conf, "fetch.queue.backoff.ms", "1", ignored,
                                      sizeof(ignored)) == RD_KAFKA_CONF_OK;
    rd_kafka_conf_destroy(conf);
    return is_known;
}

static size_t between(size_t least, size_t value, size_t most)
{
    return value < least ? least : value > most ? most : value;
}

static struct kafka_client *make_client(struct kafka_reader *reader, struct error *err)
{
    char queued_kbytes[NUMBER_SIZE];
    char queued_messages[NUMBER_SIZE];
    char fetch_bytes[NUMBER_SIZE];
    char fetch_max_bytes[NUMBER_SIZE];
    size_t bytes = reader->partition_bytes;
    const struct kafka_property own[] = {{"group.id", reader->group},
                                         {"auto.offset.reset", "earliest"},
                                         {"queued.max.messages.kbytes", queued_kbytes},
                                         {"queued.min.messages", queued_messages},
                                         {"fetch.message.max.bytes", fetch_bytes},
                                         {"fetch.max.bytes", fetch_max_bytes},
                                         {"receive.message.max.bytes", "1100000000"},
                                         {NULL, NULL}};
    struct kafka_client_options client = {
        .kafka = &reader->options, .type = RD_KAFKA_CONSUMER, .own = own};
    snprintf(queued_kbytes, NUMBER_SIZE, "%zu", between(1, bytes / 1024, 2097151));
    snprintf(queued_messages, NUMBER_SIZE, "%zu",
             between(MIN_QUEUED_MESSAGES, bytes / QUEUED_OVERHEAD_BYTES, 10000000));
    snprintf(fetch_bytes, NUMBER_SIZE, "%zu",
             between(MIN_PARTITION_BYTES / 2, bytes / 2, MAX_FETCH_BYTES));
    snprintf(fetch_max_bytes, NUMBER_SIZE, "%zu",
             between(MAX_FETCH_BYTES, reader->max_bytes, 50 * MAX_FETCH_BYTES));
    return kafka_client_new(&client, err);
}

/* The partitions of our prefix, control and offsets among them. False with ERROR_NONE: not yet. */
static bool count_partitions(struct kafka_client *client, const char *prefix, size_t *count,
                             struct error *err)
{
    char rows[KAFKA_TOPIC_SIZE];
    *count = 2;
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client->rk, 1, NULL, &metadata, KAFKA_SLICE_MS);
    error_clear(err);
    kafka_client_poll(client, 0);
    if (code)
        return kafka_client_not_yet(client, NO_BROKER_PATIENCE_MS, err);
    kafka_client_is_up(client);
    snprintf(rows, sizeof(rows), "%s.", prefix);
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (strncmp(metadata->topics[i].topic, rows, strlen(rows)) == 0)
            *count += (size_t)metadata->topics[i].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    return true;
}

/* librdkafka's bound is set with the client, and counts for each partition: their number is asked for by a client before it. */
static bool ensure_client(struct kafka_reader *reader, struct error *err)
{
    if (reader->client)
        return true;
    struct kafka_client_options options = {.kafka = &reader->options, .type = RD_KAFKA_CONSUMER};
    struct kafka_client *asking = kafka_client_new(&options, err);
    size_t partitions = 0;
    bool is_counted = false;
    if (!asking)
        return false;
    do {
        is_counted = count_partitions(asking, reader->options.prefix, &partitions, err);
        if (!is_counted && err->kind == ERROR_NONE && stop_flag_is_set(reader->options.stop))
            error_set(err, ERROR_ENDED, "ended on request");
    } while (!is_counted && err->kind == ERROR_NONE);
    kafka_client_free(asking);
    if (!is_counted)
        return false;
    reader->partition_bytes = reader->max_bytes / partitions;
    if (reader->partition_bytes < MIN_PARTITION_BYTES)
        reader->partition_bytes = MIN_PARTITION_BYTES;
    reader->wakes_itself = knows_queue_backoff();
    reader->client = make_client(reader, err);
    return reader->client != NULL;
}

/* ---- partitions ---- */

bool kafka_reader_partitions(struct kafka_reader *reader, const char *topic, uint32_t *partitions,
                             struct error *err)
{
    *partitions = 0;
    if (!ensure_client(reader, err))
        return false;
    while (!kafka_topic_look_up(reader->client, topic, partitions, err)) {
        kafka_client_poll(reader->client, 0);
        if (err->kind != ERROR_NONE ||
            !kafka_client_goes_on(reader->client, NO_BROKER_PATIENCE_MS, err))
            return false;
        if (stop_flag_is_set(reader->options.stop))
            return error_set(err, ERROR_ENDED, "ended on request");
    }
    return *partitions > 0 || error_set(err, ERROR_RETRY, "topic %s isn't there (yet)", topic);
}

static bool check_there(struct kafka_reader *reader, const char *topic, uint32_t partition,
                        struct error *err)
{
    uint32_t partitions;
    if (!kafka_reader_partitions(reader, topic, &partitions, err))
        return false;
    if (partition < partitions)
        return true;
    error_stop(err, STOP_TOPIC_CHANGED, "topic %s has no partition %" PRIu32, topic, partition);
    return error_remedy(err, "a new copy is needed; see docs/stops.md, TOPIC_CHANGED");
}

struct reader_partition *kafka_reader_open(struct kafka_reader *reader, const char *topic,
                                           uint32_t partition, int64_t offset, bool has_header,
                                           struct error *err)
{
    if (!ensure_client(reader, err) || !check_there(reader, topic, partition, err))
        return NULL;
    struct reader_partition *opened = memory_new(sizeof(*opened));
    opened->topic = memory_copy_string(topic);
    opened->number = partition;
    opened->has_header = has_header;
    opened->handle = rd_kafka_topic_new(reader->client->rk, topic, NULL);
    opened->queue = rd_kafka_queue_new(reader->client->rk);
    if (rd_kafka_consume_start_queue(opened->handle, (int32_t)partition,
                                     offset < 0 ? RD_KAFKA_OFFSET_BEGINNING : offset,
                                     opened->queue) != 0) {
        (void)kafka_fail(err, rd_kafka_last_error(), NULL);
        rd_kafka_queue_destroy(opened->queue);
        rd_kafka_topic_destroy(opened->handle);
        free(opened->topic);
        free(opened);
        return NULL;
    }
    if (!has_header)
        return opened;
    reader->partitions =
        memory_resize(reader->partitions, reader->count + 1, sizeof(*reader->partitions));
    reader->partitions[reader->count++] = opened;
    return opened;
}

/* ---- hints ---- */

static void send_hints(struct kafka_reader *reader)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (size_t i = 0; i < reader->count; i++) {
        struct reader_partition *partition = reader->partitions[i];
        if (partition->hint == 0)
            continue;
        rd_kafka_topic_partition_list_add(list, partition->topic, (int32_t)partition->number)
            ->offset = partition->hint;
        partition->hint = 0;
    }
    (void)rd_kafka_commit(reader->client->rk, list, true);
    rd_kafka_topic_partition_list_destroy(list);
}

void kafka_reader_hint(struct kafka_reader *reader, const char *topic, uint32_t partition,
                       int64_t next)
{
    for (size_t i = 0; i < reader->count; i++)
        if (reader->partitions[i]->number == partition &&
            strcmp(reader->partitions[i]->topic, topic) == 0)
            reader->partitions[i]->hint = next;
    int64_t now = clock_now_ms(reader->options.clock);
    if (reader->count == 0 || now - reader->hinted_ms < HINT_EVERY_MS)
        return;
    reader->hinted_ms = now;
    send_hints(reader);
}
