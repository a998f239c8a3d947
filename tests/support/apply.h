/* SPDX-License-Identifier: Apache-2.0 */
/* An applier on a target in memory, with the tables t and u of two columns, the first of which is the key, and n,
 * which has none. */
#ifndef PENSTOCK_TESTS_SUPPORT_APPLY_H
#define PENSTOCK_TESTS_SUPPORT_APPLY_H

#include "sink/applier.h"
#include "tests/support/hand_clock.h"
#include "tests/support/memory_target.h"
#include "tests/support/scene.h"

struct apply {
    struct scene scene; /* its batch is the next one */
    struct memory_target *memory;
    struct hand_clock clock;
    struct stop_flag stop;
    struct sink_stats stats;
    struct sink_memory remembered;
    struct applier_options options;
    struct applier *applier;
};

/* Opens all; the target holds no rows, and R is streaming in epoch 1. */
void apply_open(struct apply *apply);
void apply_close(struct apply *apply);

/* A new applier, as after a restart of the pipe: it reads the checkpoint, and what is in memory is gone. */
void apply_restart(struct apply *apply);

/* Hands the scene's batch over, and clears it; a unit that is open goes on in the next. */
bool apply_batch(struct apply *apply, struct error *err) MUST_USE;

/* Inserts rows "1,a1" … "<count>,a<count>", without the unit's end. */
void apply_many_inserts(struct apply *apply, size_t table, int count);

#endif
