/* SPDX-License-Identifier: Apache-2.0 */
/* penstock run: capture and sink in one process, through the pipe; started again when a server was lost. */
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "capture/capture.h"
#include "capture/format.h"
#include "cli/command.h"
#include "cli/halves.h"
#include "cli/progress_line.h"
#include "cli/run_kafka.h"
#include "cli/sessions.h"
#include "sink/sink.h"
#include "sink/target_postgres.h"
#include "transport/pipe.h"

/* What lives as long as the process. */
struct run {
    const struct arguments *arguments;
    const struct config *config;
    struct endpoints endpoints;
    struct capture_half capture;
    struct sink_half sink;
    struct progress_line *progress;
};

/* One session: from Start to the loss of a server, a stop, or the end. */
struct session {
    struct run *run;
    struct pipe *pipe;
    struct error sink_error;
    bool is_sink_good;
};

/* ---- one session ---- */

static bool open_and_sink(struct session *session, struct target *target, struct error *err)
{
    struct run *run = session->run;
    struct recorded recorded = {0};
    bool is_good = sink_take_over(target, &recorded, err);
    if (is_good) {
        pipe_announce_recorded(session->pipe, &recorded);
        struct sink *sink =
            sink_new(&run->sink.options, pipe_reader(session->pipe), target, &recorded);
        is_good = sink_run(sink, err);
        sink_free(sink);
    }
    recorded_release(&recorded);
    return is_good;
}

static void *run_sink(void *context)
{
    struct session *session = context;
    struct target *target = target_postgres_new(&session->run->sink.target);
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
    struct capture *capture = capture_open(&run->capture.options, err);
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
    struct change_format *format = format_wire_new(pipe_writer(session.pipe));
    bool is_good = capture_run(capture, pipe_writer(session.pipe), format, err);
    format->ops->free(format);
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

static bool run_once(void *context, struct error *err)
{
    return run_session(context, err);
}

/* ---- the command ---- */

static enum exit_code run_through_pipe(struct run *run)
{
    const struct config *config = run->config;
    struct sessions sessions = {
        .run = run_once, .context = run, .gives_up = run->arguments->until_caught_up};
    capture_half_set(&run->capture, config, &run->endpoints, run->arguments);
    sink_half_set(&run->sink, config->name, config, &run->endpoints);
    log_info("starting", "name=%s version=%s slot=%s", config->name, PENSTOCK_VERSION,
             config->source.slot);
    if (config->source.insecure || config->target.insecure)
        log_warn("insecure connections are allowed", "source=%s target=%s",
                 config->source.insecure ? "true" : "false",
                 config->target.insecure ? "true" : "false");
    run->progress = progress_line_start(config->log.progress_seconds, &run->sink.stats);
    enum exit_code code = sessions_run(&sessions);
    progress_line_stop(run->progress);
    return code;
}

enum exit_code command_run(const struct arguments *arguments, const struct config *config)
{
    if (config->kafka.count > 0)
        return run_through_kafka(arguments, config);
    struct run *run = memory_new(sizeof(*run));
    struct error err;
    run->arguments = arguments;
    run->config = config;
    bool is_ready = endpoints_read(&run->endpoints, config, &err) && sessions_watch_the_end(&err);
    enum exit_code code = is_ready ? run_through_pipe(run) : command_stopped(&err);
    endpoints_release(&run->endpoints);
    free(run);
    return code;
}
