/* SPDX-License-Identifier: Apache-2.0 */
/* Passing over values of any schema, within bounds. */
#include "schema/avro_skip.h"

static bool skip_bytes(struct avro_input *input, uint64_t size)
{
    if (size > avro_left(input))
        return false;
    input->at += size;
    return true;
}

static bool skip_string(struct avro_input *input)
{
    struct bytes bytes;
    return avro_get_bytes(input, &bytes);
}

/* One block; `*count` is 0 behind the last. A block that tells its size is passed over at once. */
static bool skip_block(const struct avro_schema *schema, struct avro_input *input, uint32_t *budget,
                       int64_t *count)
{
    int64_t size = 0;
    if (!avro_get_long(input, count))
        return false;
    if (*count < 0)
        return avro_get_long(input, &size) && size >= 0 && skip_bytes(input, (uint64_t)size);
    for (int64_t i = 0; i < *count; i++) {
        if (schema->type == AVRO_TYPE_MAP && !skip_string(input))
            return false;
        if (!avro_skip(schema->branches[0], input, budget))
            return false;
    }
    return true;
}

static bool skip_blocks(const struct avro_schema *schema, struct avro_input *input,
                        uint32_t *budget)
{
    int64_t count = 0;
    do {
        if (!skip_block(schema, input, budget, &count))
            return false;
    } while (count != 0);
    return true;
}

static bool skip_fields(const struct avro_schema *schema, struct avro_input *input,
                        uint32_t *budget)
{
    for (uint32_t i = 0; i < schema->count; i++)
        if (!avro_skip(schema->fields[i].schema, input, budget))
            return false;
    return true;
}

/* The recursion is as deep as the schema, which its parser bounds. */
bool avro_skip(const struct avro_schema *schema, struct avro_input *input, uint32_t *budget)
{
    int64_t number = 0;
    int32_t small = 0;
    if (*budget == 0)
        return false;
    --*budget;
    switch (schema->type) {
    case AVRO_TYPE_NULL:
        return true;
    case AVRO_TYPE_BOOLEAN:
        return avro_left(input) > 0 && *input->at++ <= 1;
    case AVRO_TYPE_INT:
        return avro_get_int(input, &small);
    case AVRO_TYPE_LONG:
        return avro_get_long(input, &number);
    case AVRO_TYPE_FLOAT:
        return skip_bytes(input, sizeof(float));
    case AVRO_TYPE_DOUBLE:
        return skip_bytes(input, sizeof(double));
    case AVRO_TYPE_BYTES:
    case AVRO_TYPE_STRING:
        return skip_string(input);
    case AVRO_TYPE_FIXED:
        return skip_bytes(input, schema->size);
    case AVRO_TYPE_ENUM:
        return avro_get_long(input, &number) && number >= 0 && number < schema->count;
    case AVRO_TYPE_ARRAY:
    case AVRO_TYPE_MAP:
        return skip_blocks(schema, input, budget);
    case AVRO_TYPE_UNION:
        return avro_get_long(input, &number) && number >= 0 && number < schema->count &&
               avro_skip(schema->branches[number], input, budget);
    case AVRO_TYPE_RECORD:
        return skip_fields(schema, input, budget);
    }
    return false;
}

struct avro_skipper avro_skipper_of(const struct avro_schema *schema)
{
    struct avro_skipper skipper = {.kind = SKIP_OTHER, .schema = schema};
    if (schema->type == AVRO_TYPE_UNION && schema->count == 2 &&
        schema->branches[0]->type == AVRO_TYPE_NULL) {
        skipper.is_nullable = true;
        skipper.schema = schema->branches[1];
    }
    if (skipper.schema->type == AVRO_TYPE_LONG)
        skipper.kind = SKIP_LONG;
    else if (skipper.schema->type == AVRO_TYPE_BYTES || skipper.schema->type == AVRO_TYPE_STRING)
        skipper.kind = SKIP_BYTES;
    return skipper;
}
