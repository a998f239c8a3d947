/* SPDX-License-Identifier: Apache-2.0 */
/* Where a sink stands in each topic-partition: part of its checkpoint at the target (DESIGN §4). */
#ifndef PENSTOCK_SINK_PLACES_H
#define PENSTOCK_SINK_PLACES_H

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

/* A set of places by topic and partition. */
struct places {
    struct place *items;
    size_t count;
    size_t capacity;
};

void places_release(struct places *places);

/* Copies the topic's name. */
void places_set(struct places *places, const struct place *place);

/* NULL if there is none. */
const struct place *places_find(const struct places *places, const char *topic, uint32_t partition);

void places_merge(struct places *into, const struct places *from);
void places_clear(struct places *places);

#endif
