/* SPDX-License-Identifier: Apache-2.0 */
/* libpq's pipeline mode: many statements in flight, their results in order. */
#include <limits.h>
#include <stdlib.h>

#include "base/memory.h"
#include "postgres/internal.h"

enum { MAX_PARAMS = 1664 };

bool pipeline_enter(struct connection *connection, struct error *err)
{
    return PQenterPipelineMode(connection->pg) ? true : connection_lost(connection, err);
}

bool pipeline_leave(struct connection *connection, struct error *err)
{
    return PQexitPipelineMode(connection->pg) ? true : connection_lost(connection, err);
}

bool pipeline_prepare(struct connection *connection, const char *name, const char *sql,
                      struct error *err)
{
    return PQsendPrepare(connection->pg, name, sql, 0, NULL) ? true
                                                             : connection_lost(connection, err);
}

bool pipeline_send(struct connection *connection, const char *name, int count,
                   const struct bytes *values, const int *is_binary, struct error *err)
{
    const char *data[MAX_PARAMS];
    int lengths[MAX_PARAMS];
    int formats[MAX_PARAMS];
    if (count > MAX_PARAMS)
        return error_set(err, ERROR_FATAL, "%d parameters in one statement", count);
    for (int i = 0; i < count; i++) {
        if (values[i].size > INT_MAX)
            return error_set(err, ERROR_DATA, "a value of %zu bytes", values[i].size);
        data[i] = (const char *)values[i].data;
        lengths[i] = (int)values[i].size;
        formats[i] = is_binary ? is_binary[i] : 0;
    }
    if (!PQsendQueryPrepared(connection->pg, name, count, data, lengths, formats, 0))
        return connection_lost(connection, err);
    return true;
}

bool pipeline_send_sql(struct connection *connection, const char *sql, const char *const *params,
                       struct error *err)
{
    int count = 0;
    while (params && params[count])
        count++;
    if (!PQsendQueryParams(connection->pg, sql, count, NULL, params, NULL, NULL, 0))
        return connection_lost(connection, err);
    return true;
}

bool pipeline_request_flush(struct connection *connection, struct error *err)
{
    if (!PQsendFlushRequest(connection->pg))
        return connection_lost(connection, err);
    return connection_flush(connection, err);
}

bool pipeline_sync(struct connection *connection, struct error *err)
{
    if (!PQpipelineSync(connection->pg))
        return connection_lost(connection, err);
    return connection_flush(connection, err);
}

static enum pipeline_status status_of(ExecStatusType status)
{
    if (status == PGRES_PIPELINE_SYNC)
        return PIPELINE_SYNCED;
    if (status == PGRES_PIPELINE_ABORTED)
        return PIPELINE_SKIPPED;
    if (status == PGRES_TUPLES_OK)
        return PIPELINE_ROWS;
    return status == PGRES_COMMAND_OK ? PIPELINE_DONE : PIPELINE_FAILED;
}

/* Each statement's results end with a NULL, except a sync's. */
static bool read_end(struct connection *connection, struct error *err)
{
    PGresult *end = connection_next_result(connection, err);
    if (!end)
        return err->kind == ERROR_NONE;
    PQclear(end);
    return error_set(err, ERROR_FATAL, "%s: a statement gave two results", connection->what);
}

bool pipeline_next(struct connection *connection, struct pipeline_result *result, struct error *err)
{
    *result = (struct pipeline_result){0};
    PGresult *got = connection_await_result(connection, err);
    if (!got)
        return false;
    result->status = status_of(PQresultStatus(got));
    if (result->status == PIPELINE_SYNCED) {
        PQclear(got);
        return true;
    }
    result->affected = strtoull(PQcmdTuples(got), NULL, 10);
    struct error failure;
    error_clear(&failure);
    if (result->status == PIPELINE_FAILED)
        result_error(connection, got, &failure);
    if (result->status == PIPELINE_ROWS) {
        result->query = memory_new(sizeof(*result->query));
        result->query->result = got;
    } else {
        PQclear(got);
    }
    if (connection_is_lost(connection)) {
        query_free(result->query);
        return connection_lost(connection, err);
    }
    if (!read_end(connection, err)) {
        query_free(result->query);
        return false;
    }
    *err = failure;
    return true;
}
