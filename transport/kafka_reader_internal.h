/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the reader share, and nobody else sees. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_READER_INTERNAL_H
#define PENSTOCK_TRANSPORT_KAFKA_READER_INTERNAL_H

#include <stdatomic.h>

#include "transport/kafka_client.h"
#include "transport/kafka_reader.h"

struct arena;

struct reader_partition {
    char *topic;
    uint32_t number;
    bool has_header; /* records of the offsets topic have none */
    rd_kafka_topic_t *handle;
    rd_kafka_queue_t *queue;
    rd_kafka_message_t *message; /* the head; NULL: none was fetched */
    struct topic_record record;  /* of the head */
    bool is_at_end;              /* the last thing that came was the end of the partition */
    int64_t end;                 /* the offset of that end */
    size_t taken_bytes;          /* since its fetcher was woken */
    int64_t hint;                /* 0: none to be told */
};

struct kafka_reader {
    struct topic_reader base;
    struct kafka_options options;
    char *group;
    size_t max_bytes;
    size_t partition_bytes;
    struct kafka_client *client; /* made with the first partition, when their number is known */
    bool wakes_itself;           /* librdkafka looks at full queues often enough */
    int64_t woken_ms;
    struct reader_partition **partitions;
    size_t count;
    struct reader_partition *offsets;
    struct topic_shape *shapes; /* in the order of their records */
    size_t shape_count;
    struct arena *shapes_arena;
    int64_t hinted_ms;
    atomic_bool is_woken;
    _Atomic(rd_kafka_queue_t *) waiting; /* the queue that was waited for last */
};

/* ---- transport/kafka_reader.c ---- */

/* Waits for the partition's head, at most `timeout_ms`; true also if none came. */
bool kafka_reader_fetch(struct kafka_reader *reader, struct reader_partition *partition,
                        int timeout_ms, struct error *err) MUST_USE;
void kafka_reader_drop(struct kafka_reader *reader, struct reader_partition *partition);
bool kafka_reader_bounds(struct kafka_reader *reader, const struct reader_partition *partition,
                         int64_t *first, int64_t *end, struct error *err) MUST_USE;

/* ---- transport/kafka_reader_open.c ---- */

/* A new partition, behind reader->partitions if it `has_header`; NULL on failure. */
struct reader_partition *kafka_reader_open(struct kafka_reader *reader, const char *topic,
                                           uint32_t partition, int64_t offset, bool has_header,
                                           struct error *err) MUST_USE;
void kafka_reader_hint(struct kafka_reader *reader, const char *topic, uint32_t partition,
                       int64_t next);

/* ---- transport/kafka_reader_shapes.c ---- */

bool kafka_reader_shape(struct kafka_reader *reader, uint64_t hash, const char *topic,
                        struct topic_shape *shape, struct error *err) MUST_USE;

#endif
