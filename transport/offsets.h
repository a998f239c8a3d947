/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the offsets topic: the capture's own state, by key, of which the last one counts. */
#ifndef PENSTOCK_TRANSPORT_OFFSETS_H
#define PENSTOCK_TRANSPORT_OFFSETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/position.h"
#include "transport/recorded.h"
#include "transport/topic_writer.h"

enum offsets_kind {
    OFFSETS_RECORDED = 'R',  /* R without its tables; the key has nothing else */
    OFFSETS_TABLES = 'L',    /* R's tables, which change with its state only */
    OFFSETS_TOPIC = 'T',     /* of a row topic: how many partitions it was made with */
    OFFSETS_PARTITION = 'P', /* of a partition that was written to */
    OFFSETS_SHAPE = 'S',     /* of a table, by its hash */
};

enum { OFFSETS_VERSION = 1, OFFSETS_FINGERPRINT_SIZE = 65, OFFSETS_MAX_BYTES = 64 * 1024 * 1024 };

/* A record, borrowed from its key and value. */
struct offsets_record {
    enum offsets_kind kind;
    const char *name;      /* RECORDED: of the pipeline */
    struct bytes recorded; /* RECORDED: for recorded_read() */
    const char *tables;    /* TABLES */
    const char *topic;     /* TOPIC, PARTITION, SHAPE */
    uint32_t partition;    /* PARTITION: its number; TOPIC: how many there are */
    struct position last;  /* PARTITION: of the last message */
    int64_t
        acked_offset; /* PARTITION: of a message of ours that is there, the last one known; -1: none */
    struct topic_shape shape;
};

/* Both are cleared first. */
void offsets_write_recorded(struct byte_buffer *key, struct byte_buffer *value, const char *name,
                            const struct recorded *recorded);
void offsets_write_tables(struct byte_buffer *key, struct byte_buffer *value, const char *tables);
void offsets_write_topic(struct byte_buffer *key, struct byte_buffer *value, const char *topic,
                         uint32_t partitions);
void offsets_write_partition(struct byte_buffer *key, struct byte_buffer *value, const char *topic,
                             uint32_t partition, const struct position *last, int64_t acked_offset);
void offsets_write_shape(struct byte_buffer *key, struct byte_buffer *value,
                         const struct topic_shape *shape);

/* ERROR_DATA if it is malformed, or the stop STATE_NEWER. */
bool offsets_read(struct bytes key, struct bytes value, struct offsets_record *record,
                  struct error *err) MUST_USE;

#endif
