/* SPDX-License-Identifier: Apache-2.0 */
/* The applier: folded first, row by row where that is refused, unit by unit where even that is. */
#include "sink/applier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "sink/applier_internal.h"

struct applier *applier_new(const struct applier_options *options, struct target *target,
                            const struct recorded *recorded)
{
    struct applier *applier = memory_new(sizeof(*applier));
    applier->options = options;
    applier->target = target;
    applier->plan = plan_new();
    applier->random = (uint32_t)clock_wall_us(options->clock);
    applier->heard_ms = clock_now_ms(options->clock);
    parking_init(&applier->parking);
    recorded_assign(&applier->held, recorded);
    return applier;
}

void applier_free(struct applier *applier)
{
    if (!applier)
        return;
    plan_free(applier->plan);
    parking_release(applier);
    recorded_release(&applier->held);
    places_release(&applier->moved);
    free(applier);
}

/* ---- durability ---- */

static void set_durable(struct applier *applier, const struct durable *durable)
{
    applier->durable = *durable;
    applier->is_durable_news = true;
}

static void settle_awaited(struct applier *applier)
{
    uint64_t flushed = applier->target->ops->flushed(applier->target);
    size_t done = 0;
    while (done < applier->awaited_count && applier->awaited[done].position <= flushed)
        done++;
    if (done == 0)
        return;
    set_durable(applier, &applier->awaited[done - 1].durable);
    applier->awaited_count -= done;
    memmove(applier->awaited, applier->awaited + done,
            applier->awaited_count * sizeof(*applier->awaited));
}

static void await(struct applier *applier, const struct commit_mark *mark)
{
    struct awaited awaited = {.position = mark->position,
                              .durable = {.state = applier->held.state,
                                          .position = applier->held.position,
                                          .end_lsn = applier->held.end_lsn,
                                          .acked_lsn = applier->held.acked_lsn,
                                          .state_count = applier->state_count}};
    if (mark->is_durable) {
        applier->awaited_count = 0;
        set_durable(applier, &awaited.durable);
        return;
    }
    if (applier->awaited_count == MAX_AWAITED)
        applier->awaited_count--;
    applier->awaited[applier->awaited_count++] = awaited;
    settle_awaited(applier);
}

bool applier_awaits_durability(const struct applier *applier)
{
    return applier->awaited_count > 0;
}

bool applier_durable(struct applier *applier, struct durable *durable)
{
    bool is_news = applier->is_durable_news;
    applier->is_durable_news = false;
    *durable = applier->durable;
    return is_news;
}

/* ---- units ---- */

static void warn(struct applier *applier, const struct apply_warnings *warnings)
{
    struct sink_stats *stats = applier->options->stats;
    atomic_fetch_add(&stats->row_exists, warnings->row_exists);
    atomic_fetch_add(&stats->row_absent, warnings->row_absent);
    if (warnings->row_exists > 0)
        log_warn("ROW_EXISTS", "rows=%lu meaning=%s", warnings->row_exists,
                 "inserts met rows that were there already, and replaced them");
    if (warnings->row_absent > 0)
        log_warn("ROW_ABSENT", "rows=%lu meaning=%s", warnings->row_absent,
                 "deletes met no row: they were gone already");
}

static uint64_t rows_of(const struct batch *batch, size_t first_unit, size_t end_unit)
{
    uint64_t rows = 0;
    size_t first = first_unit < end_unit ? batch->units[first_unit].first_change : 0;
    size_t end = first_unit < end_unit ? batch->units[end_unit - 1].end_change : 0;
    for (size_t i = first; i < end; i++) {
        uint32_t copied;
        if (batch->changes[i].kind != CHANGE_COPY) {
            rows++;
            continue;
        }
        memcpy(&copied, batch->changes[i].wire.data + 4, sizeof(copied));
        rows += copied;
    }
    return rows;
}

static void count_units(struct applier *applier, size_t units)
{
    struct sink_stats *stats = applier->options->stats;
    atomic_fetch_add(&stats->batches, 1);
    atomic_fetch_add(&stats->transactions, units);
    atomic_fetch_add(&stats->rows, applier->uncommitted_rows);
    applier->uncommitted_rows = 0;
    atomic_store(&stats->commit_time_us, applier->held.commit_time_us);
    atomic_store(&stats->applied_lsn, recorded_confirmable(&applier->held));
}

/* The counts of END must be those of what we applied: else the transport lost or doubled something. */
static bool check_count(struct applier *applier, const struct batch_unit *unit, struct error *err)
{
    uint64_t count = unit->end_change - unit->first_change + applier->unit_applied;
    applier->unit_applied = unit->is_whole_end ? 0 : count;
    if (!unit->is_whole_end || count == unit->end.count)
        return true;
    return error_set(err, ERROR_FATAL, "a unit of %" PRIu64 " changes came with %" PRIu64,
                     unit->end.count, count);
}

/* Tables that R gets under a name that another relation had there: the rows of that one must be gone. */
static bool check_recreated_tables(struct applier *applier, const struct recorded *state,
                                   struct error *err)
{
    struct recorded_table fresh;
    struct recorded_table held;
    SCOPED_BUFFER lines;
    byte_buffer_init(&lines, SIZE_MAX);
    if (applier->held.state != RECORDED_STREAMING)
        return true;
    for (const char *at = state->tables; recorded_next_table(&at, &fresh);)
        for (const char *old = applier->held.tables; recorded_next_table(&old, &held);)
            if (strcmp(fresh.name, held.name) == 0 && fresh.oid != held.oid)
                recorded_write_table(&lines, fresh.oid, "-", fresh.name);
    return lines.size == 0 ||
           applier->target->ops->empty_tables(applier->target, byte_buffer_text(&lines), "", err);
}

static bool apply_state(struct applier *applier, const struct batch *batch, struct error *err)
{
    if (!batch->has_state)
        return true;
    const struct recorded *held = &applier->held;
    const char *owned = held->state == RECORDED_COPYING && batch->state.state == RECORDED_CREATING
                            ? held->tables
                            : "";
    if (applier->options->follows_epochs && held->state != RECORDED_NONE &&
        batch->state.position.epoch > held->position.epoch)
        owned = batch->state.tables;
    applier->state_count = batch->state_count;
    if (batch->state.state == RECORDED_STREAMING)
        return check_recreated_tables(applier, &batch->state, err);
    return parking_void(applier, err) &&
           applier->target->ops->empty_tables(applier->target, batch->state.tables, owned, err);
}

/* Over Kafka: the places are of the same transaction as the rows. */
static bool move_places(struct applier *applier, const struct batch *batch, size_t end,
                        struct error *err)
{
    batch_places(batch, end, &applier->moved);
    bool is_moved = applier->moved.count == 0 ||
                    applier->target->ops->move_places(applier->target, &applier->moved, err);
    places_clear(&applier->moved);
    return is_moved;
}

static bool commit(struct applier *applier, const struct batch *batch, size_t first, size_t end,
                   struct error *err)
{
    struct recorded next = {0};
    struct apply_warnings warnings = {0};
    struct commit_mark mark;
    recorded_assign(&next, &applier->held);
    batch_advance(batch, end, &next);
    bool is_committed = move_places(applier, batch, end, err) &&
                        applier->target->ops->commit(applier->target, &next, &warnings, &mark, err);
    if (is_committed) {
        recorded_assign(&applier->held, &next);
        applier->heard_ms = clock_now_ms(applier->options->clock);
        await(applier, &mark);
        warn(applier, &warnings);
        parking_committed(applier);
        count_units(applier, end - first);
    }
    recorded_release(&next);
    return is_committed;
}

/* Applies the units [first, end): all whole, or one that stays open. */
static bool apply_units(struct applier *applier, struct batch *batch, size_t first, size_t end,
                        enum apply_mode mode, struct error *err)
{
    bool is_last = end == batch->unit_count;
    bool stays_open = is_last && batch->is_unit_open;
    bool is_durable = is_last && (batch->has_state || batch->has_watermark);
    if (!applier->is_in_unit &&
        !applier->target->ops->begin(applier->target, &applier->held, is_durable, err))
        return false;
    if (!applier->is_in_unit && !parking_begin(applier, err))
        return false;
    applier->is_in_unit = true;
    if (!applier_prepare_shapes(applier, batch, err))
        return false;
    for (size_t i = first; i < end; i++)
        if (!check_count(applier, &batch->units[i], err))
            return false;
    if (end > first && !applier_apply_changes(applier, batch, batch->units[first].first_change,
                                              batch->units[end - 1].end_change, mode, err))
        return false;
    struct apply_warnings ignored;
    applier->uncommitted_rows += rows_of(batch, first, end);
    if (stays_open)
        return applier->target->ops->finish_rows(applier->target, &ignored, err);
    if ((end > first && !parking_end_unit(applier, &batch->units[end - 1], err)) ||
        (is_last && !apply_state(applier, batch, err)) || !failpoint("before_checkpoint", err) ||
        !commit(applier, batch, first, end, err))
        return false;
    applier->is_in_unit = false;
    return true;
}

/* ---- failures ---- */

static void abandon(struct applier *applier)
{
    struct error ignored;
    applier->is_in_unit = false;
    applier->unit_applied = 0;
    applier->uncommitted_rows = 0;
    applier->generation++;
    parking_rolled_back(applier);
    if (!applier->target->ops->is_lost(applier->target) &&
        !applier->target->ops->rollback(applier->target, &ignored))
        log_debug("rollback failed", "reason=%s", ignored.message);
}

static bool recorded_equal(const struct recorded *left, const struct recorded *right)
{
    return left->state == right->state && left->acked_lsn == right->acked_lsn &&
           left->end_lsn == right->end_lsn &&
           position_compare(&left->position, &right->position) == 0;
}

/* Connects anew for as long as it takes. */
static bool reopen(struct applier *applier, struct error *err)
{
    for (unsigned attempt = 0;; attempt++) {
        applier->generation++;
        if (applier->target->ops->open(applier->target, err))
            return true;
        if (err->kind != ERROR_RETRY)
            return false;
        log_warn("target is away", "reason=%s attempt=%u", err->message, attempt + 1);
        applier->random = applier->random * 1103515245u + 12345u;
        if (stop_flag_wait(applier->options->stop, backoff_ms(attempt, applier->random >> 8)))
            return error_set(err, ERROR_ENDED, "ended on request");
    }
}

/* What the target holds after its session was lost. */
enum after_loss { AS_BEFORE, AS_COMMITTED, ELSEWHERE };

static bool recover(struct applier *applier, const struct recorded *expected,
                    enum after_loss *state, struct error *err)
{
    struct recorded found = {0};
    if (!reopen(applier, err) ||
        !applier->target->ops->read_checkpoint(applier->target, &found, err))
        return false;
    if (recorded_equal(&found, &applier->held))
        *state = AS_BEFORE;
    else if (recorded_equal(&found, expected))
        *state = AS_COMMITTED;
    else
        *state = ELSEWHERE;
    log_info("target is back", "checkpoint=%s",
             *state == AS_BEFORE      ? "as before"
             : *state == AS_COMMITTED ? "committed"
                                      : "elsewhere");
    recorded_release(&found);
    return true;
}

static bool refuse(const struct batch *batch, size_t unit, struct error *err)
{
    const struct batch_unit *at = &batch->units[unit];
    char lsn[LSN_TEXT_SIZE];
    char reason[sizeof(err->message)];
    pg_lsn commit_lsn =
        at->is_whole_end ? at->position.commit_lsn : batch->last_position.commit_lsn;
    lsn_text(commit_lsn, lsn);
    if (err->kind == ERROR_STOP)
        error_add(err, "source transaction %" PRIu32 " (commit %s)", at->end.xid, lsn);
    if (err->kind != ERROR_DATA)
        return false;
    snprintf(reason, sizeof(reason), "%s", err->message);
    if (commit_lsn == 0)
        error_stop(err, STOP_ROW_REFUSED, "the target refused a row of the initial copy: %s",
                   reason);
    else
        error_stop(err, STOP_ROW_REFUSED,
                   "the target refused a row of source transaction %" PRIu32 " (commit %s): %s",
                   at->end.xid, lsn, reason);
    return error_remedy(
        err,
        "nothing of that transaction was applied; mend the target (its constraints, its rows), "
        "then start again; see docs/stops.md, ROW_REFUSED, also for target.on_row_error: park");
}

/* A large unit, parts of which are gone from memory, was refused: read it again, and go slowly. */
static bool ask_for_care(struct applier *applier, const struct batch *batch, struct error *err)
{
    struct error reason = *err;
    atomic_store(&applier->options->memory->careful_until, batch->last_position.commit_lsn);
    return error_set(err, ERROR_RETRY,
                     "reading a large transaction again, to apply it row by row: %s",
                     reason.message);
}

/* Only the commit was refused: a deferred constraint. Again, with each piece checked, so that the row is found. */
static bool apply_checked(struct applier *applier, struct batch *batch, size_t unit,
                          bool is_in_parts, struct error *err)
{
    struct parking *parking = &applier->parking;
    if (!parking_is_on(applier) || err->kind != ERROR_DATA || parking_checks_at_once(applier))
        return false;
    if (is_in_parts) {
        atomic_store(&applier->options->memory->checked_until, batch->last_position.commit_lsn);
        return ask_for_care(applier, batch, err);
    }
    abandon(applier);
    parking->checks_at_once = true;
    bool is_applied = apply_units(applier, batch, unit, unit + 1, APPLY_CAREFUL, err);
    parking->checks_at_once = false;
    return is_applied;
}

static bool apply_one(struct applier *applier, struct batch *batch, size_t unit, struct error *err)
{
    bool is_in_parts =
        applier->is_in_unit || (batch->is_unit_open && unit + 1 == batch->unit_count);
    return apply_units(applier, batch, unit, unit + 1, APPLY_CAREFUL, err) ||
           apply_checked(applier, batch, unit, is_in_parts, err);
}

/* Each unit in a transaction of its own, so that those before the bad one are in. */
static bool apply_one_by_one(struct applier *applier, struct batch *batch, size_t *done,
                             struct error *err)
{
    for (; *done < batch->unit_count; ++*done)
        if (!apply_one(applier, batch, *done, err))
            return refuse(batch, *done, err);
    return batch->unit_count > 0 || apply_units(applier, batch, 0, 0, APPLY_CAREFUL, err);
}

static bool apply_whole(struct applier *applier, struct batch *batch, size_t *done,
                        struct error *err)
{
    pg_lsn careful_until = atomic_load(&applier->options->memory->careful_until);
    if (applier->held.position.commit_lsn < careful_until)
        return apply_one_by_one(applier, batch, done, err);
    size_t whole = batch->unit_count - (batch->is_unit_open ? 1 : 0);
    if (batch->is_unit_open && whole > *done) {
        if (!apply_units(applier, batch, *done, whole, APPLY_FAST, err))
            return false;
        *done = whole;
    }
    return apply_units(applier, batch, *done, batch->unit_count, APPLY_FAST, err);
}

/* The commit whose answer was lost may not be on disk yet: an empty one that waits for the disk settles that. */
static bool commit_nothing(struct applier *applier, const struct batch *batch, struct error *err)
{
    struct apply_warnings none;
    struct commit_mark mark;
    if (batch->has_state)
        applier->state_count = batch->state_count;
    if (!applier->target->ops->begin(applier->target, &applier->held, true, err) ||
        !applier->target->ops->commit(applier->target, &applier->held, &none, &mark, err))
        return false;
    await(applier, &mark);
    return true;
}

/* After a failure: true if the batch (what is left of it) is to be applied again. */
static bool may_retry(struct applier *applier, struct batch *batch, size_t *done, bool was_in_unit,
                      unsigned attempt, struct error *err)
{
    enum after_loss state;
    struct recorded expected = {0};
    if (!applier->target->ops->is_lost(applier->target)) {
        bool is_retriable = err->kind == ERROR_RETRY && attempt < MAX_RETRIES && !was_in_unit;
        if (is_retriable)
            stop_flag_wait(applier->options->stop, backoff_ms(attempt, applier->random++));
        return is_retriable && !stop_flag_is_set(applier->options->stop);
    }
    bool is_copying = applier->held.state != RECORDED_STREAMING; /* then the copy starts anew */
    if (err->kind != ERROR_RETRY || was_in_unit || is_copying)
        return false;
    if (attempt > 0 &&
        stop_flag_wait(applier->options->stop, backoff_ms(attempt, applier->random++)))
        return error_set(err, ERROR_ENDED, "ended on request");
    recorded_assign(&expected, &applier->held);
    batch_advance(batch, batch->unit_count, &expected);
    bool is_back = recover(applier, &expected, &state, err);
    if (is_back && state == AS_COMMITTED) {
        recorded_assign(&applier->held, &expected);
        *done = batch->unit_count - (batch->is_unit_open ? 1 : 0);
        is_back = commit_nothing(applier, batch, err);
    }
    recorded_release(&expected);
    if (is_back && state == ELSEWHERE)
        return error_set(err, ERROR_RETRY, "the target's checkpoint has moved: starting over");
    return is_back;
}

bool applier_apply(struct applier *applier, struct batch *batch, struct error *err)
{
    size_t done = 0; /* units that were committed */
    for (unsigned attempt = 0;; attempt++) {
        bool was_in_unit = applier->is_in_unit;
        uint64_t unit_applied = applier->unit_applied;
        if (apply_whole(applier, batch, &done, err))
            return true;
        abandon(applier);
        bool is_data = err->kind == ERROR_DATA || parking_takes(applier, err);
        bool is_in_parts = was_in_unit || batch->is_unit_open;
        if (is_data && is_in_parts && batch->last_position.commit_lsn == 0)
            return refuse(batch, batch->unit_count - 1, err);
        if (is_data && is_in_parts)
            return ask_for_care(applier, batch, err);
        if (is_data && apply_one_by_one(applier, batch, &done, err))
            return true;
        if (is_data)
            abandon(applier);
        applier->unit_applied = unit_applied;
        if (!may_retry(applier, batch, &done, was_in_unit, attempt, err))
            return false;
        if (done == batch->unit_count && batch->unit_count > 0)
            return true;
    }
}

/* ---- idle ---- */

bool applier_tick(struct applier *applier, struct error *err)
{
    int64_t now = clock_now_ms(applier->options->clock);
    parking_log(applier, false);
    bool is_due = applier->awaited_count > 0 || now - applier->heard_ms >= PING_EVERY_MS;
    if (!is_due)
        return true;
    if (!applier->target->ops->ask_flushed(applier->target, err))
        return false;
    applier->heard_ms = now;
    settle_awaited(applier);
    return true;
}
