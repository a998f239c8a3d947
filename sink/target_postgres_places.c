/* SPDX-License-Identifier: Apache-2.0 */
/* Where a sink over Kafka stands in each topic-partition, kept at a PostgreSQL target beside the checkpoint. */
#include <inttypes.h>
#include <stdio.h>

#include "sink/target_postgres_internal.h"

static const char CREATE_PLACES[] =
    "CREATE TABLE IF NOT EXISTS penstock.place ("
    " name text NOT NULL, topic text NOT NULL, partition bigint NOT NULL, next_offset bigint NOT "
    "NULL,"
    " epoch bigint NOT NULL, commit_lsn pg_lsn NOT NULL, ordinal bigint NOT NULL, step bigint NOT "
    "NULL,"
    " PRIMARY KEY (name, topic, partition));"
    "COMMENT ON TABLE penstock.place IS"
    " 'Where each Penstock sink stands in Kafka; part of its checkpoint. Do not edit.'";

static bool create_places(struct postgres_target *target, struct error *err)
{
    SCOPED_QUERY query =
        query_run(target->connection, "SELECT pg_catalog.to_regclass('penstock.place') IS NOT NULL",
                  NO_PARAMS, err);
    if (!query)
        return false;
    if (query_bool(query, 0, 0) ||
        connection_execute(target->connection, CREATE_PLACES, NO_PARAMS, err))
        return true;
    if (err->kind == ERROR_DATA || err->stop == STOP_SERVER_REFUSED)
        err->kind = ERROR_RETRY; /* another sink made it at the same moment */
    return error_add(err, "creating penstock.place at the target");
}

bool postgres_read_places(struct target *base, struct places *places, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    if (!create_places(target, err))
        return false;
    SCOPED_QUERY query =
        query_run(target->connection,
                  "SELECT topic, partition, next_offset, epoch, commit_lsn, ordinal, step"
                  " FROM penstock.place WHERE name = $1",
                  PARAMS(target->options->name), err);
    if (!query)
        return error_add(err, "reading the places of %s", target->options->name);
    for (int row = 0; row < query_rows(query); row++) {
        struct place place = {.topic = query_text(query, row, 0),
                              .partition = (uint32_t)query_uint64(query, row, 1),
                              .next_offset = query_int64(query, row, 2),
                              .last = {.epoch = (uint32_t)query_uint64(query, row, 3),
                                       .commit_lsn = query_lsn(query, row, 4),
                                       .ordinal = query_uint64(query, row, 5),
                                       .step = (uint32_t)query_uint64(query, row, 6)}};
        places_set(places, &place);
    }
    return true;
}

static bool move_place(struct postgres_target *target, const struct place *place, struct error *err)
{
    char partition[16];
    char next_offset[24];
    char epoch[16];
    char commit_lsn[LSN_TEXT_SIZE];
    char ordinal[24];
    char step[16];
    const char *texts[] = {target->options->name,
                           place->topic,
                           partition,
                           next_offset,
                           epoch,
                           lsn_text(place->last.commit_lsn, commit_lsn),
                           ordinal,
                           step};
    snprintf(partition, sizeof(partition), "%" PRIu32, place->partition);
    snprintf(next_offset, sizeof(next_offset), "%" PRId64, place->next_offset);
    snprintf(epoch, sizeof(epoch), "%" PRIu32, place->last.epoch);
    snprintf(ordinal, sizeof(ordinal), "%" PRIu64, place->last.ordinal);
    snprintf(step, sizeof(step), "%" PRIu32, place->last.step);
    return postgres_queue_own(target, PENDING_COMMAND, OWN_MOVE_PLACE, 8, texts, err);
}

bool postgres_move_places(struct target *base, const struct places *places, struct error *err)
{
    for (size_t i = 0; i < places->count; i++)
        if (!move_place(postgres_target_of(base), &places->items[i], err))
            return false;
    return true;
}

bool target_postgres_read_offset(struct connection *connection, const char *name, const char *topic,
                                 int64_t *offset, struct error *err)
{
    *offset = -1;
    SCOPED_QUERY table = query_run(
        connection, "SELECT pg_catalog.to_regclass('penstock.place') IS NOT NULL", NO_PARAMS, err);
    if (!table || !query_bool(table, 0, 0))
        return table != NULL;
    SCOPED_QUERY query = query_run(connection,
                                   "SELECT next_offset FROM penstock.place"
                                   " WHERE name = $1 AND topic = $2 AND partition = 0",
                                   PARAMS(name, topic), err);
    if (query && query_rows(query) > 0)
        *offset = query_int64(query, 0, 0);
    return query != NULL || error_add(err, "reading where %s is in %s", name, topic);
}
