/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint at a PostgreSQL target, and the counts of each table beside it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "sink/target_postgres_internal.h"

/* The layout of the checkpoint; a target with a newer one is refused. */
#define CHECKPOINT_VERSION "1"

static const char CREATE_CHECKPOINT[] =
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

bool postgres_create_checkpoint(struct postgres_target *target, struct error *err)
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
    SCOPED_QUERY schema =
        query_run(target->connection,
                  "SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'penstock'", NO_PARAMS, err);
    if (!schema)
        return false;
    /* CREATE SCHEMA needs a right on the database even where the schema exists. */
    bool is_made =
        (query_rows(schema) > 0 ||
         connection_execute(target->connection, "CREATE SCHEMA penstock", NO_PARAMS, err)) &&
        connection_execute(target->connection, CREATE_CHECKPOINT, NO_PARAMS, err);
    if (is_made)
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

bool postgres_read_checkpoint(struct target *base, struct recorded *recorded, struct error *err)
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

bool postgres_queue_checkpoint(struct postgres_target *target, const struct recorded *recorded,
                               struct error *err)
{
    struct checkpoint_texts t;
    const char *name = target->options->name;
    write_texts(recorded, &t);
    if (is_only_moved(&target->held, recorded)) {
        const char *texts[] = {name,   t.epoch,   t.commit_lsn, t.ordinal,
                               t.step, t.end_lsn, t.acked_lsn,  t.commit_time};
        return postgres_queue_own(target, PENDING_COMMAND, OWN_MOVE_CHECKPOINT, 8, texts, err);
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

static bool queue_count(struct postgres_target *target, struct target_table *table,
                        struct error *err)
{
    const uint64_t counts[] = {table->counts.copied, table->counts.inserted, table->counts.updated,
                               table->counts.deleted, table->counts.truncated};
    char numbers[5][24];
    const char *texts[7] = {target->options->name, table->display_name};
    uint64_t sum = 0;
    for (int i = 0; i < 5; i++) {
        snprintf(numbers[i], sizeof(numbers[i]), "%" PRIu64, counts[i]);
        texts[i + 2] = numbers[i];
        sum += counts[i];
    }
    table->counts = (struct table_counts){0};
    return sum == 0 || postgres_queue_own(target, PENDING_COMMAND, OWN_COUNT_TABLE, 7, texts, err);
}

/* Through Kafka the initial copy comes as rows like any other; only their position tells. */
static void count_as_copied(struct table_counts *counts)
{
    counts->copied += counts->inserted;
    counts->inserted = 0;
}

bool postgres_queue_counts(struct postgres_target *target, const struct recorded *recorded,
                           struct error *err)
{
    for (struct postgres_table *table = target->tables; table; table = table->next) {
        if (recorded->position.commit_lsn == 0)
            count_as_copied(&table->base.counts);
        if (!queue_count(target, &table->base, err))
            return false;
    }
    return true;
}
