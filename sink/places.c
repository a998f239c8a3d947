/* SPDX-License-Identifier: Apache-2.0 */
/* Places: a short list, searched from its end, where the partitions in use are. */
#include "sink/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void places_clear(struct places *places)
{
    for (size_t i = 0; i < places->count; i++)
        free(places->topics[i]);
    places->count = 0;
}

void places_release(struct places *places)
{
    places_clear(places);
    free(places->items);
    free(places->topics);
    *places = (struct places){0};
}

static struct place *find(const struct places *places, const char *topic, uint32_t partition)
{
    for (size_t i = places->count; i-- > 0;) {
        struct place *place = &places->items[i];
        if (place->partition == partition && strcmp(place->topic, topic) == 0)
            return place;
    }
    return NULL;
}

const struct place *places_find(const struct places *places, const char *topic, uint32_t partition)
{
    return find(places, topic, partition);
}

void places_set(struct places *places, const struct place *place)
{
    struct place *at = find(places, place->topic, place->partition);
    if (at) {
        at->next_offset = place->next_offset;
        at->last = place->last;
        return;
    }
    if (places->count == places->capacity) {
        places->capacity = places->capacity ? places->capacity * 2 : 16;
        places->items = memory_resize(places->items, places->capacity, sizeof(*places->items));
        places->topics = memory_resize(places->topics, places->capacity, sizeof(char *));
    }
    places->topics[places->count] = memory_copy_string(place->topic);
    at = &places->items[places->count];
    *at = *place;
    at->topic = places->topics[places->count++];
}

void place_write(struct byte_buffer *out, const struct place *place)
{
    write_string(out, place->topic);
    write_u32(out, place->partition);
    write_u64(out, (uint64_t)place->next_offset);
    write_u32(out, place->last.epoch);
    write_u64(out, place->last.commit_lsn);
    write_u64(out, place->last.ordinal);
    write_u32(out, place->last.step);
}

bool place_read(struct byte_reader *bytes, struct place *place)
{
    if (byte_reader_left(bytes) == 0)
        return false;
    place->topic = read_string(bytes);
    place->partition = read_u32(bytes);
    place->next_offset = (int64_t)read_u64(bytes);
    place->last.epoch = read_u32(bytes);
    place->last.commit_lsn = read_u64(bytes);
    place->last.ordinal = read_u64(bytes);
    place->last.step = read_u32(bytes);
    return !bytes->overrun;
}
