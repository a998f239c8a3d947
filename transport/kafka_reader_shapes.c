/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes out of the offsets topic, which is read on to its end when one is asked for that isn't known. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/memory.h"
#include "transport/kafka_reader_internal.h"
#include "transport/offsets.h"

enum { SHAPE_WAIT_MS = 100 };

static const struct topic_shape *find(const struct kafka_reader *reader, uint64_t hash,
                                      const char *topic)
{
    for (size_t i = reader->shape_count; i-- > 0;) {
        const struct topic_shape *shape = &reader->shapes[i];
        if (hash != 0 ? shape->hash == hash : strcmp(shape->topic, topic) == 0)
            return shape;
    }
    return NULL;
}

static void add(struct kafka_reader *reader, const struct topic_shape *shape)
{
    struct arena *arena = reader->shapes_arena;
    reader->shapes =
        memory_resize(reader->shapes, reader->shape_count + 1, sizeof(*reader->shapes));
    struct topic_shape *added = &reader->shapes[reader->shape_count++];
    *added = *shape;
    added->topic = arena_copy_string(arena, shape->topic);
    added->fingerprint = arena_copy_string(arena, shape->fingerprint);
    added->table = arena_copy(arena, shape->table);
}

static bool take(struct kafka_reader *reader, struct error *err)
{
    struct reader_partition *offsets = reader->offsets;
    struct offsets_record record;
    bool is_read = offsets_read(offsets->record.key, offsets->record.value, &record, err);
    if (is_read && record.kind == OFFSETS_SHAPE)
        add(reader, &record.shape);
    kafka_reader_drop(reader, offsets);
    if (is_read || err->kind != ERROR_DATA)
        return is_read;
    error_stop(err, STOP_POISON, "%s", "the offsets topic has a record that isn't ours");
    return error_remedy(err, "something else wrote to it: see docs/stops.md, POISON");
}

/* Reads on to where the topic ends now: what was committed before the question is known then. */
static bool read_on(struct kafka_reader *reader, struct error *err)
{
    int64_t first;
    int64_t end;
    struct reader_partition *offsets = reader->offsets;
    if (!kafka_reader_bounds(reader, offsets, &first, &end, err))
        return false;
    while (!(offsets->is_at_end && offsets->end >= end)) {
        if (!kafka_reader_fetch(reader, offsets, SHAPE_WAIT_MS, err) ||
            (offsets->message && !take(reader, err)))
            return false;
        if (stop_flag_is_set(reader->options.stop))
            return error_set(err, ERROR_ENDED, "ended on request");
    }
    return true;
}

/* What ends a Kafka transaction comes to each partition by itself: a shape may be seen a little later than what needs it. */
enum { LOOKS = 50, LOOK_EVERY_MS = 100 };

bool kafka_reader_shape(struct kafka_reader *reader, uint64_t hash, const char *topic,
                        struct topic_shape *shape, struct error *err)
{
    char name[KAFKA_TOPIC_SIZE];
    kafka_offsets_name(reader->options.prefix, name);
    if (!reader->offsets)
        reader->offsets = kafka_reader_open(reader, name, 0, -1, false, err);
    if (!reader->offsets)
        return false;
    const struct topic_shape *found = find(reader, hash, topic);
    for (int i = 0; !found && i < LOOKS; i++) {
        if (i > 0 && stop_flag_wait(reader->options.stop, LOOK_EVERY_MS))
            return error_set(err, ERROR_ENDED, "ended on request");
        if (!read_on(reader, err))
            return false;
        found = find(reader, hash, topic);
    }
    *shape = found ? *found : (struct topic_shape){0};
    return true;
}
