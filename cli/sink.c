/* SPDX-License-Identifier: Apache-2.0 */
/* penstock sink: from Kafka to a target. */
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/progress_line.h"
#include "cli/sessions.h"
#include "cli/sink_session.h"

struct sink_command {
    const struct config *config;
    struct endpoints endpoints;
    struct kafka_endpoint kafka;
    struct sink_half half;
    struct sink_session session;
};

static bool run_once(void *context, struct error *err)
{
    struct sink_command *command = context;
    return sink_session_run(&command->session, err);
}

static enum exit_code run_all(struct sink_command *command, const struct arguments *arguments)
{
    struct sessions sessions = {.run = run_once,
                                .context = command,
                                .gives_up = arguments->until_caught_up,
                                .is_standby = !arguments->until_caught_up};
    struct progress_line *progress =
        progress_line_start(command->config->log.progress_seconds, &command->half.stats);
    command->session = (struct sink_session){.config = command->config,
                                             .kafka = &command->kafka,
                                             .half = &command->half,
                                             .until_end = arguments->until_caught_up};
    enum exit_code code = sessions_run(&sessions);
    progress_line_stop(progress);
    return code;
}

enum exit_code command_sink(const struct arguments *arguments, const struct config *config)
{
    struct sink_command *command = memory_new(sizeof(*command));
    enum exit_code code;
    struct error err;
    command->config = config;
    bool is_ready = halves_ready(&command->endpoints, &command->kafka, config, &err);
    if (is_ready) {
        sink_half_set(&command->half, config->sink.name, config, &command->endpoints);
        log_info("starting", "name=%s version=%s sink=%s prefix=%s", config->name, PENSTOCK_VERSION,
                 config->sink.name, config->topics.prefix);
        code = run_all(command, arguments);
    } else {
        code = command_stopped(&err);
    }
    kafka_endpoint_release(&command->kafka);
    endpoints_release(&command->endpoints);
    free(command);
    return code;
}
