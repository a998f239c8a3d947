/* SPDX-License-Identifier: Apache-2.0 */
/* Names that end up as names in PostgreSQL, in Kafka and in a registry. */
#ifndef PENSTOCK_CONFIG_NAMES_H
#define PENSTOCK_CONFIG_NAMES_H

#include "base/attributes.h"

/* What is wrong with a replication's name, [a-z][a-z0-9_]{0,30} (DESIGN §3), for a message, or NULL. */
const char *name_problem(const char *text) MUST_USE;

/* The same for a slot: [a-z0-9_]+ (PostgreSQL, "Replication Slots"). */
const char *slot_problem(const char *text) MUST_USE;

/* The same for what the names of topics begin with: letters, digits, ".", "_" and "-" (Kafka, "Topic Naming"). */
const char *prefix_problem(const char *text) MUST_USE;

/* The same for a user of HTTP's basic authentication, whose name ends at the first colon (RFC 7617). */
const char *user_problem(const char *text) MUST_USE;

#endif
