/* SPDX-License-Identifier: Apache-2.0 */
/* Parses any bytes as an Avro schema; what was parsed keeps its limits and can be skipped over any bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schema/avro_schema.h"
#include "schema/avro_skip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BUDGET = 100000 };

static void require(bool is_met)
{
    if (!is_met)
        abort();
}

/* The outermost type only: those inside went through the same functions. */
static void check(const struct avro_schema *schema)
{
    require(schema->name && schema->connect_name && schema->connect_type && schema->logical_type);
    require(schema->count <= AVRO_MAX_FIELDS && schema->scale >= 0 && schema->precision >= 0);
    if (schema->type != AVRO_TYPE_RECORD)
        return;
    for (uint32_t i = 0; i < schema->count; i++)
        require(avro_schema_find(schema, schema->fields[i].name) == (int)i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {data, size};
    struct arena *arena = arena_new(4096);
    struct error err;
    char first[65];
    char second[65];
    error_clear(&err);
    const struct avro_schema *schema = avro_schema_parse(text, arena, &err);
    require(schema || err.kind == ERROR_DATA);
    if (schema) {
        uint32_t budget = BUDGET;
        struct avro_input input = {data, data + size};
        check(schema);
        require(!avro_skip(schema, &input, &budget) || input.at <= input.end);
        require(avro_schema_fingerprint(text, first, &err));
        require(avro_schema_fingerprint(text, second, &err) && strcmp(first, second) == 0);
    }
    arena_free(arena);
    return 0;
}
