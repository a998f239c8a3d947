/* SPDX-License-Identifier: Apache-2.0 */
/* Messages gathered for one target transaction: changes in source order, whole units where possible. */
#ifndef PENSTOCK_SINK_BATCH_H
#define PENSTOCK_SINK_BATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/error.h"
#include "schema/change.h"
#include "sink/target.h"
#include "transport/message.h"

/* A table's shape, kept until the last batch that uses it is done. */
struct shape {
    atomic_int holders;
    uint32_t id;
    struct arena *arena;
    const struct table *table;
    struct target_table *target; /* the applier's; NULL until prepared */
    unsigned target_generation;  /* of `target` */
};

struct shape *shape_new(uint32_t id, struct bytes body, struct error *err) MUST_USE;
void shape_hold(struct shape *shape);
void shape_release(struct shape *shape);

/* One change as it came. */
struct batch_change {
    struct bytes wire; /* schema/wire's form, in the batch's arena */
    struct shape *shape;
    uint64_t ordinal;
    uint32_t unit; /* index in units */
    enum change_kind kind;
};

/* One unit, or what this batch holds of it. */
struct batch_unit {
    size_t first_change;
    size_t end_change;
    bool is_whole_end;        /* its END is in this batch */
    struct position position; /* of its END */
    struct unit_end end;
    struct bytes places; /* over Kafka: where the reader stands behind it */
};

struct batch {
    struct arena *arena;
    struct batch_change *changes;
    size_t change_count;
    size_t change_capacity;
    struct batch_unit *units;
    size_t unit_count;
    size_t unit_capacity;
    struct shape **shapes; /* held */
    size_t shape_count;
    size_t shape_capacity;
    size_t bytes;      /* of the changes */
    bool is_unit_open; /* its last unit goes on in the next batch */
    bool has_watermark;
    struct watermark watermark;
    bool has_state; /* then it is the last thing in the batch */
    struct recorded state;
    uint64_t state_count; /* STATE messages read up to and with this batch; set by the reader */
    struct position last_position;
    struct bytes places; /* behind watermark and state; in the arena */
};

struct batch *batch_new(void) MUST_USE;
void batch_free(struct batch *batch);

/* Empties it for the next use. */
void batch_clear(struct batch *batch);

/* The batch before this one ended inside a unit: what comes next belongs to it. */
void batch_continue(struct batch *batch);

bool batch_is_empty(const struct batch *batch);

/* Adds what the message says; its bytes are copied. */
bool batch_add_change(struct batch *batch, struct shape *shape, const struct message *message,
                      struct error *err) MUST_USE;
bool batch_add_end(struct batch *batch, const struct message *message, struct error *err) MUST_USE;
bool batch_add_watermark(struct batch *batch, const struct message *message,
                         struct error *err) MUST_USE;
bool batch_add_state(struct batch *batch, const struct message *message,
                     struct error *err) MUST_USE;

/* Where the reader stands once the first `unit_count` units (and all the rest, if that is all of them) are applied; nothing in
 * the pipe. */
void batch_places(const struct batch *batch, size_t unit_count, struct places *places);

/* What R will be once the first `unit_count` units (and all the rest, if that is all of them) are applied. */
void batch_advance(const struct batch *batch, size_t unit_count, struct recorded *recorded);

#endif
