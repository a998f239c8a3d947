/* SPDX-License-Identifier: Apache-2.0 */
/* Statements and their rows, COPY, and the quoting of names. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "postgres/internal.h"

enum { MAX_PARAMS = 64, MAX_IDENTIFIER_BYTES = 63 };

static bool send(struct connection *connection, const char *sql, const char *const *params)
{
    if (!params)
        return PQsendQuery(connection->pg, sql);
    int count = 0;
    while (params[count])
        count++;
    return PQsendQueryParams(connection->pg, sql, count, NULL, params, NULL, NULL, 0);
}

static bool is_success(ExecStatusType status)
{
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

struct query *query_run(struct connection *connection, const char *sql, const char *const *params,
                        struct error *err)
{
    if (!send(connection, sql, params)) {
        connection_lost(connection, err);
        return NULL;
    }
    PGresult *result = connection_await_result(connection, err);
    if (!result)
        return NULL;
    struct error later;
    if (!is_success(PQresultStatus(result))) {
        result_error(connection, result, err);
        PQclear(result);
        connection_drain(connection, &later);
        return NULL;
    }
    if (!connection_drain(connection, err)) {
        PQclear(result);
        return NULL;
    }
    struct query *query = memory_new(sizeof(*query));
    query->result = result;
    return query;
}

void query_free(struct query *query)
{
    if (!query)
        return;
    PQclear(query->result);
    free(query);
}

int query_rows(const struct query *query)
{
    return PQntuples(query->result);
}

bool query_is_null(const struct query *query, int row, int column)
{
    return PQgetisnull(query->result, row, column);
}

const char *query_text(const struct query *query, int row, int column)
{
    return PQgetvalue(query->result, row, column);
}

int64_t query_int64(const struct query *query, int row, int column)
{
    return strtoll(query_text(query, row, column), NULL, 10);
}

uint64_t query_uint64(const struct query *query, int row, int column)
{
    return strtoull(query_text(query, row, column), NULL, 10);
}

bool query_bool(const struct query *query, int row, int column)
{
    return query_text(query, row, column)[0] == 't';
}

pg_lsn query_lsn(const struct query *query, int row, int column)
{
    pg_lsn lsn = 0;
    return lsn_parse(query_text(query, row, column), &lsn) ? lsn : 0;
}

static uint64_t affected_rows(PGresult *result)
{
    return strtoull(PQcmdTuples(result), NULL, 10);
}

uint64_t query_affected(const struct query *query)
{
    return affected_rows(query->result);
}

bool connection_execute(struct connection *connection, const char *sql, const char *const *params,
                        struct error *err)
{
    if (!send(connection, sql, params))
        return connection_lost(connection, err);
    bool is_good = true;
    for (;;) {
        struct error later;
        PGresult *result = connection_next_result(connection, &later);
        if (!result && later.kind == ERROR_NONE)
            return is_good;
        if (!result) {
            *err = later;
            return false;
        }
        if (!is_success(PQresultStatus(result)))
            is_good = result_error(connection, result, err);
        PQclear(result);
    }
}

/* ---- COPY ---- */

/* Starts a COPY: its first result has `status`. */
static bool copy_begin(struct connection *connection, const char *sql, ExecStatusType status,
                       struct error *err)
{
    if (!PQsendQuery(connection->pg, sql))
        return connection_lost(connection, err);
    PGresult *result = connection_await_result(connection, err);
    if (!result)
        return false;
    bool is_started = PQresultStatus(result) == status;
    struct error later;
    if (!is_started)
        result_error(connection, result, err);
    PQclear(result);
    if (!is_started)
        connection_drain(connection, &later);
    return is_started;
}

bool copy_in_begin(struct connection *connection, const char *sql, struct error *err)
{
    return copy_begin(connection, sql, PGRES_COPY_IN, err);
}

bool copy_in_put(struct connection *connection, struct bytes data, struct error *err)
{
    enum { PIECE_BYTES = 256 * 1024 };
    while (data.size > 0) {
        size_t piece = data.size < PIECE_BYTES ? data.size : PIECE_BYTES;
        int sent = PQputCopyData(connection->pg, (const char *)data.data, (int)piece);
        if (sent < 0)
            return connection_lost(connection, err);
        if (sent > 0) {
            data.data += piece;
            data.size -= piece;
        }
        if (!connection_flush(connection, err))
            return false;
    }
    return true;
}

/* The last result of a COPY. */
static bool copy_finish(struct connection *connection, uint64_t *rows, struct error *err)
{
    PGresult *result = connection_await_result(connection, err);
    if (!result)
        return false;
    bool is_good = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (is_good)
        *rows = affected_rows(result);
    else
        result_error(connection, result, err);
    PQclear(result);
    struct error later;
    if (!connection_drain(connection, &later) && is_good) {
        *err = later;
        return false;
    }
    return is_good;
}

bool copy_in_end(struct connection *connection, uint64_t *rows, struct error *err)
{
    while (true) {
        int ended = PQputCopyEnd(connection->pg, NULL);
        if (ended < 0)
            return connection_lost(connection, err);
        if (ended > 0)
            break;
        if (!connection_flush(connection, err))
            return false;
    }
    return copy_finish(connection, rows, err);
}

bool copy_out_begin(struct connection *connection, const char *sql, struct error *err)
{
    return copy_begin(connection, sql, PGRES_COPY_OUT, err);
}

bool copy_out_next(struct connection *connection, struct bytes *row, struct error *err)
{
    PQfreemem(connection->copy_row);
    connection->copy_row = NULL;
    for (;;) {
        int size = PQgetCopyData(connection->pg, &connection->copy_row, 1);
        if (size > 0) {
            *row = (struct bytes){(const uint8_t *)connection->copy_row, (size_t)size};
            return true;
        }
        *row = (struct bytes){NULL, 0};
        uint64_t ignored;
        if (size == -1)
            return copy_finish(connection, &ignored, err);
        if (size < -1)
            return connection_lost(connection, err);
        if (!connection_wait(connection, false, 0, err))
            return false;
        if (!PQconsumeInput(connection->pg))
            return connection_lost(connection, err);
    }
}

/* ---- text ---- */

bool identifier_write(struct byte_buffer *buffer, const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > MAX_IDENTIFIER_BYTES ||
        !bytes_are_utf8((struct bytes){(const uint8_t *)name, size}))
        return false;
    write_u8(buffer, '"');
    for (const char *p = name; *p; p++) {
        if (*p == '"')
            write_u8(buffer, '"');
        write_u8(buffer, (uint8_t)*p);
    }
    write_u8(buffer, '"');
    return true;
}

bool qualified_write(struct byte_buffer *buffer, const char *schema, const char *name)
{
    if (!identifier_write(buffer, schema))
        return false;
    write_u8(buffer, '.');
    return identifier_write(buffer, name);
}

void literal_write(struct byte_buffer *buffer, const char *text)
{
    write_u8(buffer, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            write_u8(buffer, '\'');
        write_u8(buffer, (uint8_t)*p);
    }
    write_u8(buffer, '\'');
}
