/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of Kafka clients and what all of them share: properties, names of topics, errors. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_H
#define PENSTOCK_TRANSPORT_KAFKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/stop_flag.h"

struct kafka_property {
    const char *name;
    const char *value;
};

struct kafka_options {
    const struct kafka_property *properties; /* the user's, of `kafka:` */
    size_t property_count;
    bool allows_insecure;     /* plain text to a host other than this one */
    const char *name;         /* of the pipeline: client.id, transactional ids */
    const char *prefix;       /* of the topics */
    uint32_t partitions;      /* of new row topics */
    int32_t replication;      /* of new topics; -1: the broker's default */
    int64_t retention_ms;     /* of new row topics and of control; -1: for ever */
    size_t max_message_bytes; /* of new row topics */
    bool allows_compaction;   /* of row topics that others made */
    const struct clock *clock;
    struct stop_flag *stop;
};

enum { KAFKA_TOPIC_SIZE = 250 };

/* `<prefix>.<schema>.<table>` with what Kafka doesn't allow replaced by `_`, into `out` of KAFKA_TOPIC_SIZE. ERROR_CONFIG
 * if it is longer than Kafka's 249 characters. */
bool kafka_topic_name(const char *prefix, const char *schema, const char *table, char *out,
                      struct error *err) MUST_USE;
void kafka_control_name(const char *prefix, char *out);
void kafka_offsets_name(const char *prefix, char *out);

/* Checks the user's properties against librdkafka and against those that we own. ERROR_CONFIG names the property, why
 * it is ours, and what to set instead. Also refuses plain text to other hosts unless allowed. */
bool kafka_check_properties(const struct kafka_options *options, struct error *err) MUST_USE;

/* Java's partitioner: (murmur2(key) & 0x7fffffff) % partitions. */
uint32_t kafka_partition(const void *key, size_t size, uint32_t partitions);

#endif
