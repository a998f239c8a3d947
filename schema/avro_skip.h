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

/* The same for a schema that is skipped in each message: the frequent kinds need no look at it. */
struct avro_skipper {
    enum { SKIP_LONG, SKIP_BYTES, SKIP_OTHER } kind;
    bool
        is_nullable; /* null is the union's first branch, what `kind` and `schema` say its second */
    const struct avro_schema *schema;
};

struct avro_skipper avro_skipper_of(const struct avro_schema *schema);

/* Finds the end of an int or long by its 8 bytes at once, without a look at its value. */
static inline bool avro_skip_long(struct avro_input *input)
{
    int64_t value = 0;
    uint64_t bytes = 0;
    if (avro_left(input) < sizeof(bytes))
        return avro_get_long(input, &value);
    memcpy(&bytes, input->at, sizeof(bytes));
    uint64_t ends = ~bytes & UINT64_C(0x8080808080808080);
    if (ends == 0)
        return avro_get_long(input, &value);
    input->at += __builtin_ctzll(ends) / 8 + 1;
    return true;
}

static inline bool avro_skipper_run(const struct avro_skipper *skipper, struct avro_input *input,
                                    uint32_t *budget)
{
    struct bytes bytes;
    if (skipper->is_nullable) {
        if (avro_left(input) == 0 || (*input->at & ~2) != 0)
            return false;
        if (*input->at++ == 0)
            return true;
    }
    switch (skipper->kind) {
    case SKIP_LONG:
        return avro_skip_long(input);
    case SKIP_BYTES:
        return avro_get_bytes(input, &bytes);
    case SKIP_OTHER:
        break;
    }
    return avro_skip(skipper->schema, input, budget);
}

#endif
