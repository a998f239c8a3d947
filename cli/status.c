/* SPDX-License-Identifier: Apache-2.0 */
/* penstock status: what the slot, the source's log, Kafka and the target's state say, put together. */
#include "cli/status.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/kafka.h"
#include "cli/parked.h"
#include "cli/publication_names.h"
#include "sink/target_postgres.h"

/* Both sessions, and what belongs to their answers. */
struct gathering {
    const struct config *config;
    struct connection *source;
    struct connection *target;
    struct arena *arena;
    struct query *tables;
    struct query *parked;
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
    status->now_us = query_int64(query, 0, 9);
    return true;
}

/* Before the first start nothing is published, and that is as it should be. */
static bool read_unpublished(struct gathering *gathering, struct status *status, struct error *err)
{
    struct publication_names names;
    struct listed_tables listed;
    struct published published;
    const struct config *config = gathering->config;
    if (status_captured(status)->state != RECORDED_STREAMING)
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

/* How often each table was changed, and what is parked. */
static bool read_progress(struct gathering *gathering, struct status *status, struct error *err)
{
    gathering->tables =
        query_run(gathering->target,
                  "SELECT table_name, copied, inserted, updated, deleted, truncated"
                  " FROM penstock.table_progress WHERE name = $1 ORDER BY table_name COLLATE \"C\"",
                  PARAMS(status->sink), err);
    status->tables = gathering->tables;
    if (!gathering->tables)
        return false;
    gathering->parked = parked_list(gathering->target, status->sink, err);
    status->parked = gathering->parked;
    return gathering->parked != NULL;
}

static bool read_state(struct gathering *gathering, struct status *status, struct error *err)
{
    if (!target_postgres_read_checkpoint(gathering->target, status->sink, &status->recorded, err))
        return error_add(err, "the state at the target");
    if (status->recorded.state == RECORDED_NONE)
        return true;
    SCOPED_QUERY age =
        query_run(gathering->target,
                  "SELECT (EXTRACT(epoch FROM clock_timestamp() - updated_at) * 1000000)::bigint"
                  " FROM penstock.checkpoint WHERE name = $1",
                  PARAMS(status->sink), err);
    if (!age)
        return false;
    status->recorded_age_us = query_rows(age) > 0 ? query_int64(age, 0, 0) : 0;
    return read_progress(gathering, status, err);
}

/* Over Kafka a sink says by its lock that it runs, and by its place how far it has read. */
static bool read_sink(struct gathering *gathering, struct status *status, struct error *err)
{
    char control[KAFKA_TOPIC_SIZE];
    kafka_control_name(gathering->config->topics.prefix, control);
    if (!target_postgres_is_locked(gathering->target, status->sink, &status->is_sink_active, err))
        return false;
    return target_postgres_read_offset(gathering->target, status->sink, control,
                                       &status->sink_offset, err);
}

/* ---- Kafka ---- */

static bool read_kafka(struct gathering *gathering, struct status *status, struct error *err)
{
    struct kafka_endpoint endpoint;
    if (!kafka_endpoint_read(&endpoint, gathering->config, err))
        return false;
    bool is_read = kafka_look(&endpoint.options, COMMAND_PATIENCE_MS, &status->kafka, err);
    kafka_endpoint_release(&endpoint);
    return is_read;
}

/* ---- the command ---- */

/* What was read last has come furthest: so the lag is never below the truth. */
static bool gather(struct gathering *gathering, const struct endpoints *endpoints,
                   struct status *status, struct error *err)
{
    if (status->has_source) {
        gathering->source = command_connect(&endpoints->source, COMMAND_PATIENCE_MS, err);
        if (!gathering->source)
            return false;
    }
    if (status->has_target) {
        gathering->target = command_connect(&endpoints->target, COMMAND_PATIENCE_MS, err);
        if (!gathering->target || !read_state(gathering, status, err) ||
            (status->has_kafka && !read_sink(gathering, status, err)))
            return false;
    }
    if (status->has_kafka && !read_kafka(gathering, status, err))
        return false;
    status->now_us = clock_wall_us(&system_clock);
    return !status->has_source ||
           (read_slot(gathering, status, err) && read_unpublished(gathering, status, err));
}

static void release(struct gathering *gathering, struct status *status)
{
    query_free(gathering->tables);
    query_free(gathering->parked);
    recorded_release(&status->recorded);
    kafka_look_release(&status->kafka);
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
    struct status status = {.name = config->name,
                            .sink = endpoints_sink_name(config),
                            .slot = config->source.slot,
                            .has_source = config->parts & CONFIG_SOURCE,
                            .has_kafka = config->kafka.count > 0,
                            .has_target = config->parts & CONFIG_TARGET,
                            .sink_offset = -1};
    bool is_known = gather(&gathering, &endpoints, &status, &err);
    if (is_known) {
        status_conclude(&status);
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
