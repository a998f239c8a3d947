/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a test of the applier needs, in one place. */
#include "tests/support/apply.h"

#include <stdio.h>
#include <stdlib.h>

static void require(bool is_met)
{
    if (!is_met)
        abort();
}

static void open_applier(struct apply *apply)
{
    struct recorded recorded = {0};
    struct error err;
    struct target *target = memory_target_base(apply->memory);
    require(target->ops->open(target, &err) &&
            target->ops->read_checkpoint(target, &recorded, &err));
    apply->applier = applier_new(&apply->options, target, &recorded);
    recorded_release(&recorded);
    memory_target_forget_trace(apply->memory);
}

void apply_open(struct apply *apply)
{
    *apply = (struct apply){.memory = memory_target_new()};
    scene_open(&apply->scene);
    hand_clock_init(&apply->clock, 1000000);
    require(stop_flag_open(&apply->stop));
    memory_target_add_table(apply->memory, "t", "b", 2);
    memory_target_add_table(apply->memory, "u", "b", 0);
    memory_target_add_table(apply->memory, "n", "", 0);
    (void)scene_add_table(&apply->scene, "t", 2, "b");
    (void)scene_add_table(&apply->scene, "u", 2, "b");
    (void)scene_add_table(&apply->scene, "n", 2, "");
    for (size_t i = 0; i < apply->scene.table_count; i++)
        apply->scene.shapes[i]->target = NULL;
    apply->options = (struct applier_options){.name = "test",
                                              .clock = &apply->clock.clock,
                                              .stop = &apply->stop,
                                              .stats = &apply->stats,
                                              .memory = &apply->remembered};
    struct recorded *checkpoint = memory_target_checkpoint(apply->memory);
    checkpoint->state = RECORDED_STREAMING;
    checkpoint->position.epoch = 1;
    open_applier(apply);
}

void apply_close(struct apply *apply)
{
    applier_free(apply->applier);
    scene_close(&apply->scene);
    memory_target_free(apply->memory);
    stop_flag_close(&apply->stop);
}

void apply_restart(struct apply *apply)
{
    applier_free(apply->applier);
    batch_clear(apply->scene.batch);
    for (size_t i = 0; i < apply->scene.table_count; i++)
        apply->scene.shapes[i]->target = NULL;
    open_applier(apply);
}

bool apply_batch(struct apply *apply, struct error *err)
{
    struct batch *batch = apply->scene.batch;
    bool is_unit_open = batch->is_unit_open;
    bool is_applied = applier_apply(apply->applier, batch, err);
    batch_clear(batch);
    if (is_unit_open)
        batch_continue(batch);
    return is_applied;
}

void apply_many_inserts(struct apply *apply, size_t table, int count)
{
    for (int i = 1; i <= count; i++) {
        char row[32];
        snprintf(row, sizeof(row), "%d,a%d", i, i);
        scene_insert(&apply->scene, table, row);
    }
}
