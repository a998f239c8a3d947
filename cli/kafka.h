/* SPDX-License-Identifier: Apache-2.0 */
/* From the configuration to Kafka and the registry. */
#ifndef PENSTOCK_CLI_KAFKA_H
#define PENSTOCK_CLI_KAFKA_H

#include "base/attributes.h"
#include "base/error.h"
#include "config/config.h"
#include "schema/registry.h"
#include "transport/kafka.h"
#include "transport/kafka_log.h"

/* What lives as long as the process; `properties` borrow from the configuration. */
struct kafka_endpoint {
    struct kafka_options options;
    struct kafka_property *properties;
    char *registry_password; /* NULL: none */
};

/* Reads the secrets, and checks the properties. */
bool kafka_endpoint_read(struct kafka_endpoint *endpoint, const struct config *config,
                         struct error *err) MUST_USE;
void kafka_endpoint_release(struct kafka_endpoint *endpoint);

/* The registry of one session: over HTTP where the configuration names one, else built in on `_schemas`. */
struct session_registry {
    struct registry *registry;
    struct kafka_log *log;        /* of the built-in one */
    struct schema_log schema_log; /* what the built-in one sees of it */
};

bool session_registry_open(struct session_registry *session, const struct kafka_endpoint *endpoint,
                           const struct config *config, struct error *err) MUST_USE;
void session_registry_close(struct session_registry *session);

#endif
