/* SPDX-License-Identifier: Apache-2.0 */
/* A session with a PostgreSQL server: opened safely, pinned, never waiting without heeding the stop flag. */
#ifndef PENSTOCK_POSTGRES_CONNECTION_H
#define PENSTOCK_POSTGRES_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/position.h"
#include "base/stop_flag.h"

struct connection;

struct connection_options {
    const char *what;         /* "source" or "target": how errors name the server */
    const char *url;          /* libpq's URI or keyword string */
    const char *password;     /* NULL: what the URL, PGPASSFILE or the service say */
    bool is_insecure_allowed; /* an unverified server on another host is accepted */
    bool is_replication;      /* speak the replication protocol as well as SQL */
    struct stop_flag *stop;   /* NULL: waits are never cut short */
    int grace_ms;             /* how long a running statement may go on once the flag is set */
};

/* Connects within 15 s and pins all settings on which the text of values depends (DateStyle, IntervalStyle,
 * extra_float_digits, bytea_output, TimeZone, client_encoding, search_path, lc_monetary, …), then verifies them.
 * A host other than loopback needs sslmode=verify-full unless is_insecure_allowed. ERROR_RETRY when the server is
 * away, AUTHENTICATION_FAILED, SERVER_UNSUITABLE, ERROR_CONFIG for a bad URL. */
struct connection *connection_open(const struct connection_options *options,
                                   struct error *err) MUST_USE;
void connection_close(struct connection *connection);

/* The session is lost: every further call would fail. */
bool connection_is_lost(const struct connection *connection);
int connection_server_version(const struct connection *connection); /* 150020 for 15.20 */

/* Whether the server's identity was verified by TLS, or it is on this host. */
bool connection_is_verified(const struct connection *connection);

/* libpq's version: 150020 for 15.20. */
int postgres_library_version(void);

/* ---- statements ---- */

/* The rows of one statement. */
struct query;

/* Up to a NULL: text parameters $1…; not on replication sessions, which speak the simple protocol only. */
#define PARAMS(...)                                                                                \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define NO_PARAMS NULL

struct query *query_run(struct connection *connection, const char *sql, const char *const *params,
                        struct error *err) MUST_USE;
void query_free(struct query *query);
int query_rows(const struct query *query);
bool query_is_null(const struct query *query, int row, int column);
/* "" for NULL; valid until query_free(). */
const char *query_text(const struct query *query, int row, int column);
int64_t query_int64(const struct query *query, int row, int column);
uint64_t query_uint64(const struct query *query, int row, int column);
bool query_bool(const struct query *query, int row, int column);
pg_lsn query_lsn(const struct query *query, int row, int column);
uint64_t query_affected(const struct query *query);

static inline void query_free_scoped(struct query **query)
{
    query_free(*query);
}
#define SCOPED_QUERY CLEANUP(query_free_scoped) struct query *

/* Runs statements whose rows nobody wants; several may be separated by semicolons if there are no params. */
bool connection_execute(struct connection *connection, const char *sql, const char *const *params,
                        struct error *err) MUST_USE;

/* Asks the server, through a second connection, to cancel what runs. */
void connection_cancel(struct connection *connection);

/* ---- COPY ---- */

bool copy_in_begin(struct connection *connection, const char *sql, struct error *err) MUST_USE;
bool copy_in_put(struct connection *connection, struct bytes data, struct error *err) MUST_USE;
/* `rows` is what the server counted. */
bool copy_in_end(struct connection *connection, uint64_t *rows, struct error *err) MUST_USE;

bool copy_out_begin(struct connection *connection, const char *sql, struct error *err) MUST_USE;
/* One line with its newline; `row->data` is NULL at the end. Valid until the next call. */
bool copy_out_next(struct connection *connection, struct bytes *row, struct error *err) MUST_USE;

/* ---- pipeline: many statements, one round trip ---- */

enum pipeline_status {
    PIPELINE_DONE,    /* the statement did `affected` rows */
    PIPELINE_ROWS,    /* the statement gave rows: see `query` */
    PIPELINE_FAILED,  /* it failed: see the error */
    PIPELINE_SKIPPED, /* one before it had failed */
    PIPELINE_SYNCED,  /* a pipeline_sync() was reached */
};

struct pipeline_result {
    enum pipeline_status status;
    uint64_t affected;
    struct query *query; /* of PIPELINE_ROWS; the caller frees it */
};

bool pipeline_enter(struct connection *connection, struct error *err) MUST_USE;
bool pipeline_prepare(struct connection *connection, const char *name, const char *sql,
                      struct error *err) MUST_USE;
/* `values[i].data` NULL is SQL NULL. All are text with a NUL behind it, or binary where `is_binary[i]` (may be NULL: none). */
bool pipeline_send(struct connection *connection, const char *name, int count,
                   const struct bytes *values, const int *is_binary, struct error *err) MUST_USE;
/* One statement without preparing it. */
bool pipeline_send_sql(struct connection *connection, const char *sql, const char *const *params,
                       struct error *err) MUST_USE;
/* Asks for the results of all so far, without a transaction's end. */
bool pipeline_request_flush(struct connection *connection, struct error *err) MUST_USE;
bool pipeline_sync(struct connection *connection, struct error *err) MUST_USE;
/* The next result, in order; waits for it. False only when the session is lost or ended; a failed statement is a
 * PIPELINE_FAILED with *err set. */
bool pipeline_next(struct connection *connection, struct pipeline_result *result,
                   struct error *err) MUST_USE;
bool pipeline_leave(struct connection *connection, struct error *err) MUST_USE;

/* ---- text ---- */

/* A double-quoted identifier. False for a name with NUL, over 63 bytes, or not UTF-8. */
bool identifier_write(struct byte_buffer *buffer, const char *name) MUST_USE;
/* "schema"."table". */
bool qualified_write(struct byte_buffer *buffer, const char *schema, const char *name) MUST_USE;
/* A single-quoted literal with quotes doubled; standard_conforming_strings is pinned on. */
void literal_write(struct byte_buffer *buffer, const char *text);

#endif
