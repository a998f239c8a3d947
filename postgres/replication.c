/* SPDX-License-Identifier: Apache-2.0 */
/* The replication stream over libpq's CopyBoth, and the commands around it. */
#include "postgres/replication.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "postgres/internal.h"

enum {
    GULP_BYTES = 16 * 1024,          /* less than this waiting, while behind: let more gather */
    GULP_NAP_NS = 1000000,           /* for this long */
    NEAR_RECEIVE_BUFFER = 64 * 1024, /* of a server on this machine or rack */
    NEAR_RTT_US = 1000,
    DATA_HEAD_BYTES = 25,
    STATUS_BYTES = 34,
};

static const int64_t US_1970_TO_2000 = INT64_C(946684800) * 1000000;

int64_t server_time_us(int64_t since_2000_us)
{
    return (int64_t)((uint64_t)since_2000_us + (uint64_t)US_1970_TO_2000);
}

struct postgres_stream {
    struct replication base;
    struct connection *connection;
    char *row;      /* what next() lent */
    bool is_behind; /* the server had much to send the last time */
};

static struct postgres_stream *of(struct replication *stream)
{
    return (struct postgres_stream *)stream;
}

static bool parse_frame(struct bytes row, struct frame *frame, struct error *err)
{
    struct byte_reader reader = byte_reader_over(row);
    uint8_t kind = read_u8(&reader);
    *frame = (struct frame){.kind = FRAME_DATA};
    if (kind == 'w') {
        frame->start_lsn = read_u64(&reader);
        frame->wal_end = read_u64(&reader);
        frame->time_us = server_time_us((int64_t)read_u64(&reader));
        frame->body = read_bytes(&reader, byte_reader_left(&reader));
    } else if (kind == 'k') {
        frame->kind = FRAME_KEEPALIVE;
        frame->wal_end = read_u64(&reader);
        frame->time_us = server_time_us((int64_t)read_u64(&reader));
        frame->wants_reply = read_u8(&reader) != 0;
    }
    bool is_known = kind == 'w' || kind == 'k';
    if (is_known && !reader.overrun && byte_reader_left(&reader) == 0)
        return true;
    return error_stop(err, STOP_PROTOCOL_ERROR, "replication frame of kind 0x%02x is malformed",
                      kind);
}

/* The stream has ended: why? */
static bool stream_ended(struct connection *connection, struct error *err)
{
    PGresult *result = connection_next_result(connection, err);
    if (result && PQresultStatus(result) == PGRES_FATAL_ERROR)
        result_error(connection, result, err);
    else if (err->kind == ERROR_NONE)
        error_set(err, ERROR_RETRY, "%s: the server ended the stream", connection->what);
    PQclear(result);
    connection->is_lost = true;
    bool is_publication_gone = strcmp(err->sqlstate, "42704") == 0;
    if (is_publication_gone) {
        err->kind = ERROR_STOP;
        err->stop = STOP_PUBLICATION_MISSING;
        error_remedy(err,
                     "PostgreSQL decodes with the publication as it was at that moment: if it was "
                     "dropped, the slot can't go on; see docs/stops.md");
    }
    return false;
}

static bool stream_next(struct replication *base, struct frame *frame, struct error *err)
{
    struct postgres_stream *stream = of(base);
    PGconn *pg = stream->connection->pg;
    PQfreemem(stream->row);
    stream->row = NULL;
    frame->kind = FRAME_NONE;
    int size = PQgetCopyData(pg, &stream->row, 1);
    if (size == 0)
        return true;
    if (size == -1)
        return stream_ended(stream->connection, err);
    if (size < 0)
        return connection_lost(stream->connection, err);
    return parse_frame((struct bytes){(const uint8_t *)stream->row, (size_t)size}, frame, err);
}

static int waiting_bytes(PGconn *pg)
{
    int waiting = 0;
    return ioctl(PQsocket(pg), FIONREAD, &waiting) == 0 ? waiting : 0;
}

static bool stream_read_on(struct replication *base, bool *is_read, struct error *err)
{
    const struct postgres_stream *stream = of(base);
    struct connection *connection = stream->connection;
    *is_read = stream->is_behind && waiting_bytes(connection->pg) >= GULP_BYTES;
    if (*is_read && !PQconsumeInput(connection->pg))
        return connection_lost(connection, err);
    return true;
}

/* The walsender writes each row by itself as long as we keep up; it writes many at once when we don't. */
static void let_gather(void)
{
    struct timespec nap = {.tv_nsec = GULP_NAP_NS};
    nanosleep(&nap, NULL);
}

static bool stream_wait(struct replication *base, int other_fd, int timeout_ms,
                        bool *is_other_ready, struct error *err)
{
    struct postgres_stream *stream = of(base);
    struct connection *connection = stream->connection;
    if (PQflush(connection->pg) < 0)
        return connection_lost(connection, err);
    if (stream->is_behind)
        let_gather();
    int stop_fd = connection->stop ? connection->stop->fd : -1;
    struct pollfd wait[3] = {{.fd = PQsocket(connection->pg), .events = POLLIN},
                             {.fd = other_fd, .events = POLLIN},
                             {.fd = stop_fd, .events = POLLIN}};
    (void)poll(wait, 3, timeout_ms);
    *is_other_ready = wait[1].revents != 0;
    stream->is_behind = false;
    if (wait[0].revents == 0)
        return true;
    stream->is_behind = waiting_bytes(connection->pg) >= GULP_BYTES;
    if (!PQconsumeInput(connection->pg))
        return connection_lost(connection, err);
    return true;
}

static bool stream_confirm(struct replication *base, pg_lsn lsn, bool wants_reply,
                           struct error *err)
{
    struct connection *connection = of(base)->connection;
    struct byte_buffer status;
    byte_buffer_init(&status, STATUS_BYTES);
    write_u8(&status, 'r');
    write_u64(&status, lsn);
    write_u64(&status, lsn);
    write_u64(&status, lsn);
    write_u64(&status, (uint64_t)(clock_wall_us(&system_clock) - US_1970_TO_2000));
    write_u8(&status, wants_reply);
    int sent = PQputCopyData(connection->pg, (const char *)status.data, (int)status.size);
    byte_buffer_release(&status);
    if (sent < 0 || PQflush(connection->pg) < 0)
        return connection_lost(connection, err);
    return true;
}

static void stream_free(struct replication *base)
{
    PQfreemem(of(base)->row);
    free(of(base));
}

static const struct replication_ops stream_ops = {.next = stream_next,
                                                  .read_on = stream_read_on,
                                                  .wait = stream_wait,
                                                  .confirm = stream_confirm,
                                                  .free = stream_free};

/* A small receive buffer makes a near server write in gulps; over a long way it would throttle the stream. */
static void tune_receive_buffer(PGconn *pg)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);
    int bytes = NEAR_RECEIVE_BUFFER;
    if (getsockopt(PQsocket(pg), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
        info.tcpi_rtt < NEAR_RTT_US)
        (void)setsockopt(PQsocket(pg), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static void write_start_command(struct byte_buffer *sql, const char *slot,
                                const char *const *publications)
{
    struct byte_buffer names;
    byte_buffer_init(&names, 4096);
    for (int i = 0; publications[i]; i++) {
        write_text(&names, i > 0 ? "," : "");
        if (!identifier_write(&names, publications[i]))
            names.overrun = true;
    }
    write_format(sql,
                 "START_REPLICATION SLOT \"%s\" LOGICAL 0/0 (proto_version '1', messages 'true', "
                 "publication_names ",
                 slot);
    literal_write(sql, byte_buffer_text(&names));
    write_text(sql, ")");
    sql->overrun = sql->overrun || names.overrun;
    byte_buffer_release(&names);
}

static bool start_failed(struct connection *connection, const char *slot, const PGresult *result,
                         struct error *err)
{
    result_error(connection, result, err);
    bool is_invalidated = strcmp(err->sqlstate, "55000") == 0;
    if (strcmp(err->sqlstate, "42704") == 0) {
        err->kind = ERROR_STOP;
        err->stop = STOP_SLOT_MISSING;
    } else if (is_invalidated) {
        err->kind = ERROR_STOP;
        err->stop = STOP_SLOT_LOST;
        error_remedy(err,
                     "WAL that the slot needs is gone; a new copy is needed: see docs/stops.md");
    }
    return error_add(err, "slot %s", slot);
}

struct replication *replication_start(struct connection *connection, const char *slot,
                                      const char *const *publications, struct error *err)
{
    struct byte_buffer sql;
    byte_buffer_init(&sql, 8192);
    write_start_command(&sql, slot, publications);
    bool is_sent = !sql.overrun && PQsendQuery(connection->pg, byte_buffer_text(&sql));
    byte_buffer_release(&sql);
    if (!is_sent) {
        connection_lost(connection, err);
        return NULL;
    }
    PGresult *result = connection_await_result(connection, err);
    if (!result)
        return NULL;
    bool is_streaming = PQresultStatus(result) == PGRES_COPY_BOTH;
    if (!is_streaming)
        start_failed(connection, slot, result, err);
    PQclear(result);
    struct error ignored;
    if (!is_streaming) {
        connection_drain(connection, &ignored);
        return NULL;
    }
    tune_receive_buffer(connection->pg);
    struct postgres_stream *stream = memory_new(sizeof(*stream));
    stream->base.ops = &stream_ops;
    stream->connection = connection;
    return &stream->base;
}

bool replication_identify(struct connection *connection, struct system_identity *identity,
                          struct error *err)
{
    SCOPED_QUERY query = query_run(connection, "IDENTIFY_SYSTEM", NO_PARAMS, err);
    if (!query)
        return error_add(err, "IDENTIFY_SYSTEM");
    identity->system_id = query_uint64(query, 0, 0);
    identity->timeline = (uint32_t)query_uint64(query, 0, 1);
    identity->flushed = query_lsn(query, 0, 2);
    return true;
}

/* A history file has a line `timeline <tab> switch point <tab> reason` for each ancestor. */
static pg_lsn find_switch(const char *history, uint32_t ancestor)
{
    pg_lsn found = 0;
    for (const char *line = history; *line;) {
        unsigned timeline = 0;
        char point[LSN_TEXT_SIZE] = "";
        if (sscanf(line, "%u %17s", &timeline, point) == 2 && timeline == ancestor &&
            !lsn_parse(point, &found))
            found = 0;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return found;
}

bool replication_switch_point(struct connection *connection, uint32_t timeline, uint32_t ancestor,
                              pg_lsn *lsn, struct error *err)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "TIMELINE_HISTORY %u", timeline);
    SCOPED_QUERY query = query_run(connection, sql, NO_PARAMS, err);
    if (!query)
        return error_add(err, "%s", sql);
    *lsn = find_switch(query_text(query, 0, 1), ancestor);
    return true;
}

bool replication_create_slot(struct connection *connection, const char *slot,
                             pg_lsn *consistent_point, char *snapshot, struct error *err)
{
    char sql[256];
    snprintf(sql, sizeof(sql), "CREATE_REPLICATION_SLOT \"%s\" LOGICAL pgoutput EXPORT_SNAPSHOT",
             slot);
    SCOPED_QUERY query = query_run(connection, sql, NO_PARAMS, err);
    if (!query && (strcmp(err->sqlstate, "55000") == 0 || strcmp(err->sqlstate, "53400") == 0)) {
        err->kind = ERROR_STOP;
        err->stop = STOP_SERVER_UNSUITABLE;
        error_remedy(err,
                     "ALTER SYSTEM SET wal_level = 'logical'; and enough max_replication_slots "
                     "and max_wal_senders; on the source, then restart it");
    }
    if (!query)
        return error_add(err, "creating slot %s", slot);
    *consistent_point = query_lsn(query, 0, 1);
    snprintf(snapshot, SNAPSHOT_NAME_SIZE, "%s", query_text(query, 0, 2));
    return true;
}

bool replication_drop_slot(struct connection *connection, const char *slot, struct error *err)
{
    char sql[256];
    snprintf(sql, sizeof(sql), "DROP_REPLICATION_SLOT \"%s\" WAIT", slot);
    if (!connection_execute(connection, sql, NO_PARAMS, err))
        return error_add(err, "dropping slot %s", slot);
    return true;
}
