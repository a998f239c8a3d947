/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL target: its session, its checkpoint, its transactions. */
#include "sink/target_postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "sink/target_postgres_internal.h"

enum { LOCK_WAIT_MS = 75000, MAX_TEXT_BYTES = INT32_MAX };

/* ---- opening ---- */

/* Whoever comes here holds the name at the source: who holds it at the target is dead or frozen. If its session waits
 * in mid-statement for a client that sends nothing, no time-out of the server's ends it. */
static bool end_frozen_holder(struct postgres_target *target, const char *key, struct error *err)
{
    return connection_execute(
        target->connection,
        "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a"
        " JOIN pg_catalog.pg_locks l ON l.pid = a.pid WHERE l.locktype = 'advisory' AND l.granted"
        " AND l.objsubid = 1 AND (l.classid::pg_catalog.int8 << 32 | l.objid::pg_catalog.int8)"
        "  = pg_catalog.hashtextextended($1, 0)"
        " AND l.database = (SELECT oid FROM pg_catalog.pg_database"
        "  WHERE datname = pg_catalog.current_database())"
        " AND a.usename = CURRENT_USER AND a.wait_event = 'ClientRead'"
        " AND a.state_change < pg_catalog.now() - interval '60 s'",
        PARAMS(key), err);
}

/* A killed predecessor's backend may still be inside COMMIT: it lets go of the lock when it is done. */
static bool lock_name(struct postgres_target *target, struct error *err)
{
    enum { TRY_EVERY_MS = 500 };
    char key[128];
    const struct target_postgres_options *options = target->options;
    int64_t deadline = clock_now_ms(options->clock) + LOCK_WAIT_MS;
    snprintf(key, sizeof(key), "penstock/%s", options->name);
    for (;;) {
        SCOPED_QUERY query =
            query_run(target->connection,
                      "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0))",
                      PARAMS(key), err);
        if (!query)
            return error_add(err, "locking the name %s at the target", options->name);
        if (query_bool(query, 0, 0))
            return true;
        if (clock_now_ms(options->clock) >= deadline)
            break;
        if (!end_frozen_holder(target, key, err))
            return false;
        if (stop_flag_wait(options->connection.stop, TRY_EVERY_MS))
            return error_set(err, ERROR_ENDED, "ended on request");
    }
    error_stop(err, STOP_ALREADY_RUNNING, "another process holds the lock of %s at the target",
               options->name);
    return error_remedy(
        err,
        "stop the other one; at the target: SELECT pid FROM pg_locks WHERE locktype = 'advisory'");
}

/* A frozen holder loses its session, and so its lock; we ping every 10 s. */
static const char SESSION_SETTINGS[] =
    "SET idle_session_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s';"
    "SET plan_cache_mode = force_generic_plan;"
    "SET enable_hashjoin = off; SET enable_mergejoin = off";

/* Foreign keys and triggers are the source's business: it has checked and fired them. The role may lack the right. */
static bool set_replica_role(struct postgres_target *target, struct error *err)
{
    struct error refused;
    if (connection_execute(target->connection, "SET session_replication_role = replica", NO_PARAMS,
                           &refused))
        return true;
    if (refused.stop != STOP_PERMISSION_DENIED) {
        *err = refused;
        return false;
    }
    log_warn("triggers and foreign keys stay active at the target", "reason=%s do=%s",
             refused.message,
             "GRANT SET ON PARAMETER session_replication_role TO the target's role (PostgreSQL 15 "
             "or newer)");
    return true;
}

/* Marks our changes in the target's WAL, so that others can tell them from its own. */
static bool set_origin(struct postgres_target *target, struct error *err)
{
    char origin[128];
    struct error refused;
    snprintf(origin, sizeof(origin), "penstock_%s", target->options->name);
    const char *sql = "SELECT CASE WHEN pg_catalog.pg_replication_origin_oid($1) IS NULL"
                      " THEN pg_catalog.pg_replication_origin_create($1) END";
    if (connection_execute(target->connection, sql, PARAMS(origin), &refused) &&
        connection_execute(target->connection,
                           "SELECT pg_catalog.pg_replication_origin_session_setup($1)",
                           PARAMS(origin), &refused))
        return true;
    bool is_none_free = strcmp(refused.sqlstate, "53400") == 0; /* configuration_limit_exceeded */
    if (refused.stop != STOP_PERMISSION_DENIED && refused.stop != STOP_SERVER_REFUSED &&
        !is_none_free) {
        *err = refused;
        return false;
    }
    log_info("no replication origin at the target", "reason=%s", refused.message);
    return true;
}

static bool read_segment_size(struct postgres_target *target, struct error *err)
{
    SCOPED_QUERY query =
        query_run(target->connection,
                  "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size'",
                  NO_PARAMS, err);
    if (!query)
        return error_add(err, "reading wal_segment_size");
    target->segment_bytes = query_rows(query) > 0 ? query_uint64(query, 0, 0) : 0;
    if (target->segment_bytes > 0)
        return true;
    return error_stop(err, STOP_SERVER_UNSUITABLE, "the target doesn't tell its wal_segment_size");
}

static bool set_up_session(struct postgres_target *target, struct error *err)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "SET synchronous_commit = %s", target->options->synchronous_commit);
    return connection_execute(target->connection, SESSION_SETTINGS, NO_PARAMS, err) &&
           connection_execute(target->connection, sql, NO_PARAMS, err) &&
           set_replica_role(target, err) && read_segment_size(target, err) &&
           lock_name(target, err) && set_origin(target, err) &&
           postgres_create_checkpoint(target, err) && postgres_create_parked(target, err);
}

static void drop_session(struct postgres_target *target)
{
    connection_close(target->connection);
    target->connection = NULL;
    postgres_forget_tables(&target->base);
    target->is_in_pipeline = false;
    target->pending_count = 0;
    target->unasked = 0;
    target->copying = NULL;
    postgres_forget_own(target);
}

static bool postgres_open(struct target *base, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    drop_session(target);
    target->connection = connection_open(&target->options->connection, err);
    if (!target->connection || !set_up_session(target, err)) {
        drop_session(target);
        return false;
    }
    return failpoint("target_locked", err);
}

static void postgres_free(struct target *base)
{
    struct postgres_target *target = postgres_target_of(base);
    drop_session(target);
    recorded_release(&target->held);
    byte_buffer_release(&target->copy_text);
    free(target->pending);
    free(target);
}

static bool postgres_is_lost(const struct target *base)
{
    const struct postgres_target *target = (const struct postgres_target *)base;
    return !target->connection || connection_is_lost(target->connection);
}

/* ---- transactions ---- */

static bool postgres_begin(struct target *base, const struct recorded *held, bool is_durable,
                           struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    recorded_assign(&target->held, held);
    target->warnings = (struct apply_warnings){0};
    target->is_durable_commit =
        is_durable || strcmp(target->options->synchronous_commit, "off") != 0;
    for (struct postgres_table *table = target->tables; table; table = table->next)
        table->is_stage_used = table->is_delete_stage_used = false;
    bool must_wait = is_durable && strcmp(target->options->synchronous_commit, "off") == 0;
    return postgres_queue_sql(target, PENDING_COMMAND, "BEGIN", NO_PARAMS, err) &&
           postgres_queue_sql(target, PENDING_COMMAND, "SET CONSTRAINTS ALL DEFERRED", NO_PARAMS,
                              err) &&
           (!must_wait ||
            postgres_queue_sql(target, PENDING_COMMAND, "SET LOCAL synchronous_commit = local",
                               NO_PARAMS, err)) &&
           postgres_queue_own(target, PENDING_CHECKPOINT, OWN_LOCK_CHECKPOINT, 1,
                              &target->options->name, err);
}

/* Whether what is in flight are commands only, whose results nobody has to see before the next statement goes out. */
static bool only_commands_pending(const struct postgres_target *target, bool may_be_checkpoint)
{
    if (target->copying)
        return false;
    for (size_t i = 0; i < target->pending_count; i++) {
        enum pending_kind kind = target->pending[target->pending_first + i].kind;
        if (kind != PENDING_COMMAND && !(may_be_checkpoint && kind == PENDING_CHECKPOINT))
            return false;
    }
    return true;
}

static bool postgres_savepoint(struct target *base, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    if (!only_commands_pending(target, true) && !postgres_settle(target, err))
        return false;
    target->saved_warnings = target->warnings;
    for (struct postgres_table *table = target->tables; table; table = table->next) {
        table->saved = table->base.counts;
        table->saved_has_stage = table->has_stage;
        table->saved_has_delete_stage = table->has_delete_stage;
        table->saved_is_stage_used = table->is_stage_used;
        table->saved_is_delete_stage_used = table->is_delete_stage_used;
    }
    return postgres_queue_sql(target, PENDING_COMMAND, "SAVEPOINT part", NO_PARAMS, err);
}

static bool postgres_release_savepoint(struct target *base, struct error *err)
{
    return postgres_queue_sql(postgres_target_of(base), PENDING_COMMAND, "RELEASE SAVEPOINT part",
                              NO_PARAMS, err);
}

/* What was done since may have made stages and statements that are gone now, or never came to be: all are made
 * anew, under new names. */
static void forget_statements(struct postgres_target *target)
{
    target->warnings = target->saved_warnings;
    postgres_forget_own(target);
    for (struct postgres_table *table = target->tables; table; table = table->next) {
        table->base.counts = table->saved;
        table->number = ++target->last_number;
        table->has_stage = table->saved_has_stage;
        table->has_delete_stage = table->saved_has_delete_stage;
        table->is_stage_used = table->saved_is_stage_used;
        table->is_delete_stage_used = table->saved_is_delete_stage_used;
        table->has_insert = table->has_upsert = table->has_delete = false;
        postgres_free_updates(table);
    }
}

static bool postgres_rollback_to_savepoint(struct target *base, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    struct error ignored;
    (void)(postgres_settle(target, &ignored) || ignored.kind);
    if (connection_is_lost(target->connection)) {
        *err = ignored;
        return false;
    }
    forget_statements(target);
    return connection_execute(
        target->connection,
        "ROLLBACK TO SAVEPOINT part; DEALLOCATE ALL; SET CONSTRAINTS ALL DEFERRED", NO_PARAMS, err);
}

static bool postgres_finish_rows(struct target *base, struct apply_warnings *warnings,
                                 struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    bool is_good = postgres_settle(target, err);
    *warnings = target->warnings;
    return is_good;
}

static bool send_commit(struct postgres_target *target, struct error *err)
{
    return failpoint("before_commit", err) &&
           postgres_queue_sql(target, PENDING_COMMAND, "COMMIT", NO_PARAMS, err) &&
           postgres_queue_own(target, PENDING_POSITIONS, OWN_READ_POSITIONS, 0, NULL, err) &&
           postgres_settle(target, err) && failpoint("after_commit", err);
}

/* An insert position just behind a page's header (24 bytes, 40 in a segment's first page) stands for the page's
 * start: nothing will be flushed beyond that until more is written. */
static uint64_t without_page_header(uint64_t lsn, uint64_t segment_bytes)
{
    enum { PAGE_BYTES = 8192, SHORT_HEADER = 24, LONG_HEADER = 40 };
    uint64_t header = lsn % segment_bytes < PAGE_BYTES ? LONG_HEADER : SHORT_HEADER;
    return lsn % PAGE_BYTES == header ? lsn - header : lsn;
}

static bool postgres_commit(struct target *base, const struct recorded *recorded,
                            struct apply_warnings *warnings, struct commit_mark *mark,
                            struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    bool is_sent = (!target->copying || postgres_settle(target, err)) &&
                   postgres_queue_counts(target, recorded, err) &&
                   postgres_queue_sql(target, PENDING_COMMAND, "SET CONSTRAINTS ALL IMMEDIATE",
                                      NO_PARAMS, err) &&
                   postgres_queue_checkpoint(target, recorded, err) &&
                   (only_commands_pending(target, false) || postgres_settle(target, err));
    *warnings = target->warnings;
    if (!is_sent)
        return false;
    if (!send_commit(target, err)) {
        /* Only a refusal is certain to have committed nothing: else the checkpoint, read anew, tells. */
        if (err->kind == ERROR_RETRY)
            drop_session(target);
        return false;
    }
    recorded_assign(&target->held, recorded);
    mark->is_durable = target->is_durable_commit;
    mark->position = without_page_header(target->insert_position, target->segment_bytes);
    return true;
}

static bool postgres_rollback(struct target *base, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    struct error ignored;
    if (postgres_is_lost(base))
        return error_set(err, ERROR_RETRY, "target: the session was lost");
    (void)(postgres_settle(target, &ignored) || ignored.kind);
    postgres_forget_tables(base);
    postgres_forget_own(target);
    return connection_execute(target->connection, "ROLLBACK; DEALLOCATE ALL; DISCARD TEMP",
                              NO_PARAMS, err);
}

static uint64_t postgres_flushed(const struct target *base)
{
    return ((const struct postgres_target *)base)->flushed_position;
}

static bool postgres_ask_flushed(struct target *base, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    if (!postgres_settle(target, err))
        return false;
    SCOPED_QUERY query = query_run(target->connection,
                                   "SELECT pg_catalog.pg_current_wal_flush_lsn()", NO_PARAMS, err);
    if (query)
        target->flushed_position = query_lsn(query, 0, 0);
    return query != NULL;
}

static const struct target_ops ops = {.open = postgres_open,
                                      .free = postgres_free,
                                      .read_checkpoint = postgres_read_checkpoint,
                                      .read_places = postgres_read_places,
                                      .move_places = postgres_move_places,
                                      .prepare_table = postgres_prepare_table,
                                      .forget_tables = postgres_forget_tables,
                                      .empty_tables = postgres_empty_tables,
                                      .begin = postgres_begin,
                                      .savepoint = postgres_savepoint,
                                      .release_savepoint = postgres_release_savepoint,
                                      .rollback_to_savepoint = postgres_rollback_to_savepoint,
                                      .apply_set = postgres_apply_set,
                                      .apply_row = postgres_apply_row,
                                      .truncate = postgres_truncate,
                                      .copy_rows = postgres_copy_rows,
                                      .finish_rows = postgres_finish_rows,
                                      .read_parked = postgres_read_parked,
                                      .park = postgres_park,
                                      .name_parked = postgres_name_parked,
                                      .resolve_parked = postgres_resolve_parked,
                                      .check_deferred = postgres_check_deferred,
                                      .commit = postgres_commit,
                                      .rollback = postgres_rollback,
                                      .is_lost = postgres_is_lost,
                                      .flushed = postgres_flushed,
                                      .ask_flushed = postgres_ask_flushed};

struct target *target_postgres_new(const struct target_postgres_options *options)
{
    struct postgres_target *target = memory_new(sizeof(*target));
    target->base.ops = &ops;
    target->options = options;
    byte_buffer_init(&target->copy_text, MAX_TEXT_BYTES);
    return &target->base;
}

bool target_postgres_is_locked(struct connection *connection, const char *name, bool *is_locked,
                               struct error *err)
{
    char key[128];
    snprintf(key, sizeof(key), "penstock/%s", name);
    SCOPED_QUERY query =
        query_run(connection,
                  "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory'"
                  " AND l.granted AND l.objsubid = 1"
                  " AND (l.classid::pg_catalog.int8 << 32 | l.objid::pg_catalog.int8)"
                  "  = pg_catalog.hashtextextended($1, 0)"
                  " AND l.database = (SELECT oid FROM pg_catalog.pg_database"
                  "  WHERE datname = pg_catalog.current_database()))",
                  PARAMS(key), err);
    if (query)
        *is_locked = query_bool(query, 0, 0);
    return query != NULL || error_add(err, "looking who holds the lock of %s", name);
}
