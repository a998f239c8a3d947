/* SPDX-License-Identifier: Apache-2.0 */
/* How a row of one writer's schema becomes one of a table. */
#ifndef PENSTOCK_SCHEMA_DECODER_PLAN_H
#define PENSTOCK_SCHEMA_DECODER_PLAN_H

#include "base/error.h"
#include "schema/avro_schema.h"
#include "schema/form.h"
#include "schema/table.h"

/* One field, in the writer's order. */
struct plan_step {
    form_reader read; /* NULL: skip */
    const struct avro_schema *skip;
    struct column_form form;
    uint16_t column;
    int8_t null_index; /* of a union with null: which branch null is; -1: no union */
};

struct row_plan {
    size_t step_count;
    size_t extra; /* the room that texts may take beyond three times the input */
    struct plan_step *steps;
};

/* `needs_all`: every column must have a field (a row), not only the fields a column (a key). ERROR_DATA. */
bool row_plan_make(struct row_plan *plan, const struct avro_schema *record,
                   const struct table *table, bool needs_all, struct error *err) MUST_USE;
void row_plan_release(struct row_plan *plan);

/* A union of null and one other type: that type and null's index. Else the schema itself and -1. */
const struct avro_schema *schema_without_null(const struct avro_schema *schema, int8_t *null_index);

#endif
