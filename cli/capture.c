/* SPDX-License-Identifier: Apache-2.0 */
/* penstock capture: from the source to Kafka. */
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/capture_session.h"
#include "cli/progress_line.h"
#include "cli/sessions.h"

struct capture_command {
    const struct config *config;
    struct endpoints endpoints;
    struct kafka_endpoint kafka;
    struct capture_half half;
    struct capture_session session;
    struct progress_line *progress;
};

static bool run_once(void *context, struct error *err)
{
    struct capture_command *command = context;
    return capture_session_run(&command->session, err);
}

static enum exit_code run_all(struct capture_command *command, const struct arguments *arguments)
{
    struct sessions sessions = {
        .run = run_once, .context = command, .gives_up = arguments->until_caught_up};
    command->session = (struct capture_session){.config = command->config,
                                                .kafka = &command->kafka,
                                                .half = &command->half,
                                                .progress = command->progress};
    return sessions_run(&sessions);
}

enum exit_code command_capture(const struct arguments *arguments, const struct config *config)
{
    struct capture_command *command = memory_new(sizeof(*command));
    enum exit_code code;
    struct error err;
    command->config = config;
    bool is_ready = halves_ready(&command->endpoints, &command->kafka, config, &err);
    if (is_ready) {
        capture_half_set(&command->half, config, &command->endpoints, arguments);
        log_info("starting", "name=%s version=%s slot=%s prefix=%s", config->name, PENSTOCK_VERSION,
                 config->source.slot, config->topics.prefix);
        command->progress = progress_line_start(config->log.progress_seconds, NULL);
        code = run_all(command, arguments);
        progress_line_stop(command->progress);
    } else {
        code = command_stopped(&err);
    }
    kafka_endpoint_release(&command->kafka);
    endpoints_release(&command->endpoints);
    free(command);
    return code;
}
