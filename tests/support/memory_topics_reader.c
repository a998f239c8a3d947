/* SPDX-License-Identifier: Apache-2.0 */
/* The twin's readers: what is committed, in the order of offsets, up to the last stable one. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/support/memory_topics_internal.h"
#include "transport/kafka.h"
#include "transport/offsets.h"

struct memory_place {
    char *topic;
    uint32_t partition;
    int64_t next;
    struct topic_record record;
};

struct memory_reader {
    struct topic_reader base;
    struct memory_topics *topics;
    struct memory_place **places; /* each stays where it is: what was peeked is borrowed from it */
    size_t count;
};

static struct memory_reader *of(struct topic_reader *reader)
{
    return (struct memory_reader *)reader;
}

static bool reader_open(struct topic_reader *base, const char *topic, uint32_t partition,
                        int64_t offset, partition_handle *handle, struct error *err)
{
    struct memory_reader *reader = of(base);
    if (!memory_partition_find(reader->topics, topic, partition))
        return error_set(err, ERROR_RETRY, "topic %s isn't there", topic);
    reader->places =
        memory_resize(reader->places, reader->count + 1, sizeof(struct memory_place *));
    struct memory_place *place = memory_new(sizeof(*place));
    *place = (struct memory_place){.topic = memory_copy_string(topic),
                                   .partition = partition,
                                   .next = offset < 0 ? 0 : offset};
    reader->places[reader->count] = place;
    *handle = (partition_handle)reader->count++;
    return true;
}

static bool poison(const struct memory_place *place, int64_t offset, struct error *err)
{
    struct error reason = *err;
    return error_stop(err, STOP_POISON, "record %lld of %s/%u: %s", (long long)offset, place->topic,
                      place->partition, reason.message);
}

static bool reader_peek(struct topic_reader *base, partition_handle handle, int timeout_ms,
                        const struct topic_record **record, enum peeked *peeked, struct error *err)
{
    struct memory_reader *reader = of(base);
    struct memory_place *place = reader->places[handle];
    const struct memory_partition *partition =
        memory_partition_find(reader->topics, place->topic, place->partition);
    (void)timeout_ms;
    *record = NULL;
    if (!partition)
        return error_stop(err, STOP_TOPIC_CHANGED, "topic %s was deleted", place->topic);
    const struct memory_record *found = memory_partition_next(partition, &place->next);
    *peeked = found ? PEEKED_RECORD : PEEKED_END;
    if (!found)
        return true;
    place->record = (struct topic_record){.offset = place->next,
                                          .key = memory_bytes(found->has_key, &found->key),
                                          .value = memory_bytes(found->has_value, &found->value)};
    if (!header_read(memory_bytes(true, &found->header), &place->record.header, err))
        return poison(place, place->next, err);
    *record = &place->record;
    return true;
}

static void reader_take(struct topic_reader *base, partition_handle handle)
{
    struct memory_place *place = of(base)->places[handle];
    place->next = place->record.offset + 1;
}

static bool reader_bounds(struct topic_reader *base, partition_handle handle, int64_t *first,
                          int64_t *last, struct error *err)
{
    struct memory_reader *reader = of(base);
    const struct memory_place *place = reader->places[handle];
    const struct memory_partition *partition =
        memory_partition_find(reader->topics, place->topic, place->partition);
    if (!partition)
        return error_stop(err, STOP_TOPIC_CHANGED, "topic %s was deleted", place->topic);
    *first = partition->first;
    *last = memory_partition_end(partition);
    return true;
}

/* Any topic whose name ends as an offsets topic's does. */
static bool is_offsets(const char *name)
{
    const char *end = strstr(name, ".offsets");
    return end && strcmp(end, ".offsets") == 0;
}

static bool find_shape(const struct memory_partition *partition, uint64_t hash, const char *topic,
                       struct topic_shape *shape, struct error *err)
{
    const struct memory_record *found;
    for (int64_t at = 0; (found = memory_partition_next(partition, &at)); at++) {
        struct offsets_record record;
        if (!offsets_read(memory_bytes(true, &found->key), memory_bytes(true, &found->value),
                          &record, err))
            return false;
        if (record.kind != OFFSETS_SHAPE)
            continue;
        bool is_it = hash != 0 ? record.shape.hash == hash : strcmp(record.topic, topic) == 0;
        if (is_it)
            *shape = record.shape;
    }
    return true;
}

static bool reader_shape(struct topic_reader *base, uint64_t hash, const char *topic,
                         struct topic_shape *shape, struct error *err)
{
    const struct memory_topics *topics = of(base)->topics;
    *shape = (struct topic_shape){0};
    for (size_t i = 0; i < topics->count; i++)
        if (is_offsets(topics->items[i].name) &&
            !find_shape(topics->items[i].partitions, hash, topic, shape, err))
            return false;
    return true;
}

static void reader_wake(struct topic_reader *base)
{
    (void)base; /* one thread: nobody waits */
}

static void reader_hint(struct topic_reader *base, const char *topic, uint32_t partition,
                        int64_t next)
{
    (void)base;
    (void)topic;
    (void)partition;
    (void)next;
}

static const struct topic_reader_ops ops = {.open = reader_open,
                                            .peek = reader_peek,
                                            .take = reader_take,
                                            .bounds = reader_bounds,
                                            .shape = reader_shape,
                                            .wake = reader_wake,
                                            .hint = reader_hint};

struct memory_reader *memory_reader_new(struct memory_topics *topics)
{
    struct memory_reader *reader = memory_new(sizeof(*reader));
    reader->base.ops = &ops;
    reader->topics = topics;
    return reader;
}

void memory_reader_free(struct memory_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < reader->count; i++) {
        free(reader->places[i]->topic);
        free(reader->places[i]);
    }
    free(reader->places);
    free(reader);
}

struct topic_reader *memory_reader_topics(struct memory_reader *reader)
{
    return &reader->base;
}
