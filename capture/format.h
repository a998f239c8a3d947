/* SPDX-License-Identifier: Apache-2.0 */
/* How changes become messages: in wire form for the pipe, as Avro events for Kafka. */
#ifndef PENSTOCK_CAPTURE_FORMAT_H
#define PENSTOCK_CAPTURE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/position.h"
#include "capture/relations.h"
#include "schema/change.h"

/* The transaction, or the part of the copy, that a change belongs to. */
struct change_context {
    int64_t commit_time_us; /* since 1970 UTC */
    pg_lsn lsn;             /* of the change itself */
    uint32_t xid;
    const char *origin; /* NULL: none */
};

struct change_format;

struct change_format_ops {
    /* Writes the change's messages, behind the table's shape if that is new. `position` has step 0; returns in `*messages` how many
     * were written or counted, so many steps were used. False with ERROR_NONE: not yet (a topic or a schema is being made): wait as
     * for room, then call again. */
    bool (*write)(struct change_format *format, struct relation *relation,
                  const struct position *position, const struct change_context *context,
                  const struct change *change, uint32_t *messages, struct error *err);
    /* What R's routing begins with: "pgoutput1/" for the pipe. */
    const char *(*routing)(const struct change_format *format);
    /* Whether changes that R has already must be handed over too, since they count (Kafka). */
    bool wants_known;
};

struct change_format {
    const struct change_format_ops *ops;
};

#endif
