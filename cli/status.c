/* SPDX-License-Identifier: Apache-2.0 */
/* penstock status: what the slot, the source's log and the target's state say, put together. */
#include "cli/status.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "cli/command.h"
#include "cli/parked.h"
#include "cli/publication_names.h"
#include "sink/target_postgres.h"

enum {
    NOISE_BYTES = 64 * 1024,            /* what an idle server writes between two looks of ours */
    ACKNOWLEDGED_BYTES = 16 << 20,      /* an idle capture acknowledges after so much WAL … */
    ACKNOWLEDGED_US = 15 * 1000 * 1000, /* … or within 10 s, and then some */
    RECENT_US = 2 * 1000 * 1000,        /* a commit so young is on its way */
};

/* Both sessions, and what belongs to their answers. */
struct gathering {
    const struct config *config;
    struct connection *source;
    struct connection *target;
    struct arena *arena;
    struct query *tables;
    struct query *parked;
    int64_t source_now_us;
};

/* ---- the source ---- */

static const char SLOT[] =
    "SELECT s.slot_name IS NOT NULL, COALESCE(s.active, false), COALESCE(s.active_pid, 0),"
    " COALESCE(s.wal_status, ''), GREATEST(COALESCE(l.lsn - s.restart_lsn, 0), 0)::bigint,"
    " COALESCE(s.safe_wal_size, -1), s.restart_lsn, s.confirmed_flush_lsn, l.lsn,"
    " (EXTRACT(epoch FROM clock_timestamp()) * 1000000)::bigint"
    " FROM (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
    "  ELSE pg_current_wal_flush_lsn() END) AS l(lsn)"
    " LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = $1";

static bool read_slot(struct gathering *gathering, struct status *status, struct error *err)
{
    SCOPED_QUERY query = query_run(gathering->source, SLOT, PARAMS(status->slot), err);
    if (!query)
        return error_add(err, "slot %s", status->slot);
    status->has_slot = query_bool(query, 0, 0);
    status->is_active = query_bool(query, 0, 1);
    status->active_pid = (int)query_int64(query, 0, 2);
    snprintf(status->wal_status, sizeof(status->wal_status), "%s", query_text(query, 0, 3));
    status->retained_bytes = query_uint64(query, 0, 4);
    status->safe_bytes = query_int64(query, 0, 5);
    status->restart_lsn = query_lsn(query, 0, 6);
    status->confirmed_flush = query_lsn(query, 0, 7);
    status->source_lsn = query_lsn(query, 0, 8);
    gathering->source_now_us = query_int64(query, 0, 9);
    return true;
}

/* Before the first start nothing is published, and that is as it should be. */
static bool read_unpublished(struct gathering *gathering, struct status *status, struct error *err)
{
    struct publication_names names;
    struct listed_tables listed;
    struct published published;
    const struct config *config = gathering->config;
    if (status->recorded.state != RECORDED_STREAMING)
        return true;
    publication_names_set(&names, config);
    if (!catalog_list_tables(gathering->source, endpoints_want_table, config, &listed, err))
        return false;
    if (!publication_read(gathering->source, &names.options, endpoints_want_table, config,
                          &published, err)) {
        listed_tables_release(&listed);
        return false;
    }
    status->unpublished =
        arena_allocate(gathering->arena, listed.count * sizeof(*status->unpublished));
    size_t next = 0; /* both lists are in the order of their names */
    for (size_t i = 0; i < listed.count; i++) {
        const struct listed_table *table = &listed.items[i];
        while (next < published.count &&
               (strcmp(published.tables[next].schema, table->schema) < 0 ||
                (strcmp(published.tables[next].schema, table->schema) == 0 &&
                 strcmp(published.tables[next].name, table->name) < 0)))
            next++;
        if (next < published.count && published.tables[next].oid == table->oid)
            continue;
        status->unpublished[status->unpublished_count++] =
            (struct unpublished_table){.schema = arena_copy_string(gathering->arena, table->schema),
                                       .name = arena_copy_string(gathering->arena, table->name)};
    }
    published_release(&published);
    listed_tables_release(&listed);
    return true;
}

/* ---- the target ---- */

static bool read_state(struct gathering *gathering, struct status *status, struct error *err)
{
    if (!target_postgres_read_checkpoint(gathering->target, status->name, &status->recorded, err))
        return error_add(err, "the state at the target");
    if (status->recorded.state == RECORDED_NONE)
        return true;
    SCOPED_QUERY age =
        query_run(gathering->target,
                  "SELECT (EXTRACT(epoch FROM clock_timestamp() - updated_at) * 1000000)::bigint"
                  " FROM penstock.checkpoint WHERE name = $1",
                  PARAMS(status->name), err);
    if (!age)
        return false;
    status->recorded_age_us = query_rows(age) > 0 ? query_int64(age, 0, 0) : 0;
    gathering->tables =
        query_run(gathering->target,
                  "SELECT table_name, copied, inserted, updated, deleted, truncated"
                  " FROM penstock.table_progress WHERE name = $1 ORDER BY table_name COLLATE \"C\"",
                  PARAMS(status->name), err);
    status->tables = gathering->tables;
    if (!gathering->tables)
        return false;
    gathering->parked = parked_list(gathering->target, status->name, err);
    status->parked = gathering->parked;
    return gathering->parked != NULL;
}

/* ---- conclusions ---- */

/* How long ago was committed, or acknowledged by an idle source, what the target has. */
static int64_t applied_age_us(const struct gathering *gathering, const struct status *status)
{
    const struct recorded *recorded = &status->recorded;
    int64_t age = gathering->source_now_us - recorded->commit_time_us;
    bool is_acknowledged = recorded->acked_lsn > recorded->end_lsn;
    if (is_acknowledged && status->recorded_age_us < age)
        age = status->recorded_age_us;
    return age > 0 ? age : 0;
}

/* WAL also grows by what isn't ours, and an idle capture acknowledges that only now and then. */
static bool is_in_step(const struct status *status, int64_t age_us)
{
    const struct recorded *recorded = &status->recorded;
    bool is_acknowledged = recorded->acked_lsn > recorded->end_lsn;
    if (status->lag_bytes <= NOISE_BYTES)
        return true;
    return status->lag_bytes <= ACKNOWLEDGED_BYTES &&
           age_us <= (is_acknowledged ? ACKNOWLEDGED_US : RECENT_US);
}

static enum verdict judge(const struct status *status, int64_t age_us)
{
    switch (status->recorded.state) {
    case RECORDED_NONE:
        return status->has_slot ? VERDICT_SLOT_FOREIGN : VERDICT_NOT_STARTED;
    case RECORDED_CREATING:
    case RECORDED_COPYING:
        return VERDICT_COPYING;
    case RECORDED_STREAMING:
        break;
    }
    if (!status->has_slot)
        return VERDICT_SLOT_MISSING;
    if (strcmp(status->wal_status, "lost") == 0)
        return VERDICT_SLOT_LOST;
    if (!status->is_active)
        return VERDICT_NOT_RUNNING;
    return is_in_step(status, age_us) ? VERDICT_IN_STEP : VERDICT_CATCHING_UP;
}

static void conclude(const struct gathering *gathering, struct status *status)
{
    pg_lsn applied = recorded_confirmable(&status->recorded);
    int64_t age_us = 0;
    if (status->recorded.state == RECORDED_STREAMING) {
        status->lag_bytes = status->source_lsn > applied ? status->source_lsn - applied : 0;
        age_us = applied_age_us(gathering, status);
    }
    status->verdict = judge(status, age_us);
    bool is_behind = status->verdict != VERDICT_IN_STEP && status->lag_bytes > 0;
    status->lag_seconds = is_behind ? (double)age_us / 1e6 : 0;
}

const char *verdict_word(enum verdict verdict)
{
    static const char *const words[] = {
        [VERDICT_NOT_STARTED] = "not_started", [VERDICT_COPYING] = "copying",
        [VERDICT_IN_STEP] = "in_step",         [VERDICT_CATCHING_UP] = "catching_up",
        [VERDICT_NOT_RUNNING] = "not_running", [VERDICT_SLOT_MISSING] = "slot_missing",
        [VERDICT_SLOT_LOST] = "slot_lost",     [VERDICT_SLOT_FOREIGN] = "slot_foreign",
    };
    return words[verdict];
}

/* ---- the command ---- */

/* The target's state is read before the source's position, so that the lag is never below the truth. */
static bool gather(struct gathering *gathering, const struct endpoints *endpoints,
                   struct status *status, struct error *err)
{
    gathering->source = command_connect(&endpoints->source, COMMAND_PATIENCE_MS, err);
    if (!gathering->source)
        return false;
    gathering->target = command_connect(&endpoints->target, COMMAND_PATIENCE_MS, err);
    return gathering->target && read_state(gathering, status, err) &&
           read_slot(gathering, status, err) && read_unpublished(gathering, status, err);
}

static void release(struct gathering *gathering, struct status *status)
{
    query_free(gathering->tables);
    query_free(gathering->parked);
    recorded_release(&status->recorded);
    connection_close(gathering->source);
    connection_close(gathering->target);
    arena_free(gathering->arena);
}

enum exit_code command_status(const struct arguments *arguments, const struct config *config)
{
    struct endpoints endpoints;
    struct error err;
    if (!endpoints_read(&endpoints, config, &err))
        return command_stopped(&err);
    struct gathering gathering = {.config = config, .arena = arena_new(4096)};
    struct status status = {.name = endpoints_sink_name(config), .slot = config->source.slot};
    bool is_known = gather(&gathering, &endpoints, &status, &err);
    if (is_known) {
        conclude(&gathering, &status);
        if (arguments->is_json)
            status_print_json(&status);
        else
            status_print_page(&status);
    }
    release(&gathering, &status);
    endpoints_release(&endpoints);
    if (is_known)
        return EXIT_OK;
    return err.kind == ERROR_ENDED ? EXIT_TRY_AGAIN : command_stopped(&err);
}
