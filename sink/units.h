/* SPDX-License-Identifier: Apache-2.0 */
/* Whole units out of many topics (DESIGN §4): the control topic says what to take from which partition; what comes out are the same
 * messages that the pipe carries, so that all behind it is one path. */
#ifndef PENSTOCK_SINK_UNITS_H
#define PENSTOCK_SINK_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/stop_flag.h"
#include "schema/registry.h"
#include "sink/places.h"
#include "transport/message.h"
#include "transport/topic_reader.h"

struct units_options {
    const char *prefix;
    bool (*is_wanted)(const void *context, const char *schema, const char *table);
    const void *is_wanted_context;
    const struct clock *clock;
    struct stop_flag *stop;
    struct position
        *stalled;   /* a unit that was given up half-way, kept over restarts; none at first */
    bool until_end; /* ends at what the control topic held at the start */
    int part_patience_ms; /* no PART or END inside a unit for so long: roll back, begin again when END is there: 30 s */
    int count_patience_ms; /* counts not reached so long after END: ROWS_MISSING: 60 s */
};

struct units;

/* `recorded` and `places` are the target's checkpoint: state NONE if there is none. All borrowed. */
struct units *units_new(const struct units_options *options, struct topic_reader *topics,
                        struct registry *registry, const struct recorded *recorded,
                        const struct places *places, struct error *err) MUST_USE;
void units_free(struct units *units);

/* Gives SHAPE, CHANGE (as schema/wire has it), END, WATERMARK and STATE. EPOCH comes out as STATE copying (its tables are
 * emptied, or must be empty where there is no checkpoint) or, without tables, streaming; the first unit or WATERMARK behind the copy as STATE streaming before it. A key
 * change's delete, tombstone and create come out as one UPDATE by the old key. Stops: CHAIN_GAP, POISON, ROWS_MISSING (75),
 * HISTORY_TRUNCATED, SCHEMA_CHANGED. */
struct message_reader *units_reader(struct units *units);

#endif
