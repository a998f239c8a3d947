/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of librdkafka, which stand below `kafka:` and go to it as they are. Whether one exists is its to say. */
#ifndef PENSTOCK_CONFIG_PROPERTIES_H
#define PENSTOCK_CONFIG_PROPERTIES_H

#include <stdbool.h>

#include "base/attributes.h"

#define PROPERTY_SECTION     "kafka"
#define PROPERTY_ENVIRONMENT "PENSTOCK_KAFKA_"

enum {
    PROPERTY_NAME_SIZE = 129,
    PROPERTY_ENVIRONMENT_SIZE = 15 + 3 * PROPERTY_NAME_SIZE,
    PROPERTY_MAX_VALUE = 64 * 1024,
    PROPERTY_MAX_COUNT = 256, /* librdkafka 2.x has some 170 */
};

/* Whether `name` below `kafka:` is a setting of our own, as `insecure` is, and no property. */
bool property_is_setting(const char *name);

/* What is wrong with the form of a name, for a message, or NULL. */
const char *property_problem(const char *name) MUST_USE;

/* Whether the value is a secret: never shown, and refused where others could read it. Known by how the name ends, so that
 * properties of newer versions are too. */
bool property_is_secret(const char *name);

/* Whether `name` is that of a secret with `ending` behind it; then the secret's name goes into `out` of PROPERTY_NAME_SIZE.
 * "_file" names the file of a secret. */
bool property_is_secret_with(const char *name, const char *ending, char *out);

/* "PENSTOCK_KAFKA_SASL_PASSWORD", by the rule of Kafka's own image (apache/kafka, docker/examples/README.md): `.` is
 * written `_`, `_` is `__`, `-` is `___`. Into `out` of PROPERTY_ENVIRONMENT_SIZE; returns `out`. */
const char *property_environment_name(const char *name, char *out);

/* The way back, of what follows PROPERTY_ENVIRONMENT in "NAME=value". Into `out` of PROPERTY_NAME_SIZE; false if it names
 * none. */
bool property_from_environment(const char *variable, char *out) MUST_USE;

/* Whether Kubernetes made the variable, for a service called penstock-kafka: …_PORT, …_SERVICE_HOST and the like
 * (Kubernetes, "Service", environment variables). No property's name begins so. */
bool property_is_of_kubernetes(const char *variable);

#endif
