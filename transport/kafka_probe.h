/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to Kafka for `check`: what is there, what may be done. Nothing is written. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_PROBE_H
#define PENSTOCK_TRANSPORT_KAFKA_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "transport/kafka.h"

struct kafka_probe;

/* Each question gives up after `patience_ms` with ERROR_RETRY, and with ERROR_ENDED soon after the stop flag is set. Borrows
 * what the options point to. */
struct kafka_probe *kafka_probe_new(const struct kafka_options *options, int patience_ms,
                                    struct error *err) MUST_USE;
void kafka_probe_free(struct kafka_probe *probe);

struct kafka_cluster {
    uint32_t brokers;
    bool has_settings;          /* false: we may not read them, which no other command needs */
    uint32_t replication;       /* of new topics, unless another is asked for */
    uint64_t max_message_bytes; /* of new topics */
    uint32_t min_in_sync;       /* of new topics */
};

bool kafka_probe_cluster(struct kafka_probe *probe, struct kafka_cluster *cluster,
                         struct error *err) MUST_USE;

struct kafka_probed_topic {
    uint32_t partitions; /* 0: it isn't there, and the rest isn't known */
    uint32_t replicas;   /* of the partition that has the fewest */
    uint32_t in_sync;    /* the same */
    bool has_settings;   /* false: we may not read them, and the rest isn't known */
    bool is_compacted;
    bool is_deleted; /* old segments are */
    uint64_t max_message_bytes;
    uint32_t min_in_sync;
};

bool kafka_probe_topic(struct kafka_probe *probe, const char *name,
                       struct kafka_probed_topic *topic, struct error *err) MUST_USE;

/* Whether the broker would let us make it: PERMISSION_DENIED, TOPIC_UNSUITABLE. */
bool kafka_probe_making(struct kafka_probe *probe, const char *name, uint32_t partitions,
                        struct error *err) MUST_USE;

/* Whether the log of one of the topic's partitions holds anything. */
bool kafka_probe_emptiness(struct kafka_probe *probe, const char *name, uint32_t partitions,
                           bool *is_empty, struct error *err) MUST_USE;

/* Whether we may use transactional ids that begin with the pipeline's name and a dash: one is used that no capture has, so that
 * none is fenced. */
bool kafka_probe_transactions(struct kafka_probe *probe, struct error *err) MUST_USE;

/* What a batch of the producer's may take: a topic must take as much. */
uint64_t kafka_probe_batch_bytes(const struct kafka_probe *probe);

/* Of librdkafka: "2.0.2". */
const char *kafka_library_version(void);

/* Whether it can do SCRAM with Kafka 4: librdkafka before 2.6.1 appends its nonce twice, which Kafka 4 refuses. */
bool kafka_library_has_good_scram(void);

#endif
