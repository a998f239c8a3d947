/* SPDX-License-Identifier: Apache-2.0 */
/* The sink: from messages to a target. */
#ifndef PENSTOCK_SINK_SINK_H
#define PENSTOCK_SINK_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/stop_flag.h"
#include "sink/applier.h"
#include "sink/target.h"
#include "transport/message.h"

struct sink_options {
    const char *name;
    size_t batch_max_bytes; /* of changes; a unit that is larger is applied in parts */
    size_t batch_max_rows;
    bool parks_rows; /* what the target refuses is parked; else it stops */
    const struct clock *clock;
    struct stop_flag *stop;
    struct sink_stats *stats;
    struct sink_memory *memory;
    bool follows_epochs; /* see struct applier_options */
};

struct sink;

/* Opens the target and reads its checkpoint, state RECORDED_NONE if there is none. A predecessor's last commit may
 * still be on its way to the disk: what is read is made durable before anybody may rely on it. */
bool sink_take_over(struct target *target, struct recorded *recorded, struct error *err) MUST_USE;

/* Borrows the reader and the target, opened; `recorded` is the target's checkpoint. */
struct sink *sink_new(const struct sink_options *options, struct message_reader *reader,
                      struct target *target, const struct recorded *recorded) MUST_USE;
void sink_free(struct sink *sink);

/* Reads and applies until the writer has closed or the stop flag is set (true), or an error (false). Reads in the
 * calling thread and applies in one of its own: one batch is gathered while one is applied. */
bool sink_run(struct sink *sink, struct error *err) MUST_USE;

/* The same in one thread, for tests and simulation: gathers what is there and applies it. False with ERROR_ENDED when
 * the writer has closed. */
bool sink_step(struct sink *sink, struct error *err) MUST_USE;

#endif
