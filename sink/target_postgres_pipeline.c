/* SPDX-License-Identifier: Apache-2.0 */
/* Statements in flight, and what each result means. */
#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "sink/target_postgres_internal.h"

/* So few results in flight fit any socket's buffers: neither side can block the other. */
enum { MAX_UNASKED = 128 };

static struct pending *push(struct postgres_target *target)
{
    if (target->pending_count == 0)
        target->pending_first = 0;
    size_t end = target->pending_first + target->pending_count;
    if (end == target->pending_capacity) {
        target->pending_capacity = target->pending_capacity ? target->pending_capacity * 2 : 256;
        target->pending =
            memory_resize(target->pending, target->pending_capacity, sizeof(*target->pending));
    }
    target->pending_count++;
    target->unasked++;
    return &target->pending[end];
}

static bool enter(struct postgres_target *target, struct error *err)
{
    if (target->is_in_pipeline)
        return true;
    if (target->copying && !postgres_settle(target, err))
        return false;
    error_clear(&target->failure);
    target->is_in_pipeline = pipeline_enter(target->connection, err);
    return target->is_in_pipeline;
}

static bool fenced(const struct postgres_target *target, struct error *err)
{
    error_stop(err, STOP_FENCED, "the checkpoint of %s at the target was moved by another process",
               target->options->name);
    return error_remedy(err, "make sure that only one process serves this name, then start again");
}

/* The row of SELECT … FOR UPDATE must be what we wrote last. */
static bool check_checkpoint(struct postgres_target *target, const struct query *query,
                             struct error *err)
{
    const struct recorded *held = &target->held;
    bool is_expected = held->state != RECORDED_NONE;
    if (query_rows(query) != (is_expected ? 1 : 0))
        return fenced(target, err);
    if (!is_expected)
        return true;
    struct position found = {.epoch = (uint32_t)query_uint64(query, 0, 0),
                             .commit_lsn = query_lsn(query, 0, 1),
                             .ordinal = query_uint64(query, 0, 2),
                             .step = (uint32_t)query_uint64(query, 0, 3)};
    bool is_same = position_compare(&found, &held->position) == 0 &&
                   query_lsn(query, 0, 4) == held->acked_lsn &&
                   strcmp(query_text(query, 0, 5), recorded_state_text(held->state)) == 0;
    return is_same ? true : fenced(target, err);
}

static bool missing_row(const struct pending *pending, struct error *err)
{
    const char *name = pending->table->base.display_name;
    if (pending->mode == APPLY_FAST)
        return error_set(err, ERROR_DATA, "an update of %s met no row", name);
    error_stop(err, STOP_ROW_MISSING, "an update of %s met no row at the target", name);
    return error_remedy(
        err, "somebody deleted the row at the target: put it back, or make a new copy; see "
             "docs/stops.md, ROW_MISSING");
}

static bool check_counts(struct postgres_target *target, const struct pending *pending,
                         const struct pipeline_result *result, struct error *err)
{
    switch (pending->kind) {
    case PENDING_COMMAND:
        return true;
    case PENDING_CHECKPOINT:
        return check_checkpoint(target, result->query, err);
    case PENDING_POSITIONS:
        target->insert_position = query_lsn(result->query, 0, 0);
        target->flushed_position = query_lsn(result->query, 0, 1);
        return true;
    case PENDING_INSERT:
    case PENDING_DELETE_UNSEEN:
        return true;
    case PENDING_UPSERT:
        if (query_rows(result->query) == 1 && !query_bool(result->query, 0, 0))
            target->warnings.row_exists++;
        return true;
    case PENDING_UPDATE:
        return result->affected == 1 ? true : missing_row(pending, err);
    case PENDING_DELETE:
        target->warnings.row_absent += result->affected == 0;
        return true;
    }
    return true;
}

/* Takes one result off; a failure is kept, the first one counts. False only if the session is lost. */
static bool take_result(struct postgres_target *target, bool *is_synced, struct error *err)
{
    struct pipeline_result result;
    struct error failure;
    *is_synced = false;
    if (!pipeline_next(target->connection, &result, &failure)) {
        *err = failure;
        return false;
    }
    if (result.status == PIPELINE_SYNCED) {
        *is_synced = true;
        return true;
    }
    struct pending pending = target->pending[target->pending_first];
    target->pending_first++;
    target->pending_count--;
    bool is_good = result.status != PIPELINE_FAILED;
    if (is_good && result.status != PIPELINE_SKIPPED)
        is_good = check_counts(target, &pending, &result, &failure);
    else if (!is_good && pending.table)
        error_add(&failure, "%s", pending.table->base.display_name);
    if (!is_good && target->failure.kind == ERROR_NONE)
        target->failure = failure;
    query_free(result.query);
    return true;
}

/* Lets the queue run empty now and then, so that results never pile up. */
static bool breathe(struct postgres_target *target, struct error *err)
{
    if (target->unasked < MAX_UNASKED)
        return true;
    target->unasked = 0;
    if (!pipeline_request_flush(target->connection, err))
        return false;
    bool is_synced;
    while (target->pending_count > 0)
        if (!take_result(target, &is_synced, err))
            return false;
    if (target->failure.kind == ERROR_NONE)
        return true;
    *err = target->failure;
    return false;
}

bool postgres_queue_sql(struct postgres_target *target, enum pending_kind kind, const char *sql,
                        const char *const *params, struct error *err)
{
    if (!enter(target, err) || !pipeline_send_sql(target->connection, sql, params, err))
        return false;
    *push(target) = (struct pending){.kind = kind};
    return breathe(target, err);
}

bool postgres_queue_prepare(struct postgres_target *target, const char *name, const char *sql,
                            struct error *err)
{
    if (!enter(target, err) || !pipeline_prepare(target->connection, name, sql, err))
        return false;
    *push(target) = (struct pending){.kind = PENDING_COMMAND};
    return true;
}

/* Counts what is sent: if it fails, the count goes with the rest. */
static void count_row(struct postgres_table *table, enum pending_kind kind)
{
    if (!table)
        return;
    struct table_counts *counts = &table->base.counts;
    counts->inserted += kind == PENDING_INSERT || kind == PENDING_UPSERT;
    counts->updated += kind == PENDING_UPDATE;
    counts->deleted += kind == PENDING_DELETE;
}

bool postgres_queue_row(struct postgres_target *target, enum pending_kind kind,
                        struct postgres_table *table, enum apply_mode mode, const char *name,
                        int count, const struct bytes *values, struct error *err)
{
    if (!enter(target, err) || !pipeline_send(target->connection, name, count, values, NULL, err))
        return false;
    *push(target) = (struct pending){.kind = kind, .table = table, .mode = mode};
    count_row(table, kind);
    return breathe(target, err);
}

static bool end_copy(struct postgres_target *target, struct error *err)
{
    struct postgres_table *table = target->copying;
    uint64_t rows = 0;
    target->copying = NULL;
    if (!copy_in_end(target->connection, &rows, err))
        return error_add(err, "%s", table->base.display_name);
    if (rows != target->copying_rows)
        return error_set(err, ERROR_FATAL,
                         "%s: %" PRIu64 " rows were copied, %" PRIu64 " were sent",
                         table->base.display_name, rows, target->copying_rows);
    table->base.counts.copied += rows;
    return true;
}

bool postgres_settle(struct postgres_target *target, struct error *err)
{
    if (target->copying)
        return end_copy(target, err);
    if (!target->is_in_pipeline)
        return true;
    if (!pipeline_sync(target->connection, err))
        return false;
    target->unasked = 0;
    for (bool is_synced = false; !is_synced;)
        if (!take_result(target, &is_synced, err))
            return false;
    target->is_in_pipeline = false;
    target->pending_count = 0;
    if (!pipeline_leave(target->connection, err))
        return false;
    if (target->failure.kind == ERROR_NONE)
        return true;
    *err = target->failure;
    return false;
}
