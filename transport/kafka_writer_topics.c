/* SPDX-License-Identifier: Apache-2.0 */
/* Topics that the writer finds or makes, and whether they are fit for exactly-once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "transport/kafka_topics.h"
#include "transport/kafka_writer_internal.h"

/* Control records and R may name many topics. */
#define OWN_MAX_MESSAGE_BYTES "8388608"

enum { CREATED_WAIT_MS = 20 };

/* Wherever the question doesn't depend on which producer asks. */
static struct kafka_client *any_client(struct kafka_writer *writer)
{
    return kafka_producer_client(writer->producers[0]);
}

void kafka_writer_use_topic(struct kafka_writer *writer, uint32_t topic, uint64_t max_message_bytes)
{
    const char *name = topic_chain_topic_name(writer->chain, topic);
    if (topic >= writer->topic_count) {
        writer->topics = memory_resize(writer->topics, topic + 1, sizeof(*writer->topics));
        memset(&writer->topics[writer->topic_count], 0,
               (topic + 1 - writer->topic_count) * sizeof(*writer->topics));
        writer->topic_count = topic + 1;
    }
    struct writer_topic *used = &writer->topics[topic];
    for (int i = 0; i < KAFKA_WRITER_PRODUCERS; i++)
        used->at[i] = kafka_producer_topic(writer->producers[i], name, (void *)(uintptr_t)topic);
    used->max_message_bytes = max_message_bytes;
    used->is_ready = true;
}

/* ---- fit or not ---- */

bool kafka_writer_topic_changed(const char *name, uint32_t recorded, uint32_t found,
                                struct error *err)
{
    if (found == 0)
        error_stop(err, STOP_TOPIC_CHANGED, "topic %s was deleted", name);
    else
        error_stop(err, STOP_TOPIC_CHANGED,
                   "topic %s has %" PRIu32 " partitions now; recorded is %" PRIu32
                   ", and its keys lie by that number",
                   name, found, recorded);
    return error_remedy(err, "a new copy is needed; see docs/stops.md, TOPIC_CHANGED");
}

static bool unsuitable(struct error *err, const char *name, const char *what, const char *remedy)
{
    error_stop(err, STOP_TOPIC_UNSUITABLE, "topic %s %s", name, what);
    return error_remedy(err, "%s", remedy);
}

static bool check_cleanup(const struct kafka_writer *writer, uint32_t own, const char *name,
                          const struct kafka_topic_settings *settings, struct error *err)
{
    if (own == TOPIC_CHAIN_OFFSETS)
        return (settings->is_compacted && !settings->is_deleted) ||
               unsuitable(err, name, "would lose the capture's state by retention",
                          "set its cleanup.policy to compact");
    if (!settings->is_compacted ||
        (own != TOPIC_CHAIN_CONTROL && writer->options.kafka.allows_compaction))
        return true;
    return unsuitable(err, name, "is compacted: what is removed from it breaks the chain",
                      "set its cleanup.policy to delete, or topics.allow_compaction: true");
}

/* A batch that the topic doesn't take would fail as a whole. */
static bool check_batch(const struct kafka_writer *writer, const char *name,
                        const struct kafka_topic_settings *settings, struct error *err)
{
    if (settings->max_message_bytes >= writer->batch_bytes + KAFKA_MESSAGE_OVERHEAD)
        return true;
    error_stop(err, STOP_TOPIC_UNSUITABLE,
               "topic %s takes %" PRIu64 " bytes at a time, kafka.batch.size is %" PRIu64, name,
               settings->max_message_bytes, writer->batch_bytes);
    return error_remedy(err, "raise the topic's max.message.bytes, or lower kafka.batch.size");
}

static bool check_settings(struct kafka_writer *writer, uint32_t own, const char *name,
                           uint64_t *max_message_bytes, struct error *err)
{
    struct kafka_topic_settings settings;
    if (!kafka_topic_read_settings(any_client(writer), name, &settings, err) ||
        !check_cleanup(writer, own, name, &settings, err) ||
        !check_batch(writer, name, &settings, err))
        return false;
    *max_message_bytes = settings.max_message_bytes;
    return true;
}

/* ---- making ---- */

/* The number of partitions, 0 only if the topic isn't to be made. A topic just made takes a moment to be seen. */
static bool find_or_make(struct kafka_writer *writer, const struct kafka_topic_plan *plan,
                         uint32_t *partitions, struct error *err)
{
    const struct clock *clock = writer->options.kafka.clock;
    int64_t deadline = clock_now_ms(clock) + KAFKA_SLICE_MS;
    bool is_made = false;
    do {
        if (!kafka_topic_look_up(any_client(writer), plan->name, partitions, err) &&
            (err->kind != ERROR_NONE || !is_made))
            return false;
        if (*partitions > 0)
            return true;
        if (!is_made && !kafka_topic_create(any_client(writer), plan, err))
            return false;
        is_made = true;
        kafka_client_poll(any_client(writer), CREATED_WAIT_MS);
    } while (clock_now_ms(clock) < deadline);
    error_clear(err);
    return false;
}

bool kafka_writer_own_topic(struct kafka_writer *writer, uint32_t topic, struct error *err)
{
    char retention[24];
    const struct kafka_property control[] = {{"cleanup.policy", "delete"},
                                             {"retention.ms", retention},
                                             {"max.message.bytes", OWN_MAX_MESSAGE_BYTES},
                                             {NULL, NULL}};
    const struct kafka_property offsets[] = {
        {"cleanup.policy", "compact"}, {"max.message.bytes", OWN_MAX_MESSAGE_BYTES}, {NULL, NULL}};
    struct kafka_topic_plan plan = {.name = topic_chain_topic_name(writer->chain, topic),
                                    .partitions = 1,
                                    .replication = writer->options.kafka.replication,
                                    .settings = topic == TOPIC_CHAIN_OFFSETS ? offsets : control};
    uint32_t partitions = 0;
    uint64_t max_message_bytes;
    snprintf(retention, sizeof(retention), "%" PRId64, writer->options.kafka.retention_ms);
    if (!find_or_make(writer, &plan, &partitions, err))
        return false;
    if (partitions != 1)
        return kafka_writer_topic_changed(plan.name, 1, partitions, err);
    if (!check_settings(writer, topic, plan.name, &max_message_bytes, err))
        return false;
    kafka_writer_use_topic(writer, topic, max_message_bytes);
    return true;
}

static bool make_rows(struct kafka_writer *writer, const char *name, uint32_t *partitions,
                      struct error *err)
{
    char retention[24];
    char max_message[24];
    const struct kafka_property settings[] = {{"cleanup.policy", "delete"},
                                              {"retention.ms", retention},
                                              {"max.message.bytes", max_message},
                                              {NULL, NULL}};
    struct kafka_topic_plan plan = {.name = name,
                                    .partitions = writer->options.kafka.partitions,
                                    .replication = writer->options.kafka.replication,
                                    .settings = settings};
    snprintf(retention, sizeof(retention), "%" PRId64, writer->options.kafka.retention_ms);
    snprintf(max_message, sizeof(max_message), "%zu", writer->options.kafka.max_message_bytes);
    return find_or_make(writer, &plan, partitions, err);
}

/* ---- opening ---- */

static bool on_found(void *taker, size_t index, const rd_kafka_message_t *message,
                     struct error *err)
{
    (void)taker;
    (void)index;
    error_stop(err, STOP_TOPIC_NOT_EMPTY, "topic %s has messages that aren't this pipeline's",
               rd_kafka_topic_name(message->rkt));
    return error_remedy(err, "delete it if nobody needs it, or choose another topics.prefix");
}

/* Nothing is recorded of the topic, so nothing may be in it; what was rolled back doesn't count. */
static bool check_empty(struct kafka_writer *writer, const char *name, uint32_t partitions,
                        struct error *err)
{
    if (writer->emptiness && strcmp(writer->emptiness_of, name) != 0) {
        kafka_scan_free(writer->emptiness);
        writer->emptiness = NULL;
    }
    if (!writer->emptiness) {
        writer->emptiness = kafka_scan_new(&writer->options.kafka, err);
        if (!writer->emptiness)
            return false;
        snprintf(writer->emptiness_of, sizeof(writer->emptiness_of), "%s", name);
        for (uint32_t i = 0; i < partitions; i++)
            (void)kafka_scan_add(writer->emptiness, name, i, -1);
    }
    if (!kafka_scan_run(writer->emptiness, on_found, NULL, err))
        return false;
    kafka_scan_free(writer->emptiness);
    writer->emptiness = NULL;
    return true;
}

/* Both producers learn who leads the partitions, or their first message would wait for it (librdkafka before 2.10.1: a second). */
static bool warm_up(struct kafka_writer *writer, const char *name, struct error *err)
{
    uint32_t ignored;
    for (int i = 0; i < KAFKA_WRITER_PRODUCERS; i++)
        if (!kafka_topic_look_up(kafka_producer_client(writer->producers[i]), name, &ignored, err))
            return false;
    return true;
}

static bool open_known(struct kafka_writer *writer, const char *name, uint32_t topic,
                       struct error *err)
{
    uint32_t recorded = topic_chain_partition_count(writer->chain, topic);
    uint32_t partitions;
    uint64_t max_message_bytes;
    if (!kafka_topic_look_up(any_client(writer), name, &partitions, err))
        return false;
    if (partitions != recorded || topic_chain_is_topic_gone(writer->chain, topic))
        return kafka_writer_topic_changed(name, recorded, partitions, err);
    if (!check_settings(writer, TOPIC_CHAIN_FIRST_ROWS, name, &max_message_bytes, err) ||
        !warm_up(writer, name, err))
        return false;
    kafka_writer_use_topic(writer, topic, max_message_bytes);
    return true;
}

bool kafka_writer_open_topic(struct kafka_writer *writer, const char *name, uint32_t *topic,
                             struct error *err)
{
    uint32_t partitions = 0;
    uint64_t max_message_bytes;
    if (topic_chain_find_topic(writer->chain, name, topic)) {
        bool is_ready = *topic < writer->topic_count && writer->topics[*topic].is_ready;
        return is_ready || open_known(writer, name, *topic, err);
    }
    if (!make_rows(writer, name, &partitions, err) ||
        !check_settings(writer, TOPIC_CHAIN_FIRST_ROWS, name, &max_message_bytes, err) ||
        !check_empty(writer, name, partitions, err) || !warm_up(writer, name, err))
        return false;
    *topic = topic_chain_add_topic(writer->chain, name, partitions);
    kafka_writer_use_topic(writer, *topic, max_message_bytes);
    return true;
}
