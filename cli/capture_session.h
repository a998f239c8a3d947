/* SPDX-License-Identifier: Apache-2.0 */
/* One session of the capture over Kafka: from the lock at the source to the loss of a server, or the end. */
#ifndef PENSTOCK_CLI_CAPTURE_SESSION_H
#define PENSTOCK_CLI_CAPTURE_SESSION_H

#include "cli/halves.h"
#include "cli/progress_line.h"

/* All borrowed. */
struct capture_session {
    const struct config *config;
    const struct kafka_endpoint *kafka;
    const struct capture_half *half;
    struct progress_line *progress;
};

bool capture_session_run(const struct capture_session *session, struct error *err) MUST_USE;

#endif
