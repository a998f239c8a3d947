/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the applier share, and nobody else sees. */
#ifndef PENSTOCK_SINK_APPLIER_INTERNAL_H
#define PENSTOCK_SINK_APPLIER_INTERNAL_H

#include "sink/applier.h"
#include "sink/plan.h"

enum {
    MIN_FOLDED_CHANGES = 64, /* fewer are applied as they come, in one round trip */
    MAX_AWAITED = 256,       /* commits that wait for the disk; older ones are implied by newer */
    MAX_RETRIES = 10,        /* of a batch that lost against others (deadlock, lock time-out) */
    FOLD_HOLIDAY = 32,       /* batches that aren't folded after two refusals in a row */
    PING_EVERY_MS = 10000,
};

struct awaited {
    uint64_t position;
    struct durable durable;
};

struct applier {
    const struct applier_options *options;
    struct target *target;
    struct plan *plan;
    unsigned generation;   /* grows when the target has forgotten its tables */
    struct recorded held;  /* the checkpoint as we wrote or read it last */
    bool is_in_unit;       /* a target transaction is open: a unit goes on in the next batch */
    uint64_t unit_applied; /* changes of the open unit that were applied */
    uint64_t uncommitted_rows;
    unsigned refusals; /* folded batches refused, in a row */
    unsigned holiday;  /* batches still to be left unfolded */
    uint64_t state_count;
    struct awaited awaited[MAX_AWAITED];
    size_t awaited_count;
    struct durable durable;
    bool is_durable_news;
    int64_t heard_ms; /* when the target answered last */
    uint32_t random;
    struct change_values values;
};

/* Finds or makes the target's tables for the batch's shapes. */
bool applier_prepare_shapes(struct applier *applier, struct batch *batch,
                            struct error *err) MUST_USE;

/* Applies the changes [first, end) inside the open transaction: folded where that pays and `mode` is APPLY_FAST. */
bool applier_apply_changes(struct applier *applier, const struct batch *batch, size_t first,
                           size_t end, enum apply_mode mode, struct error *err) MUST_USE;

#endif
