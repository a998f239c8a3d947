/* SPDX-License-Identifier: Apache-2.0 */
/* The topic below a log: one partition, compacted. For kafka_log.c only. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_LOG_TOPIC_H
#define PENSTOCK_TRANSPORT_KAFKA_LOG_TOPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "transport/kafka_client.h"

enum {
    KAFKA_LOG_SLICE_MS = 500,     /* how soon a request to end is seen */
    KAFKA_LOG_PATIENCE_MS = 5000, /* without any progress */
};

/* A client on its way through one call, until it ends well, the patience is over, or we are asked to end. */
struct kafka_log_wait {
    const struct kafka_options *options;
    struct kafka_client *client;
    int64_t deadline_ms;
};

void kafka_log_wait_begin(struct kafka_log_wait *wait, const struct kafka_options *options,
                          struct kafka_client *client);

/* Serves the client's callbacks. False with ERROR_ENDED, ERROR_RETRY or AUTHENTICATION_FAILED when there is no sense in waiting on. */
bool kafka_log_wait_on(struct kafka_log_wait *wait, struct error *err) MUST_USE;

/* Something came: the patience begins anew. */
void kafka_log_wait_progress(struct kafka_log_wait *wait);

/* Whether the broker has the topic. REGISTRY_UNSUITABLE if it has more than one partition. */
bool kafka_log_topic_find(struct kafka_log_wait *wait, rd_kafka_topic_t *topic, bool *is_there,
                          struct error *err) MUST_USE;

/* Makes it unless it is there. REGISTRY_UNSUITABLE if what is there isn't compacted. */
bool kafka_log_topic_ensure(struct kafka_log_wait *wait, rd_kafka_topic_t *topic,
                            struct error *err) MUST_USE;

#endif
