/* SPDX-License-Identifier: Apache-2.0 */
/* How long a command waits for Kafka: calls that end in slices are made again until this is over. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_PATIENCE_H
#define PENSTOCK_TRANSPORT_KAFKA_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "transport/kafka_client.h"

struct kafka_patience {
    const struct kafka_options *options;
    int64_t deadline_ms;
};

struct kafka_patience kafka_patience_of(const struct kafka_options *options, int patience_ms);

/* A call to `client` returned false: true if it is to be made again (`err` was ERROR_NONE), else `err` says why not. */
bool kafka_patience_again(const struct kafka_patience *patience, struct kafka_client *client,
                          struct error *err) MUST_USE;

#endif
