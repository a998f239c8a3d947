/* SPDX-License-Identifier: Apache-2.0 */
/* One session of a sink over Kafka: from the lock at the target to the loss of a server, or the end. */
#ifndef PENSTOCK_CLI_SINK_SESSION_H
#define PENSTOCK_CLI_SINK_SESSION_H

#include "cli/halves.h"

/* All borrowed. */
struct sink_session {
    const struct config *config;
    const struct kafka_endpoint *kafka;
    const struct sink_half *half;
    bool until_end;
    struct position stalled; /* outlives a session: see sink/units.h */
};

bool sink_session_run(struct sink_session *session, struct error *err) MUST_USE;

#endif
