/* SPDX-License-Identifier: Apache-2.0 */
/* A transactional producer, driven in slices of KAFKA_SLICE_MS. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_PRODUCER_H
#define PENSTOCK_TRANSPORT_KAFKA_PRODUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "transport/kafka_client.h"

struct kafka_producer;

/* A message of it was acknowledged, or lost (ERROR_NONE if not): told while the producer is polled. */
typedef void (*kafka_delivered)(void *owner, void *topic_owner, uint32_t partition, int64_t offset,
                                size_t size, rd_kafka_resp_err_t code);

struct kafka_producer_options {
    const struct kafka_options *kafka;
    const char *transactional_id;
    size_t max_bytes;             /* that may wait inside; 0: librdkafka's default */
    kafka_delivered on_delivered; /* NULL: nobody wants to know */
    void *owner;
};

/* A topic as the producer knows it; lives as long as the producer. */
struct kafka_producer_topic;

struct kafka_message {
    struct kafka_producer_topic *topic;
    uint32_t partition;
    struct bytes key;    /* no data: none */
    struct bytes value;  /* no data: a tombstone */
    struct bytes header; /* HEADER_NAME's value; no data: no header */
};

struct kafka_producer *kafka_producer_new(const struct kafka_producer_options *options,
                                          struct error *err) MUST_USE;

/* Aborts an open transaction first, so that readers needn't wait for it. Bounded in time. */
void kafka_producer_free(struct kafka_producer *producer);

struct kafka_client *kafka_producer_client(struct kafka_producer *producer);

struct kafka_producer_topic *kafka_producer_topic(struct kafka_producer *producer, const char *name,
                                                  void *topic_owner);

/* Fences others of the id, and ends their transactions. False with ERROR_NONE: not yet, call again. */
bool kafka_producer_init(struct kafka_producer *producer, struct error *err) MUST_USE;

/* Opens a transaction if none is open. */
bool kafka_producer_begin(struct kafka_producer *producer, struct error *err) MUST_USE;

/* Sends into the open transaction; what it is given is copied. Waits only behind ten million messages: whoever sends bounds
 * what is on its way by what on_delivered() tells. */
bool kafka_producer_send(struct kafka_producer *producer, const struct kafka_message *message,
                         struct error *err) MUST_USE;

/* What the message takes at the broker, and what on_delivered() will name as its size. */
size_t kafka_message_size(const struct kafka_message *message);

/* Commits the open transaction. False with ERROR_NONE: not yet, call again. Any error means that the producer is done for. */
bool kafka_producer_commit(struct kafka_producer *producer, struct error *err) MUST_USE;

bool kafka_producer_is_open(const struct kafka_producer *producer);
int64_t kafka_producer_opened_ms(const struct kafka_producer *producer);

#endif
