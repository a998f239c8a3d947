/* SPDX-License-Identifier: Apache-2.0 */
/* A scan of the offsets topic, of which R and the topics are kept, and the bounds of the control topic. */
#include "transport/kafka_look.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "transport/kafka_patience.h"
#include "transport/kafka_scan.h"
#include "transport/kafka_topics.h"
#include "transport/offsets.h"

/* ---- records ---- */

static bool take_recorded(struct kafka_look *look, const struct offsets_record *record,
                          struct error *err)
{
    struct recorded recorded = {0};
    if (!recorded_read(record->recorded, &recorded, err))
        return false;
    free(recorded.tables);
    recorded.tables = look->recorded.tables; /* they come in a record of their own */
    look->recorded = recorded;
    snprintf(look->name, sizeof(look->name), "%s", record->name);
    return true;
}

/* The last record of a topic counts. */
static void take_topic(struct kafka_look *look, const char *name, uint32_t partitions)
{
    for (size_t i = 0; i < look->topic_count; i++) {
        if (strcmp(look->topics[i].name, name) == 0) {
            look->topics[i].partitions = partitions;
            return;
        }
    }
    look->topics = memory_resize(look->topics, look->topic_count + 1, sizeof(*look->topics));
    look->topics[look->topic_count++] =
        (struct kafka_look_topic){.name = memory_copy_string(name), .partitions = partitions};
}

static bool take_record(struct kafka_look *look, int64_t time_ms, struct bytes key,
                        struct bytes value, struct error *err)
{
    struct offsets_record record;
    if (!offsets_read(key, value, &record, err))
        return false;
    switch (record.kind) {
    case OFFSETS_RECORDED:
        look->recorded_ms = time_ms > 0 ? time_ms : 0;
        return take_recorded(look, &record, err);
    case OFFSETS_TABLES:
        free(look->recorded.tables);
        look->recorded.tables = memory_copy_string(record.tables);
        return true;
    case OFFSETS_TOPIC:
        take_topic(look, record.topic, record.partition);
        return true;
    case OFFSETS_PARTITION:
    case OFFSETS_SHAPE:
        return true;
    }
    return error_set(err, ERROR_FATAL, "a kind of record that the reader let through");
}

static bool take_message(void *taker, size_t index, const rd_kafka_message_t *message,
                         struct error *err)
{
    struct kafka_look *look = taker;
    rd_kafka_timestamp_type_t type;
    (void)index;
    int64_t time_ms = rd_kafka_message_timestamp(message, &type);
    if (take_record(look, time_ms, (struct bytes){message->key, message->key_len},
                    (struct bytes){message->payload, message->len}, err))
        return true;
    if (err->kind != ERROR_DATA)
        return false;
    struct error reason = *err;
    error_stop(err, STOP_POISON, "record %" PRId64 " of the offsets topic: %s", message->offset,
               reason.message);
    return error_remedy(err, "something else wrote to it: see docs/stops.md, POISON");
}

/* ---- the two topics ---- */

static bool find(struct kafka_scan *scan, const char *topic, const struct kafka_patience *patience,
                 bool *is_there, struct error *err)
{
    uint32_t partitions = 0;
    while (!kafka_topic_look_up(kafka_scan_client(scan), topic, &partitions, err))
        if (!kafka_patience_again(patience, kafka_scan_client(scan), err))
            return false;
    *is_there = partitions > 0;
    return true;
}

static bool look_at_offsets(struct kafka_scan *scan, const char *topic,
                            const struct kafka_patience *patience, struct kafka_look *look,
                            struct error *err)
{
    bool is_there;
    if (!find(scan, topic, patience, &is_there, err))
        return false;
    if (!is_there)
        return true;
    (void)kafka_scan_add(scan, topic, 0, 0);
    while (!kafka_scan_run(scan, take_message, look, err))
        if (!kafka_patience_again(patience, kafka_scan_client(scan), err))
            return error_add(err, "topic %s", topic);
    return true;
}

static bool look_at_control(struct kafka_scan *scan, const char *topic,
                            const struct kafka_patience *patience, struct kafka_look *look,
                            struct error *err)
{
    if (!find(scan, topic, patience, &look->has_control, err))
        return false;
    while (look->has_control && !kafka_topic_bounds(kafka_scan_client(scan), topic, 0,
                                                    &look->control_first, &look->control_end, err))
        if (!kafka_patience_again(patience, kafka_scan_client(scan), err))
            return false;
    return true;
}

bool kafka_look(const struct kafka_options *options, int patience_ms, struct kafka_look *look,
                struct error *err)
{
    struct kafka_patience patience = kafka_patience_of(options, patience_ms);
    char offsets[KAFKA_TOPIC_SIZE];
    char control[KAFKA_TOPIC_SIZE];
    *look = (struct kafka_look){0};
    kafka_offsets_name(options->prefix, offsets);
    kafka_control_name(options->prefix, control);
    struct kafka_scan *scan = kafka_scan_new(options, err);
    bool is_done = scan && look_at_offsets(scan, offsets, &patience, look, err) &&
                   look_at_control(scan, control, &patience, look, err);
    kafka_scan_free(scan);
    if (is_done && !look->recorded.tables)
        look->recorded.tables = memory_copy_string("");
    return is_done;
}

void kafka_look_release(struct kafka_look *look)
{
    for (size_t i = 0; i < look->topic_count; i++)
        free(look->topics[i].name);
    free(look->topics);
    recorded_release(&look->recorded);
    *look = (struct kafka_look){0};
}
