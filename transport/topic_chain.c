/* SPDX-License-Identifier: Apache-2.0 */
/* The chain's memory: topics and partitions, what the offsets topic says of them, and what their tails say. */
#include "transport/topic_chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "transport/kafka.h"
#include "transport/topic_chain_internal.h"

/* ---- life ---- */

static uint32_t add_topic(struct topic_chain *chain, const char *name, uint32_t partitions)
{
    chain->topics = memory_resize(chain->topics, chain->topic_count + 1, sizeof(*chain->topics));
    chain->topics[chain->topic_count] = (struct chain_topic){.name = memory_copy_string(name),
                                                             .partition_count = partitions,
                                                             .first = chain->partition_count};
    chain->partitions = memory_resize(
        chain->partitions, (size_t)chain->partition_count + partitions, sizeof(*chain->partitions));
    for (uint32_t i = 0; i < partitions; i++)
        chain->partitions[chain->partition_count++] =
            (struct chain_partition){.topic = chain->topic_count, .number = i, .acked_offset = -1};
    return chain->topic_count++;
}

struct topic_chain *topic_chain_new(const struct topic_chain_options *options)
{
    char name[KAFKA_TOPIC_SIZE];
    struct topic_chain *chain = memory_new(sizeof(*chain));
    chain->options = *options;
    kafka_control_name(options->prefix, name);
    add_topic(chain, name, 1);
    kafka_offsets_name(options->prefix, name);
    add_topic(chain, name, 1);
    byte_buffer_init(&chain->entries, CONTROL_MAX_ENTRY);
    byte_buffer_init(&chain->counts, CONTROL_MAX_ENTRY);
    byte_buffer_init(&chain->tables, CONTROL_MAX_ENTRY);
    byte_buffer_init(&chain->header, HEADER_MAX_SIZE);
    byte_buffer_init(&chain->key, OFFSETS_MAX_BYTES);
    byte_buffer_init(&chain->value, OFFSETS_MAX_BYTES);
    return chain;
}

void topic_chain_free(struct topic_chain *chain)
{
    if (!chain)
        return;
    for (uint32_t i = 0; i < chain->topic_count; i++)
        free(chain->topics[i].name);
    chain_clear_pending(chain);
    recorded_release(&chain->recorded);
    byte_buffer_release(&chain->entries);
    byte_buffer_release(&chain->counts);
    byte_buffer_release(&chain->tables);
    byte_buffer_release(&chain->header);
    byte_buffer_release(&chain->key);
    byte_buffer_release(&chain->value);
    free(chain->topics);
    free(chain->partitions);
    free(chain->shapes);
    free(chain->pending);
    free(chain->unit.items);
    free(chain->touched.items);
    free(chain);
}

/* ---- topics ---- */

struct chain_partition *chain_partition(struct topic_chain *chain, uint32_t topic,
                                        uint32_t partition)
{
    return &chain->partitions[chain->topics[topic].first + partition];
}

void chain_list_add(struct chain_list *list, uint32_t item)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 16;
        list->items = memory_resize(list->items, list->capacity, sizeof(*list->items));
    }
    list->items[list->count++] = item;
}

uint32_t topic_chain_topic_count(const struct topic_chain *chain)
{
    return chain->topic_count;
}

const char *topic_chain_topic_name(const struct topic_chain *chain, uint32_t topic)
{
    return chain->topics[topic].name;
}

uint32_t topic_chain_partition_count(const struct topic_chain *chain, uint32_t topic)
{
    return chain->topics[topic].partition_count;
}

bool topic_chain_find_topic(const struct topic_chain *chain, const char *name, uint32_t *topic)
{
    for (uint32_t i = 0; i < chain->topic_count; i++) {
        if (strcmp(chain->topics[i].name, name) == 0) {
            *topic = i;
            return true;
        }
    }
    return false;
}

struct chain_pending *chain_add_pending(struct topic_chain *chain)
{
    chain->pending =
        memory_resize(chain->pending, chain->pending_count + 1, sizeof(*chain->pending));
    struct chain_pending *record = &chain->pending[chain->pending_count++];
    byte_buffer_init(&record->key, OFFSETS_MAX_BYTES);
    byte_buffer_init(&record->value, OFFSETS_MAX_BYTES);
    return record;
}

void chain_clear_pending(struct topic_chain *chain)
{
    for (size_t i = 0; i < chain->pending_count; i++) {
        byte_buffer_release(&chain->pending[i].key);
        byte_buffer_release(&chain->pending[i].value);
    }
    chain->pending_count = 0;
}

uint32_t topic_chain_add_topic(struct topic_chain *chain, const char *name, uint32_t partitions)
{
    struct chain_pending *record = chain_add_pending(chain);
    offsets_write_topic(&record->key, &record->value, name, partitions);
    return add_topic(chain, name, partitions);
}

void topic_chain_topic_is_gone(struct topic_chain *chain, uint32_t topic)
{
    chain->topics[topic].is_gone = true;
}

bool topic_chain_is_topic_gone(const struct topic_chain *chain, uint32_t topic)
{
    return chain->topics[topic].is_gone;
}

/* ---- what is recorded ---- */

static bool learn_recorded(struct topic_chain *chain, const struct offsets_record *record,
                           struct error *err)
{
    struct recorded recorded = {0};
    if (strcmp(record->name, chain->options.name) != 0) {
        error_stop(err, STOP_TOPICS_FOREIGN, "the topics of prefix %s belong to pipeline %s",
                   chain->options.prefix, record->name);
        return error_remedy(err, "choose another topics.prefix");
    }
    if (!recorded_read(record->recorded, &recorded, err))
        return false;
    free(recorded.tables);
    recorded.tables = memory_copy_string(chain->recorded.tables ? chain->recorded.tables : "");
    recorded_release(&chain->recorded);
    chain->recorded = recorded;
    chain->durable = (struct durable){.state = recorded.state,
                                      .position = recorded.position,
                                      .end_lsn = recorded.end_lsn,
                                      .acked_lsn = recorded.acked_lsn};
    return true;
}

static bool learn_partition(struct topic_chain *chain, const struct offsets_record *record,
                            struct error *err)
{
    uint32_t topic;
    if (!topic_chain_find_topic(chain, record->topic, &topic) ||
        record->partition >= chain->topics[topic].partition_count)
        return error_set(err, ERROR_DATA,
                         "the offsets topic names partition %s/%" PRIu32 ", but not the topic",
                         record->topic, record->partition);
    struct chain_partition *partition = chain_partition(chain, topic, record->partition);
    partition->last = record->last;
    partition->acked_offset = record->acked_offset;
    if (topic == TOPIC_CHAIN_CONTROL)
        chain->last_entry = record->last;
    return true;
}

const char *chain_find_shape(const struct topic_chain *chain, uint64_t hash)
{
    for (size_t i = chain->shape_count; i-- > 0;)
        if (chain->shapes[i].hash == hash)
            return chain->shapes[i].fingerprint;
    return NULL;
}

void chain_add_shape(struct topic_chain *chain, const struct topic_shape *shape)
{
    if (chain_find_shape(chain, shape->hash))
        return;
    chain->shapes = memory_resize(chain->shapes, chain->shape_count + 1, sizeof(*chain->shapes));
    struct chain_shape *added = &chain->shapes[chain->shape_count++];
    added->hash = shape->hash;
    snprintf(added->fingerprint, sizeof(added->fingerprint), "%s", shape->fingerprint);
}

bool topic_chain_learn(struct topic_chain *chain, struct bytes key, struct bytes value,
                       struct error *err)
{
    struct offsets_record record;
    uint32_t topic;
    if (!offsets_read(key, value, &record, err))
        return false;
    switch (record.kind) {
    case OFFSETS_RECORDED:
        return learn_recorded(chain, &record, err);
    case OFFSETS_TABLES:
        free(chain->recorded.tables);
        chain->recorded.tables = memory_copy_string(record.tables);
        return true;
    case OFFSETS_TOPIC:
        if (!topic_chain_find_topic(chain, record.topic, &topic))
            add_topic(chain, record.topic, record.partition);
        return true;
    case OFFSETS_PARTITION:
        return learn_partition(chain, &record, err);
    case OFFSETS_SHAPE:
        chain_add_shape(chain, &record.shape);
        return true;
    }
    return error_set(err, ERROR_FATAL, "a kind of record that the reader let through");
}

const struct recorded *topic_chain_recorded(const struct topic_chain *chain)
{
    return &chain->recorded;
}

/* ---- tails ---- */

int64_t topic_chain_tail_from(const struct topic_chain *chain, uint32_t topic, uint32_t partition)
{
    return chain->partitions[chain->topics[topic].first + partition].acked_offset;
}

static bool not_empty(const struct topic_chain *chain, uint32_t topic, struct error *err)
{
    const char *name = chain->topics[topic].name;
    error_stop(err, STOP_TOPIC_NOT_EMPTY, "topic %s has messages, though nothing is recorded of it",
               name);
    return error_remedy(err, "delete it if nobody needs it, or choose another topics.prefix");
}

static bool mismatch(const struct topic_chain *chain, const struct chain_partition *partition,
                     const char *what, struct error *err)
{
    char recorded[POSITION_TEXT_SIZE];
    error_stop(err, STOP_POSITION_MISMATCH, "%s/%" PRIu32 " %s; recorded is %s at offset %" PRId64,
               chain->topics[partition->topic].name, partition->number, what,
               position_text(&partition->last, recorded), partition->acked_offset);
    return error_remedy(err, "Kafka lost messages that were acknowledged, or the topic was made "
                             "anew: a new copy is needed; see docs/stops.md, POSITION_MISMATCH");
}

/* Nothing from the recorded offset on: right only if retention took it, or there never was anything. */
static bool take_empty_tail(const struct topic_chain *chain,
                            const struct chain_partition *partition, const struct topic_tail *tail,
                            struct error *err)
{
    bool is_trimmed = tail->first > partition->acked_offset && tail->first > 0;
    if (position_is_none(&partition->last) || is_trimmed)
        return true;
    return mismatch(chain, partition, "has not what was written", err);
}

bool topic_chain_take_tail(struct topic_chain *chain, uint32_t topic, uint32_t number,
                           const struct topic_tail *tail, bool *is_torn, struct error *err)
{
    struct chain_partition *partition = chain_partition(chain, topic, number);
    *is_torn = false;
    if (partition->acked_offset >= 0 && tail->end <= partition->acked_offset)
        return mismatch(chain, partition, "ends before what was written", err);
    if (!tail->has_last)
        return take_empty_tail(chain, partition, tail, err);
    if (chain->recorded.state == RECORDED_NONE)
        return not_empty(chain, topic, err);
    int order = position_compare(&tail->last, &partition->last);
    if (order < 0)
        return mismatch(chain, partition, "ends with an older message", err);
    if (order > 0 && tail->last.epoch > chain->recorded.position.epoch)
        return mismatch(chain, partition, "has messages of a later epoch", err);
    *is_torn = order > 0;
    partition->last = tail->last;
    if (tail->last_offset > partition->acked_offset)
        partition->acked_offset = tail->last_offset;
    if (topic == TOPIC_CHAIN_CONTROL)
        chain->last_entry = tail->last;
    return true;
}
