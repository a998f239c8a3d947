/* SPDX-License-Identifier: Apache-2.0 */
/* Bare capture for script/bench: reads a slot, decodes every message and throws it away. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/memory.h"
#include "capture/pgoutput.h"
#include "postgres/replication.h"

enum { WAIT_MS = 10, FAILED = 1, USAGE = 64 };

struct reading {
    struct replication *stream;
    struct pgoutput_decoder *decoder;
    pg_lsn end;
    uint64_t rows;
    uint64_t transactions;
    bool is_done;
};

static bool on_data(struct reading *reading, const struct frame *frame, struct error *err)
{
    struct pgoutput_message message;
    if (!pgoutput_decode(reading->decoder, frame->body, &message, err))
        return false;
    bool is_row = message.kind == PGOUTPUT_INSERT || message.kind == PGOUTPUT_UPDATE ||
                  message.kind == PGOUTPUT_DELETE;
    reading->rows += is_row;
    if (message.kind == PGOUTPUT_COMMIT) {
        reading->transactions++;
        reading->is_done = message.commit.end_lsn >= reading->end;
    }
    return true;
}

static bool on_keepalive(struct reading *reading, const struct frame *frame, struct error *err)
{
    reading->is_done = frame->wal_end >= reading->end;
    return !frame->wants_reply || reading->stream->ops->confirm(reading->stream, 0, false, err);
}

static bool on_nothing(struct replication *stream, struct error *err)
{
    bool is_read;
    bool is_other_ready;
    return stream->ops->read_on(stream, &is_read, err) &&
           (is_read || stream->ops->wait(stream, -1, WAIT_MS, &is_other_ready, err));
}

static bool read_to_end(struct reading *reading, struct error *err)
{
    const struct replication_ops *ops = reading->stream->ops;
    while (!reading->is_done) {
        struct frame frame;
        if (!ops->next(reading->stream, &frame, err))
            return false;
        bool is_good = true;
        switch (frame.kind) {
        case FRAME_NONE:
            is_good = on_nothing(reading->stream, err);
            break;
        case FRAME_DATA:
            is_good = on_data(reading, &frame, err);
            break;
        case FRAME_KEEPALIVE:
            is_good = on_keepalive(reading, &frame, err);
            break;
        }
        if (!is_good)
            return false;
    }
    return true;
}

static void print_result(const struct reading *reading, int64_t started_ms)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("rows=%" PRIu64 " transactions=%" PRIu64 " seconds=%.3f cpu_seconds=%.3f rss_kib=%ld\n",
           reading->rows, reading->transactions,
           (double)(clock_now_ms(&system_clock) - started_ms) / 1000, cpu, usage.ru_maxrss);
}

static bool run(const char *url, const char *slot, const char *publication, pg_lsn end,
                struct error *err)
{
    struct connection_options options = {.what = "source", .url = url, .is_replication = true};
    const char *const publications[] = {publication, NULL};
    struct reading reading = {.end = end};
    int64_t started_ms = clock_now_ms(&system_clock);
    struct connection *connection = connection_open(&options, err);
    if (!connection)
        return false;
    reading.stream = replication_start(connection, slot, publications, err);
    reading.decoder = memory_new(sizeof(*reading.decoder));
    bool is_good = reading.stream && read_to_end(&reading, err);
    if (is_good)
        print_result(&reading, started_ms);
    if (reading.stream)
        reading.stream->ops->free(reading.stream);
    free(reading.decoder);
    connection_close(connection);
    return is_good;
}

int main(int argc, char **argv)
{
    pg_lsn end = 0;
    struct error err;
    error_clear(&err);
    if (argc != 5 || !lsn_parse(argv[4], &end)) {
        fprintf(stderr, "usage: %s URL SLOT PUBLICATION LSN\n", argv[0]);
        return USAGE;
    }
    if (run(argv[1], argv[2], argv[3], end, &err))
        return EXIT_SUCCESS;
    fprintf(stderr, "bench_capture: %s\n", err.message);
    return FAILED;
}
