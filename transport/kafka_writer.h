/* SPDX-License-Identifier: Apache-2.0 */
/* The capture's end of Kafka: two alternating transactional producers, R in the offsets topic, the chain of each
 * partition, and the control topic (DESIGN §3, §4). One thread; waits only in slices of a second. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_WRITER_H
#define PENSTOCK_TRANSPORT_KAFKA_WRITER_H

#include "transport/kafka.h"
#include "transport/message.h"
#include "transport/topic_writer.h"

struct kafka_writer_options {
    struct kafka_options kafka;
    size_t max_bytes; /* produced and not yet acknowledged; the writer may pass it by one message */
    size_t transaction_bytes; /* a Kafka transaction closes at this size: 32 MiB */
    int transaction_ms;       /* or at this age: 500 */
    size_t part_bytes;        /* a PART after so many bytes of keys and values: 4 MiB */
    uint64_t part_messages;   /* or so many messages: 10,000 */
};

struct kafka_writer;

/* Nothing is sent yet: recorded(), called until R is known, goes through init_transactions of both ids (which fences a
 * zombie), R, the tails of all partitions, in this order, a slice at a time. */
struct kafka_writer *kafka_writer_new(const struct kafka_writer_options *options,
                                      struct error *err) MUST_USE;
void kafka_writer_free(struct kafka_writer *writer);

/* Takes END, WATERMARK and STATE messages; CHANGE and SHAPE go through the topic_writer. After an abort, a fatal error or
 * an unknown outcome all calls return ERROR_RETRY: free it, and begin again with a new one (DESIGN §3). FENCED if another
 * took over. */
struct message_writer *kafka_writer_messages(struct kafka_writer *writer);
struct topic_writer *kafka_writer_topics(struct kafka_writer *writer);

#endif
