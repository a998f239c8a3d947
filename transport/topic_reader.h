/* SPDX-License-Identifier: Apache-2.0 */
/* How the sink reads topics: the control topic and row partitions, each in its order. Implemented by Kafka, and by a
 * twin in memory for tests. */
#ifndef PENSTOCK_TRANSPORT_TOPIC_READER_H
#define PENSTOCK_TRANSPORT_TOPIC_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "transport/header.h"
#include "transport/topic_writer.h"

/* A partition that is being read: small numbers from 0, given out by open(). */
typedef uint32_t partition_handle;

/* One record, borrowed until the next take() of the same partition. */
struct topic_record {
    int64_t offset;
    struct bytes key;     /* no data: none */
    struct bytes value;   /* no data: a tombstone */
    struct header header; /* read and checked */
};

enum peeked {
    PEEKED_RECORD,  /* there is one */
    PEEKED_NOTHING, /* not yet, or none came in time */
    PEEKED_END,     /* none, and the partition is at its last stable offset */
};

struct topic_reader;

struct topic_reader_ops {
    /* Begins to read the partition at `offset`, or at its first record if `offset` is -1 or below the log's start (the
     * chain tells whether anything is missing). `is_at_log_start` says whether that is offset 0 or a log never trimmed. */
    bool (*open)(struct topic_reader *reader, const char *topic, uint32_t partition, int64_t offset,
                 partition_handle *handle, struct error *err);
    /* The next record of the partition without taking it, waiting at most `timeout_ms`. A record without our header, or
     * with a malformed one, is the stop POISON with topic, partition and offset. Errors: ERROR_RETRY when the broker is
     * lost for good (begin again with a new reader), stops for a deleted topic, a missing right. */
    bool (*peek)(struct topic_reader *reader, partition_handle handle, int timeout_ms,
                 const struct topic_record **record, enum peeked *peeked, struct error *err);
    void (*take)(struct topic_reader *reader, partition_handle handle);
    /* Log start and last stable offset of the partition, asked of the broker now. */
    bool (*bounds)(struct topic_reader *reader, partition_handle handle, int64_t *first,
                   int64_t *last, struct error *err);
    /* A shape by its hash, or, with hash 0, the last one recorded of `topic`; from the offsets topic, read on to its end if need be.
     * shape->hash is 0 if there is none. Borrowed until the next call. */
    bool (*shape)(struct topic_reader *reader, uint64_t hash, const char *topic,
                  struct topic_shape *shape, struct error *err);
    /* Ends a waiting peek() from another thread. */
    void (*wake)(struct topic_reader *reader);
    /* Offsets that are applied: told to the group, a hint for tools that show lag. Never waits. */
    void (*hint)(struct topic_reader *reader, const char *topic, uint32_t partition, int64_t next);
};

struct topic_reader {
    const struct topic_reader_ops *ops;
};

#endif
