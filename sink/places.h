/* SPDX-License-Identifier: Apache-2.0 */
/* Where a sink stands in each topic-partition: part of its checkpoint at the target (DESIGN §4). */
#ifndef PENSTOCK_SINK_PLACES_H
#define PENSTOCK_SINK_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/position.h"

struct place {
    const char *topic; /* the control topic's place is one of them */
    uint32_t partition;
    int64_t next_offset;
    struct position last; /* of the record before next_offset; none if nothing was read yet */
};

/* A set of places, by topic and partition. */
struct places {
    struct place *items;
    char **topics; /* what the items' topics point to; owned */
    size_t count;
    size_t capacity;
};

void places_release(struct places *places);
void places_clear(struct places *places); /* keeps the memory of the list */

/* Adds it or moves it; the topic's name is copied. */
void places_set(struct places *places, const struct place *place);

/* NULL if there is none. */
const struct place *places_find(const struct places *places, const char *topic, uint32_t partition);

/* A place as bytes inside one process: appended to `out`, and read from the front of `bytes`, which moves behind it. The topic is
 * borrowed. */
void place_write(struct byte_buffer *out, const struct place *place);
bool place_read(struct byte_reader *bytes, struct place *place);

#endif
