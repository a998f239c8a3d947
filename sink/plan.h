/* SPDX-License-Identifier: Apache-2.0 */
/* From many changes in order to few steps with the same outcome: the final state of each key. */
#ifndef PENSTOCK_SINK_PLAN_H
#define PENSTOCK_SINK_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/error.h"
#include "sink/batch.h"

enum plan_step_kind {
    PLAN_SET,  /* rows of one kind of one table, in any order */
    PLAN_ROWS, /* changes of one table that must keep their order */
};

struct plan_step {
    enum plan_step_kind kind;
    struct row_set set;                  /* SET */
    struct target_table *table;          /* ROWS */
    const struct batch_change **changes; /* ROWS */
    size_t change_count;
};

struct plan;

struct plan *plan_new(void) MUST_USE;
void plan_free(struct plan *plan);

/* Plans the changes [first, end) of the batch, none of them TRUNCATE or COPY; every shape is prepared. The steps are
 * to be run in order: DELETEs come first, then each table's updates and inserts. Within a table the order is kept
 * around what can't be folded: a change of the key, a table without comparable key, changes that contradict each
 * other. Valid until the next call; borrows from the batch. */
bool plan_make(struct plan *plan, const struct batch *batch, size_t first, size_t end,
               const struct plan_step **steps, size_t *step_count, struct error *err) MUST_USE;

#endif
