/* SPDX-License-Identifier: Apache-2.0 */
/* penstock run with Kafka: capture and sink in one process, each with its own sessions. */
#include "cli/run_kafka.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/capture_session.h"
#include "cli/progress_line.h"
#include "cli/sessions.h"
#include "cli/sink_session.h"

struct run_kafka {
    const struct arguments *arguments;
    const struct config *config;
    struct endpoints endpoints;
    struct kafka_endpoint kafka;
    struct capture_half capture;
    struct sink_half sink;
    struct capture_session capturing;
    struct sink_session sinking;
    struct progress_line *progress;
    enum exit_code capture_code;
};

static bool run_capture(void *context, struct error *err)
{
    struct run_kafka *run = context;
    return capture_session_run(&run->capturing, err);
}

static bool run_sink(void *context, struct error *err)
{
    struct run_kafka *run = context;
    return sink_session_run(&run->sinking, err);
}

static enum exit_code run_capture_sessions(struct run_kafka *run)
{
    struct sessions sessions = {
        .run = run_capture, .context = run, .gives_up = run->arguments->until_caught_up};
    return sessions_run(&sessions);
}

static enum exit_code run_sink_sessions(struct run_kafka *run)
{
    struct sessions sessions = {
        .run = run_sink, .context = run, .gives_up = run->arguments->until_caught_up};
    return sessions_run(&sessions);
}

/* A half that ends takes the other along: it drains, as after a signal. */
static void *capture_thread(void *context)
{
    struct run_kafka *run = context;
    run->capture_code = run_capture_sessions(run);
    stop_flag_set(command_stop_flag());
    return NULL;
}

static enum exit_code run_both(struct run_kafka *run)
{
    pthread_t capturing;
    if (run->arguments->until_caught_up) {
        enum exit_code code = run_capture_sessions(run);
        return code == EXIT_OK && !stop_flag_is_set(command_stop_flag()) ? run_sink_sessions(run)
                                                                         : code;
    }
    if (pthread_create(&capturing, NULL, capture_thread, run) != 0) {
        struct error err;
        error_set(&err, ERROR_RETRY, "can't start a thread");
        return command_stopped(&err);
    }
    enum exit_code code = run_sink_sessions(run);
    stop_flag_set(command_stop_flag());
    pthread_join(capturing, NULL);
    return code == EXIT_OK ? run->capture_code : code;
}

static enum exit_code run_set_up(struct run_kafka *run)
{
    const struct config *config = run->config;
    capture_half_set(&run->capture, config, &run->endpoints, run->arguments);
    sink_half_set(&run->sink, config->sink.name, config, &run->endpoints);
    run->progress = progress_line_start(config->log.progress_seconds, &run->sink.stats);
    run->capturing = (struct capture_session){
        .config = config, .kafka = &run->kafka, .half = &run->capture, .progress = run->progress};
    run->sinking = (struct sink_session){.config = config,
                                         .kafka = &run->kafka,
                                         .half = &run->sink,
                                         .until_end = run->arguments->until_caught_up};
    log_info("starting", "name=%s version=%s slot=%s prefix=%s sink=%s", config->name,
             PENSTOCK_VERSION, config->source.slot, config->topics.prefix, config->sink.name);
    enum exit_code code = run_both(run);
    progress_line_stop(run->progress);
    return code;
}

enum exit_code run_through_kafka(const struct arguments *arguments, const struct config *config)
{
    struct run_kafka *run = memory_new(sizeof(*run));
    struct error err;
    run->arguments = arguments;
    run->config = config;
    bool is_ready = halves_ready(&run->endpoints, &run->kafka, config, &err);
    enum exit_code code = is_ready ? run_set_up(run) : command_stopped(&err);
    kafka_endpoint_release(&run->kafka);
    endpoints_release(&run->endpoints);
    free(run);
    return code;
}
