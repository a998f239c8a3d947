/* SPDX-License-Identifier: Apache-2.0 */
/* Matching a writer's fields with a table's columns: by name, and by what can become what without loss. */
#include "schema/decoder_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { MOST_SCALE = 16383 };

/* ---- the form that a writer's schema says ---- */

static bool is_named(const struct avro_schema *schema, const char *connect_name)
{
    return strcmp(schema->connect_name, connect_name) == 0;
}

struct semantic {
    const char *connect_name;
    enum avro_type type;
    enum avro_form form;
};

static const struct semantic SEMANTICS[] = {
    {"io.debezium.data.Uuid", AVRO_TYPE_STRING, FORM_UUID},
    {"io.debezium.data.Json", AVRO_TYPE_STRING, FORM_JSON},
    {"io.debezium.data.Enum", AVRO_TYPE_STRING, FORM_ENUM},
    {"io.debezium.time.Date", AVRO_TYPE_INT, FORM_DATE},
    {"io.debezium.time.Time", AVRO_TYPE_INT, FORM_TIME_MS},
    {"io.debezium.time.MicroTime", AVRO_TYPE_LONG, FORM_TIME_US},
    {"io.debezium.time.Timestamp", AVRO_TYPE_LONG, FORM_TIMESTAMP_MS},
    {"io.debezium.time.MicroTimestamp", AVRO_TYPE_LONG, FORM_TIMESTAMP_US},
    {"io.debezium.time.ZonedTimestamp", AVRO_TYPE_STRING, FORM_ZONED_TIMESTAMP},
    {"io.debezium.time.ZonedTime", AVRO_TYPE_STRING, FORM_ZONED_TIME},
    {"io.debezium.time.MicroDuration", AVRO_TYPE_LONG, FORM_INTERVAL},
};

static bool is_variable_decimal(const struct avro_schema *schema)
{
    return schema->type == AVRO_TYPE_RECORD &&
           strcmp(schema->name, "io.debezium.data.VariableScaleDecimal") == 0 &&
           schema->count == 2 && strcmp(schema->fields[0].name, "scale") == 0 &&
           schema->fields[0].schema->type == AVRO_TYPE_INT &&
           schema->fields[1].schema->type == AVRO_TYPE_BYTES;
}

static bool plain_form(const struct avro_schema *schema, enum avro_form *form)
{
    switch (schema->type) {
    case AVRO_TYPE_BOOLEAN:
        *form = FORM_BOOLEAN;
        return true;
    case AVRO_TYPE_INT:
        *form = strcmp(schema->connect_type, "int16") == 0 ? FORM_INT16 : FORM_INT32;
        return true;
    case AVRO_TYPE_LONG:
        *form = FORM_INT64;
        return true;
    case AVRO_TYPE_FLOAT:
        *form = FORM_FLOAT;
        return true;
    case AVRO_TYPE_DOUBLE:
        *form = FORM_DOUBLE;
        return true;
    case AVRO_TYPE_BYTES:
        *form = FORM_BYTES;
        return true;
    case AVRO_TYPE_STRING:
        *form = FORM_TEXT;
        return true;
    case AVRO_TYPE_NULL:
    case AVRO_TYPE_FIXED:
    case AVRO_TYPE_ENUM:
    case AVRO_TYPE_ARRAY:
    case AVRO_TYPE_MAP:
    case AVRO_TYPE_UNION:
    case AVRO_TYPE_RECORD:
        break;
    }
    return false;
}

static bool writer_form(const struct avro_schema *schema, struct column_form *form)
{
    *form = (struct column_form){.form = FORM_TEXT};
    if (is_variable_decimal(schema)) {
        form->form = FORM_VARIABLE_DECIMAL;
        return true;
    }
    if (schema->type == AVRO_TYPE_BYTES && strcmp(schema->logical_type, "decimal") == 0) {
        *form = (struct column_form){FORM_DECIMAL, schema->scale, schema->precision};
        return schema->scale <= MOST_SCALE;
    }
    for (size_t i = 0; i < sizeof(SEMANTICS) / sizeof(*SEMANTICS); i++)
        if (is_named(schema, SEMANTICS[i].connect_name)) {
            form->form = SEMANTICS[i].form;
            return schema->type == SEMANTICS[i].type;
        }
    /* Other semantics of strings (Xml, Ltree) are PostgreSQL's text; those of numbers are not known here. */
    bool is_plain = is_named(schema, "") && !*schema->logical_type;
    return (is_plain || schema->type == AVRO_TYPE_STRING) && plain_form(schema, &form->form);
}

/* ---- what can become what ---- */

static bool is_text(enum avro_form form)
{
    return form == FORM_TEXT || form == FORM_UUID || form == FORM_JSON || form == FORM_ENUM;
}

/* 1 to 3 for the whole numbers, the wider the more; 0 for all else. */
static int integer_rank(enum avro_form form)
{
    return form == FORM_INT16 ? 1 : form == FORM_INT32 ? 2 : form == FORM_INT64 ? 3 : 0;
}

/* The values come out as text, so a wider type reads a narrower one's as it is. */
static bool can_become(const struct column_form *from, const struct column_form *to)
{
    if (to->form == FORM_TEXT || (is_text(to->form) && is_text(from->form)))
        return true;
    if (from->form == FORM_DECIMAL && to->form == FORM_DECIMAL)
        return from->scale <= to->scale;
    if (from->form == to->form)
        return true;
    int rank = integer_rank(from->form);
    if (rank > 0)
        return rank < integer_rank(to->form) || to->form == FORM_DECIMAL ||
               to->form == FORM_VARIABLE_DECIMAL;
    return (from->form == FORM_DECIMAL && to->form == FORM_VARIABLE_DECIMAL) ||
           (from->form == FORM_FLOAT && to->form == FORM_DOUBLE) ||
           (from->form == FORM_TIME_MS && to->form == FORM_TIME_US) ||
           (from->form == FORM_TIMESTAMP_MS && to->form == FORM_TIMESTAMP_US);
}

/* ---- plans ---- */

const struct avro_schema *schema_without_null(const struct avro_schema *schema, int8_t *null_index)
{
    *null_index = -1;
    if (schema->type != AVRO_TYPE_UNION || schema->count != 2)
        return schema;
    for (int8_t i = 0; i < 2; i++)
        if (schema->branches[i]->type == AVRO_TYPE_NULL) {
            *null_index = i;
            return schema->branches[1 - i];
        }
    return schema;
}

static bool plan_column(struct plan_step *step, const struct avro_schema *schema,
                        const struct table *table, uint16_t index, struct error *err)
{
    const struct column *column = &table->columns[index];
    struct column_form wanted = debezium_form(table, column);
    const struct avro_schema *value = schema_without_null(schema, &step->null_index);
    if (step->read)
        return error_set(err, ERROR_DATA, "two columns of %s.%s are the field of column %s",
                         table->schema, table->name, column->name);
    if (!writer_form(value, &step->form) || !can_become(&step->form, &wanted))
        return error_set(err, ERROR_DATA, "column %s of %s.%s can't come from its Avro type",
                         column->name, table->schema, table->name);
    step->read = form_codec_of(step->form.form)->read;
    step->column = index;
    return true;
}

/* Gives each column its step, by the name that its field has. */
static bool plan_columns(struct row_plan *plan, const struct avro_schema *record,
                         const struct table *table, bool needs_all, struct error *err)
{
    SCOPED_BUFFER name;
    byte_buffer_init(&name, SIZE_MAX);
    for (uint16_t i = 0; i < table->column_count; i++) {
        byte_buffer_clear(&name);
        debezium_write_name(&name, table->columns[i].name);
        int field = avro_schema_find(record, byte_buffer_text(&name));
        if (field < 0 && !needs_all)
            continue;
        if (field < 0)
            return error_set(err, ERROR_DATA, "the Avro schema has no field for column %s of %s.%s",
                             table->columns[i].name, table->schema, table->name);
        if (!plan_column(&plan->steps[field], record->fields[field].schema, table, i, err))
            return false;
    }
    return true;
}

bool row_plan_make(struct row_plan *plan, const struct avro_schema *record,
                   const struct table *table, bool needs_all, struct error *err)
{
    *plan = (struct row_plan){.step_count = record->count};
    plan->steps = memory_new_array((size_t)record->count + 1, sizeof(*plan->steps));
    for (uint32_t i = 0; i < record->count; i++)
        plan->steps[i].skip = record->fields[i].schema;
    if (!plan_columns(plan, record, table, needs_all, err)) {
        row_plan_release(plan);
        return false;
    }
    for (uint32_t i = 0; i < record->count; i++)
        plan->extra += FORM_MAX_EXTRA + (size_t)plan->steps[i].form.scale;
    return true;
}

void row_plan_release(struct row_plan *plan)
{
    free(plan->steps);
    *plan = (struct row_plan){0};
}
