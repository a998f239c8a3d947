/* SPDX-License-Identifier: Apache-2.0 */
/* Changes that the target refuses, and those of the same keys that come later: kept aside, in the same transaction. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "schema/wire.h"
#include "sink/applier_internal.h"
#include "sink/key.h"

void parking_init(struct parking *parking)
{
    parking->keys = parked_keys_new();
    for (int i = 0; i < 2; i++)
        byte_buffer_init(&parking->key_bytes[i], SIZE_MAX);
}

void parking_release(struct applier *applier)
{
    struct parking *parking = &applier->parking;
    parking_log(applier, true);
    parked_keys_free(parking->keys);
    for (int i = 0; i < 2; i++)
        byte_buffer_release(&parking->key_bytes[i]);
}

/* ---- what the target holds ---- */

static bool read_keys(struct applier *applier, bool waits, struct error *err)
{
    struct parking *parking = &applier->parking;
    parked_keys_clear(parking->keys);
    parking->is_known = false;
    if (!applier->target->ops->read_parked(applier->target, parking->keys, waits, err))
        return error_add(err, "reading what is parked");
    parking->is_known = true;
    parking->is_awaited = waits;
    parking->read_ms = clock_now_ms(applier->options->clock);
    return true;
}

bool parking_begin(struct applier *applier, struct error *err)
{
    struct parking *parking = &applier->parking;
    int64_t age_ms = clock_now_ms(applier->options->clock) - parking->read_ms;
    parking->is_awaited = false;
    if (parking->is_known && (parked_keys_is_empty(parking->keys) || age_ms < PARKED_READ_EVERY_MS))
        return true;
    return read_keys(applier, false, err);
}

void parking_committed(struct applier *applier)
{
    struct parking *parking = &applier->parking;
    parking->committed.refused += parking->open.refused;
    parking->committed.behind += parking->open.behind;
    atomic_fetch_add(&applier->options->stats->parked,
                     parking->open.refused + parking->open.behind);
    parking->open = (struct parked_counts){0};
    parking->is_changed = false;
    parking_log(applier, false);
}

void parking_rolled_back(struct applier *applier)
{
    struct parking *parking = &applier->parking;
    if (parking->is_changed)
        parking->is_known = false;
    parking->open = (struct parked_counts){0};
    parking->is_changed = false;
    parking->is_unit_unnamed = false;
}

void parking_log(struct applier *applier, bool is_last)
{
    struct parking *parking = &applier->parking;
    const struct parked_counts *counts = &parking->committed;
    int64_t now = clock_now_ms(applier->options->clock);
    bool is_due =
        is_last || parking->logged_ms == 0 || now - parking->logged_ms >= PARKED_LOGGED_EVERY_MS;
    if (counts->refused + counts->behind == 0 || !is_due)
        return;
    log_warn("ROWS_PARKED", "refused=%lu behind=%lu last_reason=%s do=%s", counts->refused,
             counts->behind, parking->reason.message,
             "mend the target by what penstock.parked says, then resolve it; see "
             "docs/operations.md, Parked rows");
    parking->committed = (struct parked_counts){0};
    parking->logged_ms = now;
}

/* ---- policy ---- */

/* The initial copy starts anew when its rows are mended: nothing of it is parked. */
bool parking_is_on(const struct applier *applier)
{
    return applier->options->parks_rows && applier->held.state == RECORDED_STREAMING;
}

bool parking_takes(const struct applier *applier, const struct error *err)
{
    bool is_row =
        err->kind == ERROR_DATA || (err->kind == ERROR_STOP && err->stop == STOP_ROW_MISSING);
    return is_row && parking_is_on(applier);
}

/* ---- keys of a change ---- */

/* A key that has no comparable form stands for any key of its table. */
static struct bytes key_of(struct byte_buffer *out, const struct target_table *table,
                           const struct tuple *tuple, const struct tuple *otherwise)
{
    static const uint8_t any_key[1];
    byte_buffer_clear(out);
    for (int i = 0; i < table->key_count; i++) {
        int column = table->keys[i].column;
        const struct value *value = &tuple->values[column];
        if (value->kind == VALUE_UNCHANGED && otherwise)
            value = &otherwise->values[column];
        if (!key_write(out, table->keys[i].form, value))
            return (struct bytes){any_key, 0};
    }
    return (struct bytes){out->data, out->size};
}

/* The old key and the new one; a table without a key has none. */
static void find_keys(struct parking *parking, const struct target_table *table,
                      const struct change *change, struct bytes keys[2])
{
    bool has_old = change->old_kind != OLD_TUPLE_NONE;
    const struct tuple *old = has_old ? &change->old_tuple : NULL;
    keys[0] = keys[1] = (struct bytes){0};
    if (table->key_count == 0)
        return;
    if (change->kind != CHANGE_DELETE)
        keys[0] = key_of(&parking->key_bytes[0], table, &change->new_tuple, old);
    if (!old)
        return;
    keys[1] = key_of(&parking->key_bytes[1], table, old, NULL);
    if (keys[0].data && bytes_equal(keys[0], keys[1]))
        keys[1].data = NULL;
}

static bool read_change(struct applier *applier, const struct batch_change *at,
                        struct change *change, struct bytes keys[2], struct error *err)
{
    if (!wire_read(at->wire, &applier->values, change))
        return error_set(err, ERROR_FATAL, "a change in the batch is malformed");
    find_keys(&applier->parking, at->shape->target, change, keys);
    return true;
}

static bool has_key(const struct parking *parking, const struct table *shape,
                    const struct bytes keys[2])
{
    return parked_keys_has(parking->keys, shape->schema, shape->name, keys[0]) ||
           parked_keys_has(parking->keys, shape->schema, shape->name, keys[1]);
}

/* Somebody may have resolved the key since it was read: whether it is parked still is asked before that is relied on. */
static bool is_behind(struct applier *applier, const struct batch_change *at, bool *is_parked,
                      struct error *err)
{
    struct parking *parking = &applier->parking;
    const struct table *shape = at->shape->table;
    struct change change;
    struct bytes keys[2];
    *is_parked = false;
    if (!parked_keys_has_table(parking->keys, shape->schema, shape->name))
        return true;
    if (!read_change(applier, at, &change, keys, err))
        return false;
    *is_parked = has_key(parking, shape, keys);
    if (!*is_parked || parking->is_awaited)
        return true;
    if (!read_keys(applier, true, err))
        return false;
    *is_parked = has_key(parking, shape, keys);
    return true;
}

/* ---- parking ---- */

static bool park(struct applier *applier, const struct batch *batch, const struct batch_change *at,
                 const struct error *reason, struct error *err)
{
    struct parking *parking = &applier->parking;
    const struct batch_unit *unit = &batch->units[at->unit];
    const struct table *shape = at->shape->table;
    struct change change;
    struct parked_change parked = {.position =
                                       unit->is_whole_end ? unit->position : batch->last_position,
                                   .table = at->shape->target,
                                   .change = &change,
                                   .is_unit_known = unit->is_whole_end,
                                   .xid = unit->end.xid,
                                   .commit_time_us = unit->end.commit_time_us,
                                   .reason = reason};
    parked.position.ordinal = at->ordinal;
    parked.position.step = 0;
    parking->is_changed = true;
    parking->is_unit_unnamed |= !unit->is_whole_end;
    if (!read_change(applier, at, &change, parked.keys, err) ||
        !applier->target->ops->park(applier->target, &parked, err))
        return false;
    for (int i = 0; i < 2; i++)
        if (!parked_keys_add(parking->keys, shape->schema, shape->name, parked.keys[i], err))
            return false;
    if (reason)
        parking->reason = *reason;
    parking->open.refused += reason != NULL;
    parking->open.behind += reason == NULL;
    return true;
}

/* What was parked must be written before rows are tried, so that no failure of it is taken for one of theirs. */
static bool finish_parking(struct applier *applier, struct error *err)
{
    struct apply_warnings ignored;
    if (applier->target->ops->finish_rows(applier->target, &ignored, err))
        return true;
    if (err->kind != ERROR_DATA)
        return false;
    char reason[sizeof(err->message)];
    memcpy(reason, err->message, sizeof(reason));
    error_stop(err, STOP_ROW_REFUSED, "a refused row can't be parked either: %s", reason);
    return error_remedy(err, "mend the target (its constraints, its rows, penstock.parked), then "
                             "start again; see docs/stops.md, ROW_REFUSED");
}

/* The rows are gone, and with them whatever was to become of them. */
static bool resolve_truncated(struct applier *applier, const struct batch_change *at,
                              struct error *err)
{
    struct parking *parking = &applier->parking;
    const struct table *shape = at->shape->table;
    if (!parked_keys_has_table(parking->keys, shape->schema, shape->name))
        return true;
    parking->is_changed = true;
    parked_keys_forget_table(parking->keys, shape->schema, shape->name);
    return applier->target->ops->resolve_parked(applier->target, at->shape->target, err);
}

/* Takes what waits behind a parked change out of changes[0, *count), and parks it, in source order. */
static bool park_behind(struct applier *applier, const struct batch *batch,
                        struct batch_change *changes, size_t *count, struct error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        const struct batch_change *at = &changes[i];
        bool is_parked = false;
        bool is_row = at->kind != CHANGE_TRUNCATE && at->kind != CHANGE_COPY;
        if (at->kind == CHANGE_TRUNCATE && !resolve_truncated(applier, at, err))
            return false;
        if (is_row && !is_behind(applier, at, &is_parked, err))
            return false;
        if (is_parked && !park(applier, batch, at, NULL, err))
            return false;
        if (!is_parked)
            changes[kept++] = *at;
    }
    bool has_parked = kept < *count;
    *count = kept;
    return !has_parked || finish_parking(applier, err);
}

static void copy_changes(const struct batch *batch, size_t first, size_t end, struct batch *kept)
{
    *kept = *batch;
    kept->change_count = end - first;
    kept->changes = memory_new_array(end - first + 1, sizeof(*kept->changes));
    if (end > first)
        memcpy(kept->changes, batch->changes + first, (end - first) * sizeof(*kept->changes));
}

bool parking_filter(struct applier *applier, const struct batch *batch, size_t first, size_t end,
                    struct batch *kept, struct error *err)
{
    copy_changes(batch, first, end, kept);
    return park_behind(applier, batch, kept->changes, &kept->change_count, err);
}

bool parking_end_unit(struct applier *applier, const struct batch_unit *unit, struct error *err)
{
    struct parking *parking = &applier->parking;
    if (!parking->is_unit_unnamed || !unit->is_whole_end)
        return true;
    parking->is_unit_unnamed = false;
    return applier->target->ops->name_parked(applier->target, &unit->position, unit->end.xid,
                                             unit->end.commit_time_us, err);
}

bool parking_void(struct applier *applier, struct error *err)
{
    applier->parking.is_changed = true;
    parked_keys_clear(applier->parking.keys);
    return applier->target->ops->resolve_parked(applier->target, NULL, err);
}

/* ---- finding the refused ones ---- */

bool parking_checks_at_once(const struct applier *applier)
{
    return applier->parking.checks_at_once ||
           applier->held.position.commit_lsn <
               atomic_load(&applier->options->memory->checked_until);
}

static bool try_changes(struct applier *applier, const struct batch *batch, size_t first,
                        size_t end, struct error *err)
{
    const struct target_ops *ops = applier->target->ops;
    struct apply_warnings ignored;
    return applier_apply_in_order(applier, batch, first, end, APPLY_CAREFUL, err) &&
           ops->finish_rows(applier->target, &ignored, err) &&
           (!parking_checks_at_once(applier) || ops->check_deferred(applier->target, err));
}

/* Tries the changes [first, end) at once, then halves of them, down to the one that is refused. */
static bool apply_or_park(struct applier *applier, struct batch *kept, size_t first, size_t end,
                          struct error *err)
{
    const struct target_ops *ops = applier->target->ops;
    size_t count = end - first;
    if (!park_behind(applier, kept, kept->changes + first, &count, err))
        return false;
    if (count == 0)
        return true;
    if (!ops->savepoint(applier->target, err))
        return false;
    if (try_changes(applier, kept, first, first + count, err))
        return ops->release_savepoint(applier->target, err);
    if (!parking_takes(applier, err))
        return false;
    struct error reason = *err;
    error_clear(err);
    if (!ops->rollback_to_savepoint(applier->target, err) ||
        !ops->release_savepoint(applier->target, err))
        return false;
    if (count == 1)
        return park(applier, kept, &kept->changes[first], &reason, err) &&
               finish_parking(applier, err);
    return apply_or_park(applier, kept, first, first + count / 2, err) &&
           apply_or_park(applier, kept, first + count / 2, first + count, err);
}

/* A refused TRUNCATE is no matter of a row: it stops. */
static bool apply_truncates(struct applier *applier, struct batch *kept, size_t first, size_t end,
                            struct error *err)
{
    size_t count = end - first;
    return park_behind(applier, kept, kept->changes + first, &count, err) &&
           applier_apply_in_order(applier, kept, first, end, APPLY_CAREFUL, err);
}

/* Where deferred constraints are checked behind each piece, a piece is as long as can be: what makes up for a violation
 * may come late. */
static size_t end_of_piece(const struct applier *applier, const struct batch *kept, size_t first)
{
    bool is_truncate = kept->changes[first].kind == CHANGE_TRUNCATE;
    bool is_bounded = !is_truncate && !parking_checks_at_once(applier);
    size_t most = is_bounded ? PARKED_ROWS_TRIED : SIZE_MAX;
    size_t end = first + 1;
    while (end < kept->change_count && end - first < most &&
           (kept->changes[end].kind == CHANGE_TRUNCATE) == is_truncate)
        end++;
    return end;
}

bool parking_apply(struct applier *applier, const struct batch *batch, size_t first, size_t end,
                   struct error *err)
{
    struct batch kept;
    copy_changes(batch, first, end, &kept);
    bool is_applied = true;
    for (size_t at = 0; at < kept.change_count && is_applied;) {
        size_t next = end_of_piece(applier, &kept, at);
        is_applied = kept.changes[at].kind == CHANGE_TRUNCATE
                         ? apply_truncates(applier, &kept, at, next, err)
                         : apply_or_park(applier, &kept, at, next, err);
        at = next;
    }
    free(kept.changes);
    return is_applied;
}
