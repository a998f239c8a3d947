/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line: rows per second and lag, from the counters of capture and sink. */
#include "cli/progress_line.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"

struct progress_line {
    size_t seconds;
    struct sink_stats *sink;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the two below */
    pthread_cond_t changed;
    const struct capture_stats *capture;
    bool is_over;
    uint64_t last_rows;
    uint64_t last_lsn;
    int64_t last_ms;
};

/* Between the source's newest commit and now, as long as it isn't applied; 0 when in step. */
static int64_t lag_ms(uint64_t received_lsn, uint64_t done_lsn, int64_t committed_us)
{
    if (done_lsn >= received_lsn || committed_us == 0)
        return 0;
    int64_t lag = (clock_wall_us(&system_clock) - committed_us) / 1000;
    return lag > 0 ? lag : 0;
}

/* What of the two halves runs in this process. */
struct progress {
    bool is_copying;
    uint64_t rows;
    uint64_t lsn; /* applied, or recorded in Kafka */
    int64_t lag_ms;
};

static bool look(const struct progress_line *line, struct progress *progress)
{
    const struct capture_stats *capture = line->capture;
    struct sink_stats *sink = line->sink;
    uint64_t received = UINT64_MAX;
    int64_t committed_us = 0;
    if (capture) {
        progress->is_copying = atomic_load(&capture->is_copying);
        progress->rows = atomic_load(&capture->changes);
        progress->lsn = atomic_load(&capture->confirmed_lsn);
        committed_us = atomic_load(&capture->commit_time_us);
        received = atomic_load(&capture->received_lsn);
    }
    if (sink) {
        progress->rows = atomic_load(&sink->rows);
        progress->lsn = atomic_load(&sink->applied_lsn);
        committed_us = atomic_load(&sink->commit_time_us);
    }
    progress->lag_ms = lag_ms(received, progress->lsn, committed_us);
    return sink || capture;
}

static void log_progress(struct progress_line *line)
{
    struct progress now = {0};
    int64_t now_ms = clock_now_ms(&system_clock);
    if (!look(line, &now))
        return;
    if (now.rows != line->last_rows || now.lsn != line->last_lsn) {
        char text[LSN_TEXT_SIZE];
        double seconds = (double)(now_ms - line->last_ms) / 1000;
        double rate = (double)(now.rows - line->last_rows) / seconds;
        const char *event = now.is_copying ? "copying rows" : "progress";
        if (line->sink)
            log_info(event, "rows=%lu rows_per_s=%.0f transactions=%lu lag_ms=%ld applied=%s",
                     now.rows, rate, (unsigned long)atomic_load(&line->sink->transactions),
                     now.lag_ms, lsn_text(now.lsn, text));
        else
            log_info(event, "messages=%lu messages_per_s=%.0f lag_ms=%ld confirmed=%s", now.rows,
                     rate, now.lag_ms, lsn_text(now.lsn, text));
    }
    line->last_rows = now.rows;
    line->last_lsn = now.lsn;
    line->last_ms = now_ms;
}

static void *run_line(void *context)
{
    struct progress_line *line = context;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&line->mutex);
    while (!line->is_over) {
        until.tv_sec += (time_t)line->seconds;
        while (!line->is_over && pthread_cond_timedwait(&line->changed, &line->mutex, &until) == 0)
            ;
        if (!line->is_over)
            log_progress(line);
    }
    pthread_mutex_unlock(&line->mutex);
    return NULL;
}

struct progress_line *progress_line_start(size_t seconds, struct sink_stats *sink)
{
    if (seconds == 0)
        return NULL;
    struct progress_line *line = memory_new(sizeof(*line));
    line->seconds = seconds;
    line->sink = sink;
    line->last_ms = clock_now_ms(&system_clock);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&line->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&line->mutex, NULL);
    if (pthread_create(&line->thread, NULL, run_line, line) == 0)
        return line;
    free(line);
    return NULL;
}

void progress_line_watch(struct progress_line *line, const struct capture_stats *capture)
{
    if (!line)
        return;
    pthread_mutex_lock(&line->mutex);
    line->capture = capture;
    pthread_mutex_unlock(&line->mutex);
}

void progress_line_stop(struct progress_line *line)
{
    if (!line)
        return;
    pthread_mutex_lock(&line->mutex);
    line->is_over = true;
    pthread_cond_signal(&line->changed);
    pthread_mutex_unlock(&line->mutex);
    pthread_join(line->thread, NULL);
    pthread_cond_destroy(&line->changed);
    pthread_mutex_destroy(&line->mutex);
    free(line);
}
