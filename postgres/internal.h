/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of postgres/ share, and nobody else sees. */
#ifndef PENSTOCK_POSTGRES_INTERNAL_H
#define PENSTOCK_POSTGRES_INTERNAL_H

#include <libpq-fe.h>

#include "postgres/connection.h"

struct connection {
    PGconn *pg;
    const char *what;
    struct stop_flag *stop;
    int grace_ms;
    int64_t stop_seen_ms; /* when a wait first saw the flag; 0: not yet */
    bool is_cancelled;    /* we asked the server to cancel */
    bool is_verified;
    bool is_lost;
    char *copy_row; /* the row that copy_out_next() lent */
};

struct query {
    PGresult *result;
};

/* Waits until the socket is readable (or writable, if asked), `deadline_ms` (monotonic, 0: none) passes, or the
 * stop flag's grace is over: then the statement is cancelled, and a second later the session is given up. */
bool connection_wait(struct connection *connection, bool for_writing, int64_t deadline_ms,
                     struct error *err) MUST_USE;

/* The next result, waiting for it; NULL with ERROR_NONE at the end of the statement's results. */
PGresult *connection_next_result(struct connection *connection, struct error *err) MUST_USE;

/* The same where a result must come: NULL is always an error. */
PGresult *connection_await_result(struct connection *connection, struct error *err) MUST_USE;

/* Sends all that is buffered, reading meanwhile so that neither side blocks the other. */
bool connection_flush(struct connection *connection, struct error *err) MUST_USE;

/* Reads the results that are left, so that the session can be used again. */
bool connection_drain(struct connection *connection, struct error *err);

/* Turns a failed result into an error: SQLSTATE decides the kind. Returns false. */
bool result_error(struct connection *connection, const PGresult *result, struct error *err);

/* The session failed outside a statement. Returns false. */
bool connection_lost(struct connection *connection, struct error *err);

#endif
