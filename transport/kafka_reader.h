/* SPDX-License-Identifier: Apache-2.0 */
/* The sink's end of Kafka: one read_committed consumer, a bounded queue for each partition. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_READER_H
#define PENSTOCK_TRANSPORT_KAFKA_READER_H

#include "transport/kafka.h"
#include "transport/topic_reader.h"

struct kafka_reader;

/* `max_bytes` bounds what is fetched and not yet taken, over all partitions. `group` is for lag tools only. */
struct kafka_reader *kafka_reader_new(const struct kafka_options *options, const char *group,
                                      size_t max_bytes, struct error *err) MUST_USE;
/* How many partitions the topic has. ERROR_RETRY if it isn't there. */
bool kafka_reader_partitions(struct kafka_reader *reader, const char *topic, uint32_t *partitions,
                             struct error *err) MUST_USE;
void kafka_reader_free(struct kafka_reader *reader);
struct topic_reader *kafka_reader_topics(struct kafka_reader *reader);

#endif
