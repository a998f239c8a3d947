/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the writer share, and nobody else sees. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_WRITER_INTERNAL_H
#define PENSTOCK_TRANSPORT_KAFKA_WRITER_INTERNAL_H

#include "transport/kafka_producer.h"
#include "transport/kafka_scan.h"
#include "transport/kafka_writer.h"
#include "transport/topic_chain.h"

enum { KAFKA_WRITER_PRODUCERS = 2 };

/* Start (DESIGN §3), in this order. */
enum kafka_writer_step {
    WRITER_MAKES_CONTROL,
    WRITER_MAKES_OFFSETS,
    WRITER_FENCES_FIRST,
    WRITER_FENCES_SECOND,
    WRITER_READS_OFFSETS,
    WRITER_LOOKS_UP_TOPICS,
    WRITER_READS_TAILS,
    WRITER_IS_READY,
};

/* A topic of the chain, as the producers know it. */
struct writer_topic {
    struct kafka_producer_topic *at[KAFKA_WRITER_PRODUCERS];
    uint64_t max_message_bytes;
    bool is_ready;
};

struct kafka_writer {
    struct message_writer messages;
    struct topic_writer rows;
    struct kafka_writer_options options;
    uint64_t batch_bytes; /* librdkafka's batch.size */
    struct topic_chain *chain;
    struct kafka_producer *producers[KAFKA_WRITER_PRODUCERS];
    unsigned active; /* the one whose transaction is open, or opens next */
    int fd;

    enum kafka_writer_step step;
    uint32_t looked_up; /* WRITER_LOOKS_UP_TOPICS: the next topic */
    struct kafka_scan *scan;
    struct topic_tail *tails; /* by the scan's index */
    uint32_t *tail_topics;
    uint32_t *tail_partitions;
    size_t tail_count;

    struct kafka_scan *emptiness; /* of the topic that is being opened */
    char emptiness_of[KAFKA_TOPIC_SIZE];

    struct writer_topic *topics; /* by the chain's number */
    uint32_t topic_count;
    size_t on_the_way;        /* bytes produced and not acknowledged */
    size_t transaction_bytes; /* of the open transaction */
    bool is_closing;          /* all is sent, the commit is under way */
    unsigned unpolled;        /* rows since the producers were polled last */
    bool has_failed;
    struct error failure; /* what all calls return then */
};

/* ---- transport/kafka_writer.c ---- */

/* Remembers the error, if it is one, for all later calls. Returns false. */
bool kafka_writer_fail(struct kafka_writer *writer, const struct error *err);
void kafka_writer_poll(struct kafka_writer *writer);

/* ---- transport/kafka_writer_start.c ---- */

/* One slice of the start; false with ERROR_NONE: not yet. */
bool kafka_writer_start(struct kafka_writer *writer, struct error *err) MUST_USE;
void kafka_writer_end_start(struct kafka_writer *writer);

/* ---- transport/kafka_writer_topics.c ---- */

/* Makes the topic known to the producers, under the chain's number. */
void kafka_writer_use_topic(struct kafka_writer *writer, uint32_t topic,
                            uint64_t max_message_bytes);

/* Finds or makes the control or the offsets topic, and checks it. */
bool kafka_writer_own_topic(struct kafka_writer *writer, uint32_t topic,
                            struct error *err) MUST_USE;
bool kafka_writer_open_topic(struct kafka_writer *writer, const char *name, uint32_t *topic,
                             struct error *err) MUST_USE;
bool kafka_writer_topic_changed(const char *name, uint32_t recorded, uint32_t found,
                                struct error *err);

#endif
