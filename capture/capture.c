/* SPDX-License-Identifier: Apache-2.0 */
/* The capture from its first connection to its end, as a list. */
#include "capture/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/memory.h"
#include "capture/internal.h"
#include "capture/slot.h"

static struct connection *open_session(const struct capture *capture, bool is_replication,
                                       struct error *err)
{
    struct connection_options options = capture->options->source;
    options.is_replication = is_replication;
    return connection_open(&options, err);
}

/* The lock lives on the replication session itself: wal_sender_timeout bounds a holder that froze. */
static bool lock_name(struct capture *capture, struct error *err)
{
    enum { TRY_EVERY_MS = 500 };
    int64_t deadline = capture_now_ms(capture) + LOCK_WAIT_MS;
    bool is_locked = false;
    for (;;) {
        if (!slot_try_lock(capture->replication, capture->options->name, &is_locked, err))
            return false;
        if (is_locked)
            return true;
        if (capture_now_ms(capture) >= deadline)
            return slot_already_running(capture->catalog, capture->options->name,
                                        capture->options->slot, err);
        if (stop_flag_wait(capture->options->stop, TRY_EVERY_MS))
            return error_set(err, ERROR_ENDED, "ended on request");
    }
}

static bool read_settings(struct capture *capture, struct error *err)
{
    enum { NEVER_MS = 20000, SHORTEST_MS = 100 };
    SCOPED_QUERY query = query_run(
        capture->catalog,
        "SELECT (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'),"
        " pg_catalog.current_setting('wal_level'), pg_catalog.current_database()",
        NO_PARAMS, err);
    if (!query)
        return error_add(err, "reading the source's settings");
    if (strcmp(query_text(query, 0, 1), "logical") != 0) {
        error_stop(err, STOP_SERVER_UNSUITABLE, "the source has wal_level = %s",
                   query_text(query, 0, 1));
        return error_remedy(
            err, "ALTER SYSTEM SET wal_level = 'logical'; on the source, then restart it");
    }
    snprintf(capture->database, sizeof(capture->database), "%s", query_text(query, 0, 2));
    int64_t timeout_ms = query_int64(query, 0, 0);
    int64_t third = timeout_ms / 3 < SHORTEST_MS ? SHORTEST_MS : timeout_ms / 3;
    capture->keep_alive_ms = timeout_ms == 0 || third > NEVER_MS ? NEVER_MS : (int)third;
    return true;
}

struct capture *capture_open(const struct capture_options *options, struct error *err)
{
    struct capture *capture = memory_new(sizeof(*capture));
    capture->options = options;
    capture->relations = relations_new(options->is_wanted, options->is_wanted_context);
    capture->catalog = open_session(capture, false, err);
    if (capture->catalog && read_settings(capture, err))
        capture->replication = open_session(capture, true, err);
    if (!capture->replication || !lock_name(capture, err) || !failpoint("capture_locked", err)) {
        capture_close(capture);
        return NULL;
    }
    return capture;
}

void capture_close(struct capture *capture)
{
    if (!capture)
        return;
    if (capture->stream)
        capture->stream->ops->free(capture->stream);
    connection_close(capture->replication);
    connection_close(capture->catalog);
    relations_free(capture->relations);
    recorded_release(&capture->recorded);
    free(capture);
}

const struct capture_stats *capture_stats(const struct capture *capture)
{
    return &capture->stats;
}

const char *capture_database(const struct capture *capture)
{
    return capture->database;
}

bool capture_run(struct capture *capture, struct message_writer *writer,
                 struct change_format *format, struct error *err)
{
    capture->writer = writer;
    capture->format = format;
    bool is_done = capture_start(capture, err) && capture_stream(capture, err);
    return is_done || err->kind == ERROR_ENDED;
}
