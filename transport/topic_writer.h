/* SPDX-License-Identifier: Apache-2.0 */
/* How rows go to topics: what the capture needs beside the message_writer when it writes to Kafka. */
#ifndef PENSTOCK_TRANSPORT_TOPIC_WRITER_H
#define PENSTOCK_TRANSPORT_TOPIC_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/position.h"

/* One message of a row topic. All borrowed until write_row() returns. */
struct topic_row {
    uint32_t topic; /* as open_topic() gave it */
    struct position position;
    uint8_t flags;          /* enum header_flag */
    uint64_t shape;         /* its hash, 0 in a tombstone */
    struct bytes key;       /* no data: no key */
    struct bytes value;     /* no data: a tombstone */
    struct bytes sections;  /* of the header, in the order of the flags */
    bool to_all_partitions; /* TRUNCATE: one copy in each, steps counted on from position.step */
};

/* What the offsets topic keeps of a shape, by the shape's hash. */
struct topic_shape {
    uint64_t hash;
    const char *topic;
    uint32_t key_id; /* 0: no key */
    uint32_t value_id;
    const char
        *fingerprint;   /* of the value's schema, schema/avro_schema.h: 64 hexadecimal digits */
    struct bytes table; /* schema/table's bytes */
};

struct topic_writer;

struct topic_writer_ops {
    /* Finds or makes the topic and checks it (partitions, cleanup.policy, message size). May wait in slices: false with
     * ERROR_NONE is "not yet, call again". TOPIC_NOT_EMPTY, TOPIC_CHANGED, TOPIC_UNSUITABLE. */
    bool (*open_topic)(struct topic_writer *writer, const char *name, uint32_t *topic,
                       struct error *err);
    /* How many steps a message takes: 1, or the partitions for `to_all_partitions`. */
    uint32_t (*partitions)(struct topic_writer *writer, uint32_t topic);
    /* Recorded before the first row of this shape, in the same Kafka transaction. Known ones are skipped; a known one
     * with another fingerprint is the stop SCHEMA_CHANGED. */
    bool (*write_shape)(struct topic_writer *writer, const struct topic_shape *shape,
                        struct error *err);
    /* In the open unit: the table is there, though it may have no rows. An entry SHAPE of the control topic. */
    bool (*announce)(struct topic_writer *writer, const struct position *position,
                     const struct topic_shape *shape, struct error *err);
    /* Counts the message, and sends it unless its partition has it already. False with ERROR_NONE, for the first message of
     * an ordinal only: a Kafka transaction is ending, wait as for room, then give the change again (what of it was counted is
     * skipped by its position). A message that is too large for the topic is the stop ROW_TOO_LONG, before it was sent. */
    bool (*write_row)(struct topic_writer *writer, const struct topic_row *row, struct error *err);
};

struct topic_writer {
    const struct topic_writer_ops *ops;
};

#endif
