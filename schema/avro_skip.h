/* SPDX-License-Identifier: Apache-2.0 */
/* Passing over values that nobody wants. */
#ifndef PENSTOCK_SCHEMA_AVRO_SKIP_H
#define PENSTOCK_SCHEMA_AVRO_SKIP_H

#include "schema/avro_bytes.h"
#include "schema/avro_schema.h"

/* Skips one value. `*budget` goes down by one for each value in it, so that arrays of nothing, which take no bytes, end too.
 * False: malformed, or the budget is spent. */
bool avro_skip(const struct avro_schema *schema, struct avro_input *input,
               uint32_t *budget) MUST_USE;

#endif
