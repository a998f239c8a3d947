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

/* The layout of the checkpoint; a target with a newer one is refused. */
#define CHECKPOINT_VERSION "1"

/* ---- opening ---- */

static const char CREATE_CHECKPOINT[] =
    "CREATE SCHEMA IF NOT EXISTS penstock;"
    "CREATE TABLE IF NOT EXISTS penstock.checkpoint ("
    " name text PRIMARY KEY, version integer NOT NULL,"
    " epoch bigint NOT NULL, commit_lsn pg_lsn NOT NULL, ordinal bigint NOT NULL, step bigint NOT "
    "NULL,"
    " end_lsn pg_lsn NOT NULL, acked_lsn pg_lsn NOT NULL,"
    " state text NOT NULL CHECK (state IN ('creating', 'copying', 'streaming')),"
    " system_id numeric(20) NOT NULL, timeline bigint NOT NULL, slot text NOT NULL,"
    " publication text NOT NULL, routing text NOT NULL, tables text NOT NULL,"
    " commit_time timestamptz NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());"
    "COMMENT ON TABLE penstock.checkpoint IS"
    " 'How far each Penstock sink has come; written in the same transactions as its rows. Do not "
    "edit.';"
    "CREATE TABLE IF NOT EXISTS penstock.table_progress ("
    " name text NOT NULL, table_name text NOT NULL,"
    " copied bigint NOT NULL, inserted bigint NOT NULL, updated bigint NOT NULL,"
    " deleted bigint NOT NULL, truncated bigint NOT NULL, PRIMARY KEY (name, table_name))";

static bool create_checkpoint_table(struct postgres_target *target, struct error *err)
{
    SCOPED_QUERY query =
        query_run(target->connection,
                  "SELECT pg_catalog.to_regclass('penstock.checkpoint') IS NOT NULL"
                  " AND pg_catalog.to_regclass('penstock.table_progress') IS NOT NULL",
                  NO_PARAMS, err);
    if (!query)
        return false;
    if (query_bool(query, 0, 0))
        return true;
    if (connection_execute(target->connection, CREATE_CHECKPOINT, NO_PARAMS, err))
        return true;
    if (err->stop == STOP_PERMISSION_DENIED)
        error_remedy(
            err,
            "GRANT CREATE ON DATABASE … TO the target's role, or create schema penstock for it: "
            "CREATE SCHEMA penstock AUTHORIZATION …");
    else if (err->kind == ERROR_DATA || err->stop == STOP_SERVER_REFUSED)
        err->kind = ERROR_RETRY; /* another sink made them at the same moment */
    return error_add(err, "creating penstock.checkpoint at the target");
}

/* A killed predecessor's backend may still be inside COMMIT: it lets go of the lock when it is done. */
static bool lock_name(struct postgres_target *target, struct error *err)
{
    enum { TRY_EVERY_MS = 200 };
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
    if (refused.stop != STOP_PERMISSION_DENIED && refused.stop != STOP_SERVER_REFUSED) {
        *err = refused;
        return false;
    }
    log_info("no replication origin at the target", "reason=%s", refused.message);
    return true;
}

static bool set_up_session(struct postgres_target *target, struct error *err)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "SET synchronous_commit = %s", target->options->synchronous_commit);
    return connection_execute(target->connection, SESSION_SETTINGS, NO_PARAMS, err) &&
           connection_execute(target->connection, sql, NO_PARAMS, err) &&
           set_replica_role(target, err) && lock_name(target, err) && set_origin(target, err) &&
           create_checkpoint_table(target, err);
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
    target->has_move_statement = target->has_count_statement = false;
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

/* ---- the checkpoint ---- */

static const char READ_CHECKPOINT[] =
    "SELECT version, state, epoch, commit_lsn, ordinal, step, end_lsn, acked_lsn, system_id, "
    "timeline,"
    " slot, publication, routing, tables,"
    " (EXTRACT(epoch FROM commit_time) * 1000000)::pg_catalog.int8"
    " FROM penstock.checkpoint WHERE name = $1";

static void copy_text(char *out, size_t size, const struct query *query, int column)
{
    snprintf(out, size, "%s", query_text(query, 0, column));
}

static bool parse_checkpoint(const struct query *query, struct recorded *recorded,
                             struct error *err)
{
    struct recorded found = {0};
    if (query_int64(query, 0, 0) != RECORDED_VERSION ||
        !recorded_state_parse(query_text(query, 0, 1), &found.state)) {
        error_stop(err, STOP_STATE_NEWER,
                   "the target's checkpoint has version %s, this program knows %d",
                   query_text(query, 0, 0), RECORDED_VERSION);
        return error_remedy(err, "run the newer version of penstock that wrote it");
    }
    found.position = (struct position){.epoch = (uint32_t)query_uint64(query, 0, 2),
                                       .commit_lsn = query_lsn(query, 0, 3),
                                       .ordinal = query_uint64(query, 0, 4),
                                       .step = (uint32_t)query_uint64(query, 0, 5)};
    found.end_lsn = query_lsn(query, 0, 6);
    found.acked_lsn = query_lsn(query, 0, 7);
    found.system_id = query_uint64(query, 0, 8);
    found.timeline = (uint32_t)query_uint64(query, 0, 9);
    copy_text(found.slot, sizeof(found.slot), query, 10);
    copy_text(found.publication, sizeof(found.publication), query, 11);
    copy_text(found.routing, sizeof(found.routing), query, 12);
    found.commit_time_us = query_int64(query, 0, 14);
    found.tables = memory_copy_string(query_text(query, 0, 13));
    recorded_assign(recorded, &found);
    recorded_release(&found);
    return true;
}

bool target_postgres_read_checkpoint(struct connection *connection, const char *name,
                                     struct recorded *recorded, struct error *err)
{
    recorded_release(recorded);
    SCOPED_QUERY exists =
        query_run(connection, "SELECT pg_catalog.to_regclass('penstock.checkpoint') IS NOT NULL",
                  NO_PARAMS, err);
    if (!exists)
        return false;
    if (!query_bool(exists, 0, 0))
        return true;
    SCOPED_QUERY query = query_run(connection, READ_CHECKPOINT, PARAMS(name), err);
    if (!query)
        return error_add(err, "reading the checkpoint of %s", name);
    return query_rows(query) == 0 || parse_checkpoint(query, recorded, err);
}

static bool postgres_read_checkpoint(struct target *base, struct recorded *recorded,
                                     struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    return target_postgres_read_checkpoint(target->connection, target->options->name, recorded,
                                           err);
}

/* Numbers of a checkpoint as text parameters. */
struct checkpoint_texts {
    char epoch[16];
    char commit_lsn[LSN_TEXT_SIZE];
    char ordinal[24];
    char step[16];
    char end_lsn[LSN_TEXT_SIZE];
    char acked_lsn[LSN_TEXT_SIZE];
    char commit_time[32];
    char system_id[24];
    char timeline[16];
};

static void write_texts(const struct recorded *recorded, struct checkpoint_texts *texts)
{
    const struct position *position = &recorded->position;
    snprintf(texts->epoch, sizeof(texts->epoch), "%" PRIu32, position->epoch);
    lsn_text(position->commit_lsn, texts->commit_lsn);
    snprintf(texts->ordinal, sizeof(texts->ordinal), "%" PRIu64, position->ordinal);
    snprintf(texts->step, sizeof(texts->step), "%" PRIu32, position->step);
    lsn_text(recorded->end_lsn, texts->end_lsn);
    lsn_text(recorded->acked_lsn, texts->acked_lsn);
    snprintf(texts->commit_time, sizeof(texts->commit_time), "%" PRId64, recorded->commit_time_us);
    snprintf(texts->system_id, sizeof(texts->system_id), "%" PRIu64, recorded->system_id);
    snprintf(texts->timeline, sizeof(texts->timeline), "%" PRIu32, recorded->timeline);
}

#define TIME_OF(parameter)                                                                         \
    "pg_catalog.to_timestamp(0) + " parameter "::pg_catalog.int8 * interval '1 microsecond'"

static const char MOVE_CHECKPOINT[] =
    "UPDATE penstock.checkpoint SET epoch = $2::pg_catalog.int8, commit_lsn = "
    "$3::pg_catalog.pg_lsn,"
    " ordinal = $4::pg_catalog.int8, step = $5::pg_catalog.int8, end_lsn = $6::pg_catalog.pg_lsn,"
    " acked_lsn = $7::pg_catalog.pg_lsn, commit_time = " TIME_OF(
        "$8") ", updated_at = pg_catalog.now()"
              " WHERE name = $1";

static const char WRITE_CHECKPOINT[] =
    "INSERT INTO penstock.checkpoint (name, epoch, commit_lsn, ordinal, step, end_lsn, acked_lsn,"
    " commit_time, version, state, system_id, timeline, slot, publication, routing, tables)"
    " VALUES ($1, $2::pg_catalog.int8, $3::pg_catalog.pg_lsn, $4::pg_catalog.int8,"
    " $5::pg_catalog.int8, $6::pg_catalog.pg_lsn, $7::pg_catalog.pg_lsn, " TIME_OF(
        "$8") ", " CHECKPOINT_VERSION
              ", $9, $10::pg_catalog.numeric, $11::pg_catalog.int8, $12, $13, $14, $15)"
              " ON CONFLICT (name) DO UPDATE SET epoch = EXCLUDED.epoch, commit_lsn = "
              "EXCLUDED.commit_lsn,"
              " ordinal = EXCLUDED.ordinal, step = EXCLUDED.step, end_lsn = EXCLUDED.end_lsn,"
              " acked_lsn = EXCLUDED.acked_lsn, commit_time = EXCLUDED.commit_time,"
              " version = EXCLUDED.version, state = EXCLUDED.state, system_id = EXCLUDED.system_id,"
              " timeline = EXCLUDED.timeline, slot = EXCLUDED.slot, publication = "
              "EXCLUDED.publication,"
              " routing = EXCLUDED.routing, tables = EXCLUDED.tables, updated_at = "
              "pg_catalog.now()";

/* R's positions change with every batch; the rest seldom. */
static bool is_only_moved(const struct recorded *held, const struct recorded *recorded)
{
    return held->state == recorded->state && held->tables && recorded->tables &&
           held->timeline == recorded->timeline && held->system_id == recorded->system_id &&
           strcmp(held->tables, recorded->tables) == 0 && strcmp(held->slot, recorded->slot) == 0 &&
           strcmp(held->publication, recorded->publication) == 0 &&
           strcmp(held->routing, recorded->routing) == 0;
}

static bool queue_checkpoint(struct postgres_target *target, const struct recorded *recorded,
                             struct error *err)
{
    struct checkpoint_texts t;
    const char *name = target->options->name;
    write_texts(recorded, &t);
    if (is_only_moved(&target->held, recorded)) {
        if (!target->has_move_statement) {
            target->has_move_statement =
                postgres_queue_prepare(target, "move_checkpoint", MOVE_CHECKPOINT, err);
            if (!target->has_move_statement)
                return false;
        }
        const char *texts[] = {name,   t.epoch,   t.commit_lsn, t.ordinal,
                               t.step, t.end_lsn, t.acked_lsn,  t.commit_time};
        struct bytes values[8];
        for (int i = 0; i < 8; i++)
            values[i] = (struct bytes){(const uint8_t *)texts[i], strlen(texts[i])};
        return postgres_queue_row(target, PENDING_COMMAND, NULL, APPLY_FAST, "move_checkpoint", 8,
                                  values, err);
    }
    return postgres_queue_sql(target, PENDING_COMMAND, WRITE_CHECKPOINT,
                              PARAMS(name, t.epoch, t.commit_lsn, t.ordinal, t.step, t.end_lsn,
                                     t.acked_lsn, t.commit_time,
                                     recorded_state_text(recorded->state), t.system_id, t.timeline,
                                     recorded->slot, recorded->publication, recorded->routing,
                                     recorded->tables ? recorded->tables : ""),
                              err);
}

/* ---- counts per table ---- */

static const char COUNT[] =
    "INSERT INTO penstock.table_progress AS p"
    " (name, table_name, copied, inserted, updated, deleted, truncated)"
    " VALUES ($1, $2, $3::pg_catalog.int8, $4::pg_catalog.int8, $5::pg_catalog.int8,"
    " $6::pg_catalog.int8, $7::pg_catalog.int8) ON CONFLICT (name, table_name) DO UPDATE SET"
    " copied = p.copied + EXCLUDED.copied, inserted = p.inserted + EXCLUDED.inserted,"
    " updated = p.updated + EXCLUDED.updated, deleted = p.deleted + EXCLUDED.deleted,"
    " truncated = p.truncated + EXCLUDED.truncated";

static bool queue_count(struct postgres_target *target, struct target_table *table,
                        struct error *err)
{
    const uint64_t counts[] = {table->counts.copied, table->counts.inserted, table->counts.updated,
                               table->counts.deleted, table->counts.truncated};
    char texts[5][24];
    struct bytes values[7] = {
        {(const uint8_t *)target->options->name, strlen(target->options->name)},
        {(const uint8_t *)table->display_name, strlen(table->display_name)}};
    uint64_t sum = 0;
    for (int i = 0; i < 5; i++) {
        int length = snprintf(texts[i], sizeof(texts[i]), "%" PRIu64, counts[i]);
        values[i + 2] = (struct bytes){(const uint8_t *)texts[i], (size_t)length};
        sum += counts[i];
    }
    if (sum == 0)
        return true;
    table->counts = (struct table_counts){0};
    if (!target->has_count_statement) {
        target->has_count_statement = postgres_queue_prepare(target, "count_table", COUNT, err);
        if (!target->has_count_statement)
            return false;
    }
    return postgres_queue_row(target, PENDING_COMMAND, NULL, APPLY_FAST, "count_table", 7, values,
                              err);
}

static bool queue_counts(struct postgres_target *target, struct error *err)
{
    for (struct postgres_table *table = target->tables; table; table = table->next)
        if (!queue_count(target, &table->base, err))
            return false;
    return true;
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
           postgres_queue_sql(target, PENDING_CHECKPOINT,
                              "SELECT epoch, commit_lsn, ordinal, step, acked_lsn, state"
                              " FROM penstock.checkpoint WHERE name = $1 FOR UPDATE",
                              PARAMS(target->options->name), err);
}

static bool postgres_savepoint(struct target *base, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    if (!postgres_settle(target, err))
        return false;
    target->saved_warnings = target->warnings;
    for (struct postgres_table *table = target->tables; table; table = table->next)
        table->saved = table->base.counts;
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
    target->has_move_statement = target->has_count_statement = false;
    for (struct postgres_table *table = target->tables; table; table = table->next) {
        table->base.counts = table->saved;
        table->number = ++target->last_number;
        table->has_stage = table->has_delete_stage = false;
        table->is_stage_used = table->is_delete_stage_used = false;
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
           postgres_queue_sql(target, PENDING_POSITIONS,
                              "SELECT pg_catalog.pg_current_wal_insert_lsn(),"
                              " pg_catalog.pg_current_wal_flush_lsn()",
                              NO_PARAMS, err) &&
           postgres_settle(target, err) && failpoint("after_commit", err);
}

/* An insert position just behind a page's header (24 bytes, 40 in a segment's first page) stands for the page's
 * start: nothing will be flushed beyond that until more is written. */
static uint64_t without_page_header(uint64_t lsn)
{
    enum { PAGE_BYTES = 8192, SHORT_HEADER = 24, LONG_HEADER = 40 };
    uint64_t in_page = lsn % PAGE_BYTES;
    return in_page == SHORT_HEADER || in_page == LONG_HEADER ? lsn - in_page : lsn;
}

static bool postgres_commit(struct target *base, const struct recorded *recorded,
                            struct apply_warnings *warnings, struct commit_mark *mark,
                            struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    bool is_sent = queue_counts(target, err) &&
                   postgres_queue_sql(target, PENDING_COMMAND, "SET CONSTRAINTS ALL IMMEDIATE",
                                      NO_PARAMS, err) &&
                   queue_checkpoint(target, recorded, err) && postgres_settle(target, err);
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
    mark->position = without_page_header(target->insert_position);
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
    target->has_move_statement = false;
    target->has_count_statement = false;
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
