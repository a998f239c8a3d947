/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL as a target. */
#ifndef PENSTOCK_SINK_TARGET_POSTGRES_H
#define PENSTOCK_SINK_TARGET_POSTGRES_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "postgres/connection.h"
#include "sink/target.h"

struct target_postgres_options {
    const char *name; /* of the sink: its checkpoint, lock and replication origin */
    struct connection_options connection;
    bool creates_tables;
    const char *synchronous_commit; /* "off", "local" or "on" */
    const struct clock *clock;
};

struct target *target_postgres_new(const struct target_postgres_options *options) MUST_USE;

/* Reads the checkpoint of `name` over any session with the target; state RECORDED_NONE if there is none. */
bool target_postgres_read_checkpoint(struct connection *connection, const char *name,
                                     struct recorded *recorded, struct error *err) MUST_USE;

/* Whether a session holds the lock of the sink `name`: it runs. */
bool target_postgres_is_locked(struct connection *connection, const char *name, bool *is_locked,
                               struct error *err) MUST_USE;

/* Where the sink `name` reads on in a topic's partition 0; -1 if it has never read it. */
bool target_postgres_read_offset(struct connection *connection, const char *name, const char *topic,
                                 int64_t *offset, struct error *err) MUST_USE;

#endif
