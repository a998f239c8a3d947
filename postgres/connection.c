/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a server, and what its failures mean. */
#include "postgres/connection.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "postgres/internal.h"

enum { CANCEL_WAIT_MS = 1000 };

void connection_close(struct connection *connection)
{
    if (!connection)
        return;
    PQfreemem(connection->copy_row);
    PQfinish(connection->pg);
    free(connection);
}

bool connection_is_lost(const struct connection *connection)
{
    return connection->is_lost || PQstatus(connection->pg) == CONNECTION_BAD;
}

int connection_server_version(const struct connection *connection)
{
    return PQserverVersion(connection->pg);
}

bool connection_is_verified(const struct connection *connection)
{
    return connection->is_verified;
}

int postgres_library_version(void)
{
    return PQlibVersion();
}

void connection_cancel(struct connection *connection)
{
    char ignored[256];
    PGcancel *cancel = PQgetCancel(connection->pg);
    if (cancel)
        (void)PQcancel(cancel, ignored, sizeof(ignored));
    PQfreeCancel(cancel);
    connection->is_cancelled = true;
}

/* The first line of libpq's message, without its newline. */
static void first_line(const char *message, char *out, size_t size)
{
    size_t length = strcspn(message, "\n");
    if (length >= size)
        length = size - 1;
    memcpy(out, message, length);
    out[length] = '\0';
}

bool connection_lost(struct connection *connection, struct error *err)
{
    char reason[512];
    first_line(PQerrorMessage(connection->pg), reason, sizeof(reason));
    connection->is_lost = true;
    if (connection->stop && stop_flag_is_set(connection->stop))
        return error_set(err, ERROR_ENDED, "%s: ended on request", connection->what);
    return error_set(err, ERROR_RETRY, "%s: the session was lost: %s", connection->what,
                     reason[0] ? reason : "the server closed the connection");
}

/* How long the wait may go on: -1 for ever. Cancels when the grace is over; false when all patience is. */
static bool stop_patience(struct connection *connection, int *left_ms)
{
    *left_ms = -1;
    if (!connection->stop || !stop_flag_is_set(connection->stop))
        return true;
    int64_t now = clock_now_ms(&system_clock);
    if (connection->stop_seen_ms == 0)
        connection->stop_seen_ms = now;
    int64_t waited = now - connection->stop_seen_ms;
    if (waited < connection->grace_ms) {
        *left_ms = (int)(connection->grace_ms - waited);
        return true;
    }
    if (!connection->is_cancelled)
        connection_cancel(connection);
    *left_ms = (int)(connection->grace_ms + CANCEL_WAIT_MS - waited);
    return *left_ms > 0;
}

static int sooner(int left_ms, int64_t deadline_ms)
{
    if (deadline_ms == 0)
        return left_ms;
    int64_t until = deadline_ms - clock_now_ms(&system_clock);
    int bounded = until < 0 ? 0 : until > 3600000 ? 3600000 : (int)until;
    return left_ms < 0 || bounded < left_ms ? bounded : left_ms;
}

bool connection_wait(struct connection *connection, bool for_writing, int64_t deadline_ms,
                     struct error *err)
{
    int left_ms;
    if (!stop_patience(connection, &left_ms)) {
        connection->is_lost = true;
        return error_set(err, ERROR_ENDED, "%s: ended on request", connection->what);
    }
    bool watches_stop = connection->stop && !stop_flag_is_set(connection->stop);
    struct pollfd wait[2] = {
        {.fd = PQsocket(connection->pg), .events = (short)(POLLIN | (for_writing ? POLLOUT : 0))},
        {.fd = watches_stop ? connection->stop->fd : -1, .events = POLLIN}};
    (void)poll(wait, 2, sooner(left_ms, deadline_ms));
    if (deadline_ms != 0 && wait[0].revents == 0 && clock_now_ms(&system_clock) >= deadline_ms)
        return error_set(err, ERROR_RETRY, "%s: no answer in time", connection->what);
    return true;
}

bool connection_flush(struct connection *connection, struct error *err)
{
    for (;;) {
        int left = PQflush(connection->pg);
        if (left == 0)
            return true;
        if (left < 0)
            return connection_lost(connection, err);
        if (!connection_wait(connection, true, 0, err))
            return false;
        if (!PQconsumeInput(connection->pg))
            return connection_lost(connection, err);
    }
}

PGresult *connection_next_result(struct connection *connection, struct error *err)
{
    error_clear(err);
    if (!connection_flush(connection, err))
        return NULL;
    while (PQisBusy(connection->pg)) {
        if (!connection_wait(connection, false, 0, err))
            return NULL;
        if (!PQconsumeInput(connection->pg)) {
            connection_lost(connection, err);
            return NULL;
        }
    }
    return PQgetResult(connection->pg);
}

PGresult *connection_await_result(struct connection *connection, struct error *err)
{
    PGresult *result = connection_next_result(connection, err);
    if (!result && err->kind == ERROR_NONE)
        connection_lost(connection, err);
    return result;
}

bool connection_drain(struct connection *connection, struct error *err)
{
    for (;;) {
        PGresult *result = connection_next_result(connection, err);
        if (!result)
            return err->kind == ERROR_NONE;
        PQclear(result);
    }
}

static bool starts_with(const char *state, const char *class)
{
    return strncmp(state, class, strlen(class)) == 0;
}

/* Classes of SQLSTATE (PostgreSQL's appendix A) that mean "the same again may succeed later". */
static bool is_passing(const char *state)
{
    static const char *const classes[] = {"08", "40", "53", "55006", "55P03", "57", "58"};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (starts_with(state, classes[i]))
            return true;
    return false;
}

static void set_kind(struct connection *connection, const char *state, struct error *err)
{
    bool is_ours = connection->is_cancelled && strcmp(state, "57014") == 0;
    if (is_ours) {
        err->kind = ERROR_ENDED;
    } else if (starts_with(state, "22") || starts_with(state, "23")) {
        err->kind = ERROR_DATA;
    } else if (is_passing(state)) {
        err->kind = ERROR_RETRY;
    } else {
        err->kind = ERROR_STOP;
        err->stop = strcmp(state, "42501") == 0 ? STOP_PERMISSION_DENIED : STOP_SERVER_REFUSED;
        if (starts_with(state, "28"))
            err->stop = STOP_AUTHENTICATION_FAILED;
        if (err->stop == STOP_PERMISSION_DENIED)
            error_remedy(err, "grant that to the %s's role; `penstock check` lists all it needs",
                         connection->what);
    }
}

static const char *field(const PGresult *result, int code)
{
    const char *text = PQresultErrorField(result, code);
    return text ? text : "";
}

/* DETAIL is left out on purpose: it quotes values of rows. */
bool result_error(struct connection *connection, const PGresult *result, struct error *err)
{
    const char *state = field(result, PG_DIAG_SQLSTATE);
    if (*state == '\0')
        return connection_lost(connection, err);
    const char *message = field(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
    const char *column = field(result, PG_DIAG_COLUMN_NAME);
    const char *extra = *constraint ? constraint : column;
    bool is_value_error = starts_with(state, "22");
    error_set(err, ERROR_STOP, "%s: %s%s%s%s (SQLSTATE %s)", connection->what,
              is_value_error ? "a value was refused" : message, *extra ? " [" : "", extra,
              *extra ? "]" : "", state);
    memcpy(err->sqlstate, state, sizeof(err->sqlstate) - 1);
    err->sqlstate[sizeof(err->sqlstate) - 1] = '\0';
    snprintf(err->constraint, sizeof(err->constraint), "%s", constraint);
    set_kind(connection, state, err);
    return false;
}
