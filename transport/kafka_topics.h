/* SPDX-License-Identifier: Apache-2.0 */
/* Topics at the broker: looked up, made, their settings read. Each call waits at most KAFKA_SLICE_MS and returns false
 * with ERROR_NONE if the answer didn't come in time: call again. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_TOPICS_H
#define PENSTOCK_TRANSPORT_KAFKA_TOPICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "transport/kafka_client.h"

/* Its partitions; 0 if it isn't there. Not yet, while one of them has no leader. */
bool kafka_topic_look_up(struct kafka_client *client, const char *name, uint32_t *partitions,
                         struct error *err) MUST_USE;

struct kafka_topic_plan {
    const char *name;
    uint32_t partitions;
    int32_t replication;
    const struct kafka_property *settings; /* ends with a name of NULL */
    bool is_rehearsal;                     /* the broker only says whether it would */
};

/* Makes it; one that is there already is as good. */
bool kafka_topic_create(struct kafka_client *client, const struct kafka_topic_plan *plan,
                        struct error *err) MUST_USE;

struct kafka_topic_settings {
    bool is_compacted;
    bool is_deleted; /* old segments are */
    uint64_t max_message_bytes;
    uint32_t min_in_sync;         /* replicas, for a message to be acknowledged */
    uint32_t default_replication; /* of new topics; known of brokers only */
};

bool kafka_topic_read_settings(struct kafka_client *client, const char *name,
                               struct kafka_topic_settings *settings, struct error *err) MUST_USE;

/* What a topic has for which nothing else is set. */
bool kafka_broker_read_settings(struct kafka_client *client, int32_t broker,
                                struct kafka_topic_settings *settings, struct error *err) MUST_USE;

/* Log start and last stable offset (what a read_committed reader can come to). The client must be a consumer. */
bool kafka_topic_bounds(struct kafka_client *client, const char *name, uint32_t partition,
                        int64_t *first, int64_t *end, struct error *err) MUST_USE;

#endif
