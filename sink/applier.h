/* SPDX-License-Identifier: Apache-2.0 */
/* Applies batches to a target: whole units in whole transactions, exactly once, whatever fails. */
#ifndef PENSTOCK_SINK_APPLIER_H
#define PENSTOCK_SINK_APPLIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/stop_flag.h"
#include "sink/batch.h"
#include "sink/target.h"
#include "transport/message.h"

/* For the live line; may be read from any thread. */
struct sink_stats {
    atomic_ullong rows;         /* applied and committed, as the source counts them */
    atomic_ullong transactions; /* source transactions (and parts of the copy) committed */
    atomic_ullong batches;      /* target transactions */
    atomic_ullong row_exists;   /* INSERTs that met a row */
    atomic_ullong row_absent;   /* DELETEs that met none */
    atomic_ullong parked;       /* changes kept aside */
    atomic_ullong fallbacks; /* batches whose folded form was refused, and that went row by row */
    atomic_llong commit_time_us; /* the source's, of the newest applied transaction */
    atomic_ullong applied_lsn;   /* end of the newest applied source transaction, or idle point */
};

/* What outlives a session of the pipe: learned from a failure, and needed after the restart that it causes. */
struct sink_memory {
    /* A large unit that commits here was refused: up to it, apply unit by unit and row by row. */
    atomic_ullong careful_until;
    /* The same, but its commit was refused even so: up to it, check deferred constraints at once. */
    atomic_ullong checked_until;
};

struct applier_options {
    const char *name;
    bool parks_rows; /* what the target refuses is parked; else it stops */
    const struct clock *clock;
    struct stop_flag *stop;
    struct sink_stats *stats;
    struct sink_memory *memory;
    bool follows_epochs; /* over Kafka: a state of a newer epoch empties the tables that it names */
};

struct applier;

/* Borrows the options and the target, opened. `recorded` is its checkpoint. */
struct applier *applier_new(const struct applier_options *options, struct target *target,
                            const struct recorded *recorded) MUST_USE;
void applier_free(struct applier *applier);

/* Applies one batch, after the one before it. Retries what can be retried. On false the transaction is rolled back;
 * ERROR_RETRY asks to go through Start, ERROR_STOP for a person. */
bool applier_apply(struct applier *applier, struct batch *batch, struct error *err) MUST_USE;

/* To be called at idle, at most every second: learns what has become durable, and keeps the session alive. */
bool applier_tick(struct applier *applier, struct error *err) MUST_USE;

/* Whether commits wait to become durable: then applier_tick() is wanted soon. */
bool applier_awaits_durability(const struct applier *applier);

/* What is durable now; returns whether it has changed since the last call. */
bool applier_durable(struct applier *applier, struct durable *durable);

#endif
