/* SPDX-License-Identifier: Apache-2.0 */
/* How changes become messages: in wire form for the pipe, as Avro events for Kafka. */
#ifndef PENSTOCK_CAPTURE_FORMAT_H
#define PENSTOCK_CAPTURE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/position.h"
#include "capture/relations.h"
#include "schema/change.h"
#include "schema/encoder.h"
#include "schema/registry.h"
#include "transport/message.h"
#include "transport/topic_writer.h"

/* The chain of all messages of one writer. */
struct chain {
    struct position last; /* of the last message written */
};

/* A message with the chain's fields filled in, which moves on; `position` NULL keeps the last one. */
struct message chain_message(struct chain *chain, enum message_kind kind, uint32_t shape_id,
                             const struct position *position);

/* The transaction, or the part of the copy, that a change belongs to. */
struct change_context {
    int64_t commit_time_us; /* since 1970 UTC */
    pg_lsn lsn;             /* of the change itself */
    uint32_t xid;           /* 0 in the copy */
    const char *origin;     /* NULL: none */
};

struct change_format;

struct change_format_ops {
    /* Writes the change's messages, behind the table's shape if that is new. `position` has the step of the first; `*messages` is how
     * many steps were used. False with ERROR_NONE: not yet (a topic is being made): pause, then call again. */
    bool (*write)(struct change_format *format, struct relation *relation, struct chain *chain,
                  const struct position *position, const struct change_context *context,
                  const struct change *change, uint32_t *messages, struct error *err);
    void (*free)(struct change_format *format);
    const char *keeper; /* where R is, for messages: "the target", "the offsets topic" */
    const char
        *routing;     /* what R's routing begins with: all else that decides ordinals and places */
    bool wants_known; /* changes that R has already are handed over too, since they count (Kafka) */
};

struct change_format {
    const struct change_format_ops *ops;
};

/* Borrow what they are given. */
struct change_format *format_wire_new(struct message_writer *writer) MUST_USE;

struct format_avro_options {
    const char *prefix; /* of the topics */
    struct encoder_source source;
    bool writes_tombstones;
    struct registry *registry;
    const struct clock *clock;
};

struct change_format *format_avro_new(const struct format_avro_options *options,
                                      struct topic_writer *topics) MUST_USE;

#endif
