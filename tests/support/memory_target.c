/* SPDX-License-Identifier: Apache-2.0 */
/* A target in memory: its transactions, its disk, and the failures that a script asks for. */
#include "tests/support/memory_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/support/memory_target_internal.h"
#include "tests/support/scene.h"

void memory_require(bool is_met, const char *what)
{
    if (is_met)
        return;
    fprintf(stderr, "the target in memory was misused: %s\n", what);
    abort();
}

struct memory_target *memory_of(struct target *base)
{
    return (struct memory_target *)base;
}

/* ---- versions ---- */

static void version_release(struct memory_version *version)
{
    memory_rows_release(&version->rows);
    free(version->parking.items);
    recorded_release(&version->checkpoint);
}

static void version_copy(struct memory_version *to, const struct memory_version *from)
{
    memory_rows_copy(&to->rows, &from->rows);
    memory_parking_copy(&to->parking, &from->parking);
    recorded_assign(&to->checkpoint, &from->checkpoint);
    to->position = from->position;
}

static void lose_session(struct memory_target *memory)
{
    memory->is_lost = true;
    memory->is_open = memory->is_failed = memory->has_savepoint = false;
    memory->queued_failure.kind = ERROR_NONE;
}

void memory_target_lose(struct memory_target *memory)
{
    lose_session(memory);
}

void memory_target_crash(struct memory_target *memory)
{
    lose_session(memory);
    version_copy(&memory->committed, &memory->durable);
    for (size_t i = 0; i < memory->late_count; i++)
        version_release(&memory->late[i]);
    memory->late_count = 0;
}

void memory_target_flush(struct memory_target *memory, size_t commits)
{
    if (commits > memory->late_count)
        commits = memory->late_count;
    if (commits == 0)
        return;
    version_copy(&memory->durable, &memory->late[commits - 1]);
    for (size_t i = 0; i < commits; i++)
        version_release(&memory->late[i]);
    memory->late_count -= commits;
    memmove(memory->late, memory->late + commits, memory->late_count * sizeof(*memory->late));
}

size_t memory_target_unflushed(const struct memory_target *memory)
{
    return memory->late_count;
}

/* ---- failures ---- */

void memory_target_fail(struct memory_target *memory, enum memory_op op, unsigned nth,
                        enum memory_failure failure)
{
    memory_require(memory->script_count < MEMORY_SCRIPT, "too long a script");
    memory->script[memory->script_count++] =
        (struct memory_script){.op = op, .left = nth, .failure = failure};
}

void memory_target_heal(struct memory_target *memory)
{
    memory->script_count = 0;
}

static enum memory_failure next_failure(struct memory_target *memory, enum memory_op op)
{
    enum memory_failure failure = MEMORY_FAILS_NOT;
    for (size_t i = 0; i < memory->script_count; i++) {
        struct memory_script *script = &memory->script[i];
        if (script->op == op && script->left > 0 && --script->left == 0)
            failure = script->failure;
    }
    return failure;
}

static bool fail(struct memory_target *memory, enum memory_failure failure, struct error *err)
{
    memory->is_failed = memory->is_open;
    switch (failure) {
    case MEMORY_FAILS_NOT:
        return true;
    case MEMORY_DATA:
        return error_set(err, ERROR_DATA, "a constraint");
    case MEMORY_BUSY:
        return error_set(err, ERROR_RETRY, "a deadlock");
    case MEMORY_REFUSES:
        return error_stop(err, STOP_PERMISSION_DENIED, "no right");
    case MEMORY_CRASHES:
    case MEMORY_CRASHES_AFTER:
        memory_target_crash(memory);
        return error_set(err, ERROR_RETRY, "the server has crashed");
    case MEMORY_LOST:
    case MEMORY_LOST_AFTER:
        lose_session(memory);
        return error_set(err, ERROR_RETRY, "the session was lost");
    }
    return false;
}

static const char *const op_names[MEMORY_OPS] = {"open",   "read", "prepare",  "begin", "savepoint",
                                                 "set",    "row",  "truncate", "copy",  "finish",
                                                 "commit", "ask",  "park",     "check"};

bool memory_passes(struct memory_target *memory, enum memory_op op, struct error *err)
{
    size_t used = strlen(memory->trace);
    snprintf(memory->trace + used, sizeof(memory->trace) - used, "%s%s", used > 0 ? " " : "",
             op_names[op]);
    if (memory->is_lost && op != MEMORY_OPEN)
        return error_set(err, ERROR_RETRY, "there is no session");
    memory_require(!memory->is_failed, "a statement in a failed transaction");
    if (op == MEMORY_COMMIT)
        return true;
    enum memory_failure failure = next_failure(memory, op);
    return failure == MEMORY_FAILS_NOT || fail(memory, failure, err);
}

bool memory_refuse(struct memory_target *memory, struct error *err)
{
    memory->is_failed = true;
    if (!memory->queues_rows)
        return false;
    if (memory->queued_failure.kind == ERROR_NONE)
        memory->queued_failure = *err;
    memory->is_failed = false;
    return true;
}

bool memory_settle(struct memory_target *memory, struct error *err)
{
    if (memory->queued_failure.kind == ERROR_NONE)
        return true;
    *err = memory->queued_failure;
    memory->queued_failure.kind = ERROR_NONE;
    memory->is_failed = true;
    return false;
}

/* ---- transactions ---- */

static bool memory_open(struct target *base, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    lose_session(memory);
    if (!memory_passes(memory, MEMORY_OPEN, err))
        return false;
    memory->is_lost = false;
    memory_forget_tables(base);
    return true;
}

static void memory_free(struct target *base)
{
    memory_target_free(memory_of(base));
}

static bool memory_read_checkpoint(struct target *base, struct recorded *recorded,
                                   struct error *err)
{
    struct memory_target *memory = memory_of(base);
    if (!memory_passes(memory, MEMORY_READ_CHECKPOINT, err))
        return false;
    recorded_assign(recorded, &memory->committed.checkpoint);
    return true;
}

static bool memory_begin(struct target *base, const struct recorded *held, bool is_durable,
                         struct error *err)
{
    struct memory_target *memory = memory_of(base);
    if (!memory_passes(memory, MEMORY_BEGIN, err))
        return false;
    memory_require(!memory->is_open, "a transaction begins inside another");
    const struct recorded *found = &memory->committed.checkpoint;
    memory->is_open = true;
    memory->is_changed = false;
    memory->is_durable = is_durable || !memory->commits_late;
    memory->warnings = (struct apply_warnings){0};
    memory_rows_copy(&memory->rows, &memory->committed.rows);
    memory_parking_copy(&memory->parking, &memory->committed.parking);
    if (found->state == held->state && found->acked_lsn == held->acked_lsn &&
        position_compare(&found->position, &held->position) == 0)
        return true;
    memory->is_failed = true;
    return error_stop(err, STOP_FENCED, "the checkpoint was moved by another");
}

static bool memory_savepoint(struct target *base, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    if (!memory_passes(memory, MEMORY_SAVEPOINT, err) || !memory_settle(memory, err))
        return false;
    memory_require(memory->is_open && !memory->has_savepoint, "a savepoint out of place");
    memory->has_savepoint = true;
    memory->saved_warnings = memory->warnings;
    memory_rows_copy(&memory->saved, &memory->rows);
    return true;
}

static bool memory_release_savepoint(struct target *base, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    if (memory->is_lost)
        return error_set(err, ERROR_RETRY, "there is no session");
    memory_require(memory->has_savepoint && !memory->is_failed, "no savepoint to release");
    memory->has_savepoint = false;
    return true;
}

static bool memory_rollback_to_savepoint(struct target *base, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    if (memory->is_lost)
        return error_set(err, ERROR_RETRY, "there is no session");
    memory_require(memory->has_savepoint, "no savepoint to roll back to");
    memory->is_failed = false;
    memory->queued_failure.kind = ERROR_NONE;
    memory->warnings = memory->saved_warnings;
    memory_rows_copy(&memory->rows, &memory->saved);
    return true;
}

static bool memory_finish_rows(struct target *base, struct apply_warnings *warnings,
                               struct error *err)
{
    struct memory_target *memory = memory_of(base);
    if (!memory_passes(memory, MEMORY_FINISH, err) || !memory_settle(memory, err))
        return false;
    *warnings = memory->warnings;
    return true;
}

/* The commit is done; unless it waits, it reaches the disk later. */
static void publish(struct memory_target *memory, const struct recorded *recorded)
{
    memory_rows_copy(&memory->committed.rows, &memory->rows);
    memory_parking_copy(&memory->committed.parking, &memory->parking);
    recorded_assign(&memory->committed.checkpoint, recorded);
    memory->committed.position += 100;
    memory->is_open = false;
    memory->commits++;
    memory->late = memory_resize(memory->late, memory->late_count + 1, sizeof(*memory->late));
    memory->late[memory->late_count] = (struct memory_version){0};
    version_copy(&memory->late[memory->late_count++], &memory->committed);
    if (memory->is_durable)
        memory_target_flush(memory, memory->late_count);
}

static bool memory_commit(struct target *base, const struct recorded *recorded,
                          struct apply_warnings *warnings, struct commit_mark *mark,
                          struct error *err)
{
    struct memory_target *memory = memory_of(base);
    if (!memory_passes(memory, MEMORY_COMMIT, err) || !memory_settle(memory, err))
        return false;
    memory_require(memory->is_open && !memory->has_savepoint, "a commit out of place");
    enum memory_failure failure = next_failure(memory, MEMORY_COMMIT);
    if (failure == MEMORY_DATA && !memory->is_changed)
        failure = MEMORY_FAILS_NOT; /* no constraint can be violated */
    if (failure == MEMORY_CRASHES_AFTER)
        memory->is_durable = true;
    if (failure == MEMORY_LOST_AFTER || failure == MEMORY_CRASHES_AFTER)
        publish(memory, recorded);
    if (failure != MEMORY_FAILS_NOT)
        return fail(memory, failure, err);
    publish(memory, recorded);
    *warnings = memory->warnings;
    if (memory->is_durable)
        memory->flushed = memory->committed.position;
    *mark = (struct commit_mark){.is_durable = memory->is_durable,
                                 .position = memory->committed.position};
    return true;
}

static bool memory_rollback(struct target *base, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    if (memory->is_lost)
        return error_set(err, ERROR_RETRY, "there is no session");
    memory->is_open = memory->is_failed = memory->has_savepoint = false;
    memory->queued_failure.kind = ERROR_NONE;
    memory_forget_tables(base);
    return true;
}

static bool memory_is_lost(const struct target *base)
{
    return ((const struct memory_target *)base)->is_lost;
}

static uint64_t memory_flushed(const struct target *base)
{
    return ((const struct memory_target *)base)->flushed;
}

static bool memory_ask_flushed(struct target *base, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    if (!memory_passes(memory, MEMORY_ASK_FLUSHED, err))
        return false;
    memory->flushed = memory->durable.position;
    return true;
}

static const struct target_ops ops = {.open = memory_open,
                                      .free = memory_free,
                                      .read_checkpoint = memory_read_checkpoint,
                                      .prepare_table = memory_prepare_table,
                                      .forget_tables = memory_forget_tables,
                                      .empty_tables = memory_empty_tables,
                                      .begin = memory_begin,
                                      .savepoint = memory_savepoint,
                                      .release_savepoint = memory_release_savepoint,
                                      .rollback_to_savepoint = memory_rollback_to_savepoint,
                                      .apply_set = memory_apply_set,
                                      .apply_row = memory_apply_row,
                                      .truncate = memory_truncate,
                                      .copy_rows = memory_copy_rows,
                                      .finish_rows = memory_finish_rows,
                                      .read_parked = memory_read_parked,
                                      .park = memory_park,
                                      .name_parked = memory_name_parked,
                                      .resolve_parked = memory_resolve_parked,
                                      .check_deferred = memory_check_deferred,
                                      .commit = memory_commit,
                                      .rollback = memory_rollback,
                                      .is_lost = memory_is_lost,
                                      .flushed = memory_flushed,
                                      .ask_flushed = memory_ask_flushed};

/* ---- the test's side ---- */

struct memory_target *memory_target_new(void)
{
    struct memory_target *memory = memory_new(sizeof(*memory));
    memory->base.ops = &ops;
    memory->arena = arena_new(64 * 1024);
    return memory;
}

void memory_target_free(struct memory_target *memory)
{
    if (!memory)
        return;
    memory_forget_tables(&memory->base);
    for (size_t i = 0; i < memory->late_count; i++)
        version_release(&memory->late[i]);
    free(memory->late);
    version_release(&memory->committed);
    version_release(&memory->durable);
    memory_rows_release(&memory->rows);
    memory_rows_release(&memory->saved);
    free(memory->parking.items);
    arena_free(memory->arena);
    free(memory);
}

struct target *memory_target_base(struct memory_target *memory)
{
    return &memory->base;
}

void memory_target_add_table(struct memory_target *memory, const char *name, const char *forms,
                             uint16_t unique_column)
{
    memory_require(memory->table_count < MEMORY_TABLES, "too many tables");
    struct memory_table *table = &memory->tables[memory->table_count++];
    *table = (struct memory_table){.name = name, .unique_column = unique_column};
    snprintf(table->forms, sizeof(table->forms), "%s", forms);
}

void memory_target_queue_rows(struct memory_target *memory)
{
    memory->queues_rows = true;
}

void memory_target_commit_late(struct memory_target *memory)
{
    memory->commits_late = true;
}

const char *memory_target_rows(const struct memory_target *memory, const char *name, char *out,
                               size_t size)
{
    return memory_rows_text(&memory->committed.rows, name, out, size);
}

const char *memory_target_open_rows(const struct memory_target *memory, const char *name, char *out,
                                    size_t size)
{
    return memory_rows_text(&memory->rows, name, out, size);
}

struct recorded *memory_target_checkpoint(struct memory_target *memory)
{
    return &memory->committed.checkpoint;
}

const struct recorded *memory_target_durable(const struct memory_target *memory)
{
    return &memory->durable.checkpoint;
}

const char *memory_target_trace(const struct memory_target *memory)
{
    return memory->trace;
}

void memory_target_forget_trace(struct memory_target *memory)
{
    memory->trace[0] = '\0';
}

uint64_t memory_target_surprises(const struct memory_target *memory)
{
    return memory->surprises;
}

uint64_t memory_target_commits(const struct memory_target *memory)
{
    return memory->commits;
}
