/* SPDX-License-Identifier: Apache-2.0 */
/* How a batch's changes reach the target: folded under a savepoint, or one by one in source order. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "postgres/connection.h"
#include "schema/wire.h"
#include "sink/applier_internal.h"

/* R names the same relation otherwise: it was renamed at the source, and must be renamed here, not made anew. */
static bool renamed(const struct recorded_table *recorded, const char *name, struct error *err)
{
    if (err->stop != STOP_TABLE_MISSING)
        return false;
    error_add(err, "%s was renamed at the source", recorded->name);
    return error_remedy(
        err, "ALTER TABLE … RENAME (and SET SCHEMA) from %s to %s on the target, then start again",
        recorded->name, name);
}

/* R has another relation by this name: it was dropped, and its rows must go before those of the new one come. */
static bool check_recreated(struct applier *applier, const struct table *table, const char *name,
                            struct error *err)
{
    SCOPED_BUFFER line;
    byte_buffer_init(&line, 2 * RECORDED_TABLE_NAME_SIZE);
    recorded_write_table(&line, table->relation_oid, "-", name);
    if (applier->target->ops->empty_tables(applier->target, byte_buffer_text(&line), "", err))
        return true;
    return error_add(err, "%s was dropped and created anew at the source", name);
}

static bool prepare_shape(struct applier *applier, struct shape *shape, struct error *err)
{
    const struct table *table = shape->table;
    struct recorded_table line;
    struct recorded_table old = {0};
    SCOPED_BUFFER name;
    byte_buffer_init(&name, RECORDED_TABLE_NAME_SIZE);
    if (!qualified_write(&name, table->schema, table->name))
        return error_set(err, ERROR_CONFIG, "the name of table %s can't be quoted", table->name);
    bool is_streaming = applier->held.state == RECORDED_STREAMING;
    const char *at = is_streaming ? applier->held.tables : "";
    while (recorded_next_table(&at, &line)) {
        bool is_same_name = strcmp(line.name, byte_buffer_text(&name)) == 0;
        if (line.oid == table->relation_oid && !is_same_name)
            old = line;
        if (line.oid != table->relation_oid && is_same_name &&
            !check_recreated(applier, table, byte_buffer_text(&name), err))
            return false;
    }
    bool is_renamed = old.oid != 0;
    if (applier->target->ops->prepare_table(applier->target, table, !is_renamed, &shape->target,
                                            err))
        return true;
    return is_renamed ? renamed(&old, byte_buffer_text(&name), err) : false;
}

bool applier_prepare_shapes(struct applier *applier, struct batch *batch, struct error *err)
{
    for (size_t i = 0; i < batch->shape_count; i++) {
        struct shape *shape = batch->shapes[i];
        if (shape->target && shape->target_generation == applier->generation)
            continue;
        if (!prepare_shape(applier, shape, err))
            return false;
        shape->target_generation = applier->generation;
    }
    return true;
}

static bool apply_one(struct applier *applier, const struct batch_change *at, enum apply_mode mode,
                      struct error *err)
{
    struct change change;
    if (!wire_read(at->wire, &applier->values, &change))
        return error_set(err, ERROR_FATAL, "a change in the batch is malformed");
    const struct target_ops *ops = applier->target->ops;
    if (at->kind == CHANGE_COPY)
        return ops->copy_rows(applier->target, at->shape->target, change.copy_rows,
                              change.copy_row_count, err);
    return ops->apply_row(applier->target, at->shape->target, &change, mode, err);
}

/* TRUNCATE of several tables is one statement, as foreign keys may demand. Returns how many changes it took. */
static size_t apply_truncate(struct applier *applier, const struct batch *batch, size_t first,
                             size_t end, struct error *err)
{
    const struct batch_change *changes = &batch->changes[first];
    size_t count = 1;
    while (first + count < end && changes[count].kind == CHANGE_TRUNCATE &&
           changes[count].unit == changes[0].unit && changes[count].ordinal == changes[0].ordinal)
        count++;
    struct change change;
    if (!wire_read(changes[0].wire, &applier->values, &change)) {
        error_set(err, ERROR_FATAL, "a change in the batch is malformed");
        return 0;
    }
    struct target_table **tables = memory_new_array(count, sizeof(*tables));
    for (size_t i = 0; i < count; i++)
        tables[i] = changes[i].shape->target;
    bool is_done = applier->target->ops->truncate(applier->target, tables, count,
                                                  change.is_restart_identity, err);
    free(tables);
    return is_done ? count : 0;
}

bool applier_apply_in_order(struct applier *applier, const struct batch *batch, size_t first,
                            size_t end, enum apply_mode mode, struct error *err)
{
    while (first < end) {
        size_t done = 1;
        if (batch->changes[first].kind == CHANGE_TRUNCATE)
            done = apply_truncate(applier, batch, first, end, err);
        else if (!apply_one(applier, &batch->changes[first], mode, err))
            done = 0;
        if (done == 0)
            return false;
        first += done;
    }
    return true;
}

static bool apply_step(struct applier *applier, const struct plan_step *step, struct error *err)
{
    if (step->kind == PLAN_SET)
        return applier->target->ops->apply_set(applier->target, &step->set, err);
    for (size_t i = 0; i < step->change_count; i++)
        if (!apply_one(applier, step->changes[i], APPLY_FAST, err))
            return false;
    return true;
}

/* Queued statements must be done before the savepoint is released: their failures belong to it. */
static bool apply_folded(struct applier *applier, const struct batch *batch, size_t first,
                         size_t end, struct error *err)
{
    const struct plan_step *steps;
    size_t count;
    struct apply_warnings ignored;
    if (!plan_make(applier->plan, batch, first, end, &steps, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!apply_step(applier, &steps[i], err))
            return false;
    return applier->target->ops->finish_rows(applier->target, &ignored, err);
}

/* Folded under a savepoint; if the target refuses that, the same changes as they came. */
static bool apply_part(struct applier *applier, const struct batch *batch, size_t first, size_t end,
                       struct error *err)
{
    const struct target_ops *ops = applier->target->ops;
    if (applier->holiday > 0 || end - first < MIN_FOLDED_CHANGES) {
        applier->holiday -= applier->holiday > 0;
        return applier_apply_in_order(applier, batch, first, end, APPLY_CAREFUL, err);
    }
    if (!ops->savepoint(applier->target, err))
        return false;
    if (apply_folded(applier, batch, first, end, err)) {
        applier->refusals = 0;
        return ops->release_savepoint(applier->target, err);
    }
    if (err->kind != ERROR_DATA)
        return false;
    atomic_fetch_add(&applier->options->stats->fallbacks, 1);
    log_debug("applying row by row", "changes=%zu reason=%s", end - first, err->message);
    if (++applier->refusals >= 2)
        applier->holiday = FOLD_HOLIDAY;
    return ops->rollback_to_savepoint(applier->target, err) &&
           applier_apply_in_order(applier, batch, first, end, APPLY_CAREFUL, err) &&
           ops->release_savepoint(applier->target, err);
}

static bool must_stand_alone(enum change_kind kind)
{
    return kind == CHANGE_TRUNCATE || kind == CHANGE_COPY;
}

static bool apply_folding(struct applier *applier, const struct batch *batch, size_t first,
                          size_t end, struct error *err)
{
    while (first < end) {
        bool is_alone = must_stand_alone(batch->changes[first].kind);
        size_t next = first + 1;
        while (next < end && must_stand_alone(batch->changes[next].kind) == is_alone)
            next++;
        bool is_applied = is_alone
                              ? applier_apply_in_order(applier, batch, first, next, APPLY_FAST, err)
                              : apply_part(applier, batch, first, next, err);
        if (!is_applied)
            return false;
        first = next;
    }
    return true;
}

/* A table that was altered in mid-batch has two shapes there: their changes must not pass one another. */
static bool has_two_shapes_of_a_table(const struct batch *batch)
{
    for (size_t i = 1; i < batch->shape_count; i++) {
        const struct table *one = batch->shapes[i]->table;
        for (size_t j = 0; j < i; j++) {
            const struct table *other = batch->shapes[j]->table;
            if (strcmp(one->name, other->name) == 0 && strcmp(one->schema, other->schema) == 0)
                return true;
        }
    }
    return false;
}

static bool apply_kept(struct applier *applier, const struct batch *batch, size_t first, size_t end,
                       enum apply_mode mode, struct error *err)
{
    if (mode == APPLY_FAST && end - first >= MIN_FOLDED_CHANGES &&
        !has_two_shapes_of_a_table(batch))
        return apply_folding(applier, batch, first, end, err);
    return applier_apply_in_order(applier, batch, first, end, mode, err);
}

bool applier_apply_changes(struct applier *applier, const struct batch *batch, size_t first,
                           size_t end, enum apply_mode mode, struct error *err)
{
    struct batch kept;
    if (mode == APPLY_CAREFUL && parking_is_on(applier))
        return parking_apply(applier, batch, first, end, err);
    if (parked_keys_is_empty(applier->parking.keys))
        return apply_kept(applier, batch, first, end, mode, err);
    bool is_applied = parking_filter(applier, batch, first, end, &kept, err) &&
                      apply_kept(applier, &kept, 0, kept.change_count, mode, err);
    free(kept.changes);
    return is_applied;
}
