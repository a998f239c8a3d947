/* SPDX-License-Identifier: Apache-2.0 */
/* penstock run: capture and sink in one process, through the pipe; started again when a server was lost. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "capture/capture.h"
#include "cli/command.h"
#include "cli/progress_line.h"
#include "cli/publication_names.h"
#include "sink/sink.h"
#include "sink/target_postgres.h"
#include "transport/pipe.h"

enum {
    MAX_AUTHENTICATION_TRIES = 3, /* then a person is needed: accounts may get locked */
    STEADY_MS = 60000,            /* a session that lasted so long starts the back-off anew */
};

/* What lives as long as the process. */
struct run {
    const struct arguments *arguments;
    const struct config *config;
    struct endpoints endpoints;
    struct capture_options capture;
    struct sink_options sink;
    struct target_postgres_options target;
    struct sink_stats sink_stats;
    struct sink_memory memory;
    struct progress_line *progress;
    struct publication_names publication;
    char filter_hash[FILTER_HASH_SIZE];
};

/* One session: from Start to the loss of a server, a stop, or the end. */
struct session {
    struct run *run;
    struct pipe *pipe;
    struct error sink_error;
    bool is_sink_good;
};

static const char *synchronous_commit_text(enum config_synchronous_commit value)
{
    static const char *const texts[] = {[SYNCHRONOUS_COMMIT_OFF] = "off",
                                        [SYNCHRONOUS_COMMIT_LOCAL] = "local",
                                        [SYNCHRONOUS_COMMIT_ON] = "on"};
    return texts[value];
}

static void set_options(struct run *run)
{
    const struct config *config = run->config;
    run->capture = (struct capture_options){.name = config->name,
                                            .slot = config->source.slot,
                                            .source = run->endpoints.source,
                                            .is_wanted = endpoints_want_table,
                                            .is_wanted_context = config,
                                            .adopts_slot = run->arguments->adopts_slot,
                                            .until_caught_up = run->arguments->until_caught_up,
                                            .copy_unit_rows = (uint32_t)config->copy.unit_rows,
                                            .max_row_bytes = config->limits.max_row_bytes,
                                            .clock = &system_clock,
                                            .stop = command_stop_flag()};
    publication_names_set(&run->publication, config);
    run->capture.publication = run->publication.options;
    endpoints_hash_filter(config, run->filter_hash);
    run->capture.filter_hash = run->filter_hash;
    run->sink = (struct sink_options){.name = config->name,
                                      .batch_max_bytes = config->batch.max_bytes,
                                      .batch_max_rows = config->batch.max_rows,
                                      .parks_rows = config->target.on_row_error == ROW_ERROR_PARK,
                                      .clock = &system_clock,
                                      .stop = command_stop_flag(),
                                      .stats = &run->sink_stats,
                                      .memory = &run->memory};
    run->target = (struct target_postgres_options){
        .name = config->name,
        .connection = run->endpoints.target,
        .creates_tables = config->target.create_tables,
        .synchronous_commit = synchronous_commit_text(config->target.synchronous_commit),
        .clock = &system_clock};
}

/* ---- one session ---- */

static bool open_and_sink(struct session *session, struct target *target, struct error *err)
{
    struct run *run = session->run;
    struct recorded recorded = {0};
    bool is_good = sink_take_over(target, &recorded, err);
    if (is_good) {
        pipe_announce_recorded(session->pipe, &recorded);
        struct sink *sink = sink_new(&run->sink, pipe_reader(session->pipe), target, &recorded);
        is_good = sink_run(sink, err);
        sink_free(sink);
    }
    recorded_release(&recorded);
    return is_good;
}

static void *run_sink(void *context)
{
    struct session *session = context;
    struct target *target = target_postgres_new(&session->run->target);
    error_clear(&session->sink_error);
    session->is_sink_good = open_and_sink(session, target, &session->sink_error);
    struct error reason = session->sink_error;
    if (session->is_sink_good)
        error_set(&reason, ERROR_ENDED, "the sink has ended");
    pipe_close_reader(session->pipe, &reason);
    target->ops->free(target);
    return NULL;
}

/* The source is locked before the target: so two processes can never wait for each other. */
static bool run_session(struct run *run, struct error *err)
{
    struct session session = {.run = run};
    struct capture *capture = capture_open(&run->capture, err);
    if (!capture)
        return false;
    pthread_t sinking;
    session.pipe = pipe_new(run->config->pipe.max_bytes, err);
    bool is_started = session.pipe && pthread_create(&sinking, NULL, run_sink, &session) == 0;
    if (!is_started) {
        pipe_free(session.pipe);
        capture_close(capture);
        return session.pipe ? error_set(err, ERROR_RETRY, "can't start a thread") : false;
    }
    progress_line_watch(run->progress, capture_stats(capture));
    bool is_good = capture_run(capture, pipe_writer(session.pipe), err);
    pipe_close_writer(session.pipe);
    pthread_join(sinking, NULL);
    progress_line_watch(run->progress, NULL);
    if (!session.is_sink_good && session.sink_error.kind != ERROR_ENDED) {
        *err = session.sink_error; /* the first cause: the capture only heard of it */
        is_good = false;
    }
    capture_close(capture);
    pipe_free(session.pipe);
    return is_good;
}

/* ---- the end ---- */

/* A server that has frozen can hold up a cancel or a disconnect. The process ends all the same: what it had open is
 * rolled back by the server once that notices. */
static void *end_in_time(void *context)
{
    enum { MOST_MS = 9500 };
    (void)context;
    while (!stop_flag_wait(command_stop_flag(), -1))
        ;
    struct timespec most = {.tv_sec = MOST_MS / 1000, .tv_nsec = (MOST_MS % 1000) * 1000000L};
    nanosleep(&most, NULL);
    log_info("ended", "reason=%s", "signal; a server did not answer");
    _exit(EXIT_OK);
}

static bool watch_the_end(struct error *err)
{
    pthread_t watching;
    if (pthread_create(&watching, NULL, end_in_time, NULL) != 0)
        return error_set(err, ERROR_RETRY, "can't start a thread");
    pthread_detach(watching);
    return true;
}

/* ---- sessions, one after the other ---- */

struct retries {
    unsigned attempt;
    unsigned authentication_tries;
    int64_t first_failure_ms; /* of the failures in a row; 0: none */
    uint32_t random;
};

/* Whether another session may help; else the error stands. */
static bool may_retry(const struct run *run, struct retries *retries, int64_t lasted_ms,
                      const struct error *err)
{
    int64_t now = clock_now_ms(&system_clock);
    if (lasted_ms >= STEADY_MS)
        *retries = (struct retries){.random = retries->random};
    if (retries->first_failure_ms == 0)
        retries->first_failure_ms = now;
    if (err->stop == STOP_AUTHENTICATION_FAILED)
        return ++retries->authentication_tries < MAX_AUTHENTICATION_TRIES;
    if (err->kind != ERROR_RETRY)
        return false;
    return !run->arguments->until_caught_up ||
           now - retries->first_failure_ms < COMMAND_PATIENCE_MS;
}

static enum exit_code run_sessions(struct run *run)
{
    struct retries retries = {.random = (uint32_t)clock_wall_us(&system_clock)};
    for (;;) {
        struct error err;
        error_clear(&err);
        int64_t started_ms = clock_now_ms(&system_clock);
        bool is_done = run_session(run, &err);
        bool is_ended = stop_flag_is_set(command_stop_flag()) && err.kind != ERROR_STOP;
        if (is_done || is_ended) {
            log_info("ended", "reason=%s", is_ended ? "signal" : "caught up");
            return EXIT_OK;
        }
        if (!may_retry(run, &retries, clock_now_ms(&system_clock) - started_ms, &err))
            return command_stopped(&err);
        retries.random = retries.random * 1103515245u + 12345u;
        int pause_ms = backoff_ms(retries.attempt++, retries.random >> 8);
        log_failure(LOG_WARN, "trying again", &err);
        stop_flag_wait(command_stop_flag(), pause_ms);
    }
}

enum exit_code command_run(const struct arguments *arguments, const struct config *config)
{
    struct run *run = calloc(1, sizeof(*run));
    struct error err;
    if (!run)
        return EXIT_TRY_AGAIN;
    run->arguments = arguments;
    run->config = config;
    if (!endpoints_read(&run->endpoints, config, &err)) {
        free(run);
        return command_stopped(&err);
    }
    set_options(run);
    log_info("starting", "name=%s version=%s slot=%s", config->name, PENSTOCK_VERSION,
             config->source.slot);
    if (config->source.insecure || config->target.insecure)
        log_warn("insecure connections are allowed", "source=%s target=%s",
                 config->source.insecure ? "true" : "false",
                 config->target.insecure ? "true" : "false");
    if (!watch_the_end(&err)) {
        endpoints_release(&run->endpoints);
        free(run);
        return command_stopped(&err);
    }
    run->progress = progress_line_start(config->log.progress_seconds, &run->sink_stats);
    enum exit_code code = run_sessions(run);
    progress_line_stop(run->progress);
    endpoints_release(&run->endpoints);
    free(run);
    return code;
}
