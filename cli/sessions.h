/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions one after the other: begun again when a server was lost, until the end, a stop, or a signal. */
#ifndef PENSTOCK_CLI_SESSIONS_H
#define PENSTOCK_CLI_SESSIONS_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/stop_flag.h"

struct sessions {
    /* One session: true when all is done; ERROR_RETRY asks for another one. */
    bool (*run)(void *context, struct error *err);
    void *context;
    bool gives_up;   /* when servers are away for COMMAND_PATIENCE_MS: exit code 69 */
    bool is_standby; /* ALREADY_RUNNING is waited out */
};

/* Ends with the flag of command_stop_flag(). Logs how it ended. */
enum exit_code sessions_run(const struct sessions *sessions);

/* From a signal on the process has 9.5 s, even where a server doesn't answer. */
bool sessions_watch_the_end(struct error *err) MUST_USE;

#endif
