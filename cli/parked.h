/* SPDX-License-Identifier: Apache-2.0 */
/* What is parked at the target, for status and verify. */
#ifndef PENSTOCK_CLI_PARKED_H
#define PENSTOCK_CLI_PARKED_H

#include <stdint.h>

#include "base/attributes.h"
#include "postgres/connection.h"

/* Where to read on, for people. */
#define PARKED_REMEDY "mend and resolve them: docs/operations.md, Parked rows"

/* A row for each table with changes that nobody has resolved: schema, table, changes, refused ones among them, time of
 * the first as text. No rows if the target has never heard of parking. */
struct query *parked_list(struct connection *target, const char *name, struct error *err) MUST_USE;

/* How many of them are of this table. */
bool parked_count(struct connection *target, const char *name, const char *schema,
                  const char *table, uint64_t *count, struct error *err) MUST_USE;

#endif
