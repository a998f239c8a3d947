/* SPDX-License-Identifier: Apache-2.0 */
/* A compacted topic of one partition as a log with one writer at a time: `_schemas`. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_LOG_H
#define PENSTOCK_TRANSPORT_KAFKA_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "transport/kafka.h"

/* The registry's topic, and the transactional id under which every Penstock writes to it. */
#define KAFKA_LOG_SCHEMAS        "_schemas"
#define KAFKA_LOG_SCHEMAS_WRITER "penstock-schemas"

struct kafka_log;

typedef bool (*kafka_log_take)(void *taker, int64_t offset, struct bytes key, struct bytes value,
                               struct error *err);

/* The topic is made when it is first written, compacted, if it isn't there. `transactional_id` fences other writers: all that
 * write to the topic use the same. Borrows what the options point to. */
struct kafka_log *kafka_log_new(const struct kafka_options *options, const char *topic,
                                const char *transactional_id, struct error *err) MUST_USE;
void kafka_log_free(struct kafka_log *log);

/* As struct schema_log has them; a topic that isn't there reads as empty, unless it was there before. Each gives up with
 * ERROR_RETRY after 5 s without progress, and ends with ERROR_ENDED soon after the stop flag is set. The stop
 * REGISTRY_UNSUITABLE: the topic has more than one partition, isn't compacted, or was made anew. */
bool kafka_log_read(struct kafka_log *log, kafka_log_take take, void *taker,
                    struct error *err) MUST_USE;
bool kafka_log_become_writer(struct kafka_log *log, struct error *err) MUST_USE;
bool kafka_log_append(struct kafka_log *log, struct bytes key, struct bytes value,
                      struct error *err) MUST_USE;

#endif
