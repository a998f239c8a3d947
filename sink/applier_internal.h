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
    PARKED_ROWS_TRIED = 1024,       /* so many are tried at once before halves of them are */
    PARKED_READ_EVERY_MS = 10000,   /* whether somebody has resolved what is parked */
    PARKED_LOGGED_EVERY_MS = 10000, /* one warning for all that was parked meanwhile */
};

struct parked_counts {
    uint64_t refused;
    uint64_t behind; /* a parked change of their key */
};

/* What is parked, and how changes get there: sink/applier_park.c. */
struct parking {
    struct parked_keys *keys;
    bool is_known;             /* `keys` is what the target holds, as our transaction sees it */
    bool is_awaited;           /* nobody can resolve anything before our transaction's end */
    bool is_changed;           /* by the open transaction */
    bool is_unit_unnamed;      /* something was parked before the end of its unit was known */
    bool checks_at_once;       /* deferred constraints are checked behind each piece */
    int64_t read_ms;           /* when `keys` was read */
    struct parked_counts open; /* in the open transaction */
    struct parked_counts committed; /* since the last warning */
    int64_t logged_ms;              /* 0: never */
    struct error reason;            /* the last refusal that is in the counts */
    struct byte_buffer key_bytes[2];
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
    struct places moved;   /* of the commit under way */
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
    struct parking parking;
};

/* Finds or makes the target's tables for the batch's shapes. */
bool applier_prepare_shapes(struct applier *applier, struct batch *batch,
                            struct error *err) MUST_USE;

/* Applies the changes [first, end) inside the open transaction: folded where that pays and `mode` is APPLY_FAST. */
bool applier_apply_changes(struct applier *applier, const struct batch *batch, size_t first,
                           size_t end, enum apply_mode mode, struct error *err) MUST_USE;

/* The same, one by one, in source order. */
bool applier_apply_in_order(struct applier *applier, const struct batch *batch, size_t first,
                            size_t end, enum apply_mode mode, struct error *err) MUST_USE;

/* ---- parked changes: sink/applier_park.c ---- */

void parking_init(struct parking *parking);
void parking_release(struct applier *applier);

/* In a new transaction: learns what is parked, unless that is known. */
bool parking_begin(struct applier *applier, struct error *err) MUST_USE;

/* Whether a refusal of this kind parks a change. */
bool parking_takes(const struct applier *applier, const struct error *err);

/* Whether changes are to be tried piece by piece now, to park those that are refused. */
bool parking_is_on(const struct applier *applier);

/* Whether deferred constraints are checked behind each piece now. */
bool parking_checks_at_once(const struct applier *applier);

/* Applies the changes [first, end) in order, and parks those that are refused or wait behind a parked one. */
bool parking_apply(struct applier *applier, const struct batch *batch, size_t first, size_t end,
                   struct error *err) MUST_USE;

/* A copy of the changes [first, end) in `kept`, to be freed, without those that wait behind a parked one; these are parked. */
bool parking_filter(struct applier *applier, const struct batch *batch, size_t first, size_t end,
                    struct batch *kept, struct error *err) MUST_USE;

/* The batch's last unit has ended. */
bool parking_end_unit(struct applier *applier, const struct batch_unit *unit,
                      struct error *err) MUST_USE;

/* A new copy begins: nothing of what is parked matters any more. */
bool parking_void(struct applier *applier, struct error *err) MUST_USE;

void parking_committed(struct applier *applier);
void parking_rolled_back(struct applier *applier);

/* Warns of what was parked and committed, now and then; `is_last`: now. */
void parking_log(struct applier *applier, bool is_last);

#endif
