/* SPDX-License-Identifier: Apache-2.0 */
/* Debezium's events to changes. */
#include "schema/decoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/avro_skip.h"
#include "schema/decoder_plan.h"

/* What skipping may cost: so many values for each byte, and so many more. */
enum { BUDGET_PER_BYTE = 4, BUDGET = 1024 * 1024 };

enum role { ROLE_SKIP, ROLE_BEFORE, ROLE_AFTER, ROLE_SOURCE, ROLE_OP };

struct envelope_field {
    enum role role;
    struct avro_skipper skipper;
};

struct decoder {
    const struct table *table;
    const struct avro_schema *schema;
    struct row_plan row;
    uint16_t column_count;
    uint32_t source_time; /* index of `ts_ms` in `source` */
    uint32_t source_count;
    struct avro_skipper *source;
    struct envelope_field *fields;
};

/* What one message is read with. */
struct reading {
    const struct decoder *decoder;
    struct avro_input input;
    struct form_output output;
    uint32_t budget;
    struct bytes op;
    bool has_before;
    bool has_after;
    int64_t source_time_ms;
};

/* ---- making one ---- */

static bool refuse(const struct table *table, const char *why, struct error *err)
{
    return error_set(err, ERROR_DATA, "Avro message of %s.%s: %s", table->schema, table->name, why);
}

/* The record of `before` or `after`, and where it stands; NULL if it isn't null-or-record. */
static const struct avro_schema *find_row(struct decoder *decoder, const char *field,
                                          enum role role)
{
    int index = avro_schema_find(decoder->schema, field);
    int8_t null_index = -1;
    if (index < 0)
        return NULL;
    const struct avro_schema *record =
        schema_without_null(decoder->schema->fields[index].schema, &null_index);
    decoder->fields[index].role = role;
    return null_index == 0 && record->type == AVRO_TYPE_RECORD ? record : NULL;
}

static bool find_source(struct decoder *decoder)
{
    int index = avro_schema_find(decoder->schema, "source");
    if (index < 0 || decoder->schema->fields[index].schema->type != AVRO_TYPE_RECORD)
        return false;
    const struct avro_schema *source = decoder->schema->fields[index].schema;
    decoder->fields[index].role = ROLE_SOURCE;
    decoder->source_count = source->count;
    decoder->source = memory_new_array((size_t)source->count + 1, sizeof(*decoder->source));
    for (uint32_t i = 0; i < source->count; i++)
        decoder->source[i] = avro_skipper_of(source->fields[i].schema);
    int time = avro_schema_find(source, "ts_ms");
    decoder->source_time = (uint32_t)time;
    return time >= 0 && source->fields[time].schema->type == AVRO_TYPE_LONG;
}

static bool find_op(struct decoder *decoder)
{
    int index = avro_schema_find(decoder->schema, "op");
    if (index < 0 || decoder->schema->fields[index].schema->type != AVRO_TYPE_STRING)
        return false;
    decoder->fields[index].role = ROLE_OP;
    return true;
}

static struct decoder *new_decoder(const struct avro_schema *schema, const struct table *table,
                                   struct error *err)
{
    if (schema->type != AVRO_TYPE_RECORD || table->column_count > TABLE_MAX_COLUMNS) {
        refuse(table, "its schema is no record", err);
        return NULL;
    }
    struct decoder *decoder = memory_new(sizeof(*decoder));
    decoder->table = table;
    decoder->schema = schema;
    decoder->column_count = table->column_count;
    decoder->fields = memory_new_array((size_t)schema->count + 1, sizeof(*decoder->fields));
    for (uint32_t i = 0; i < schema->count; i++)
        decoder->fields[i].skipper = avro_skipper_of(schema->fields[i].schema);
    return decoder;
}

struct decoder *decoder_new(const struct avro_schema *schema, const struct table *table,
                            struct error *err)
{
    struct decoder *decoder = new_decoder(schema, table, err);
    if (!decoder)
        return NULL;
    const struct avro_schema *before = find_row(decoder, "before", ROLE_BEFORE);
    const struct avro_schema *after = find_row(decoder, "after", ROLE_AFTER);
    bool is_envelope = after && before == after && find_source(decoder) && find_op(decoder);
    if (!is_envelope)
        refuse(table, "its schema is no envelope", err);
    if (!is_envelope || !row_plan_make(&decoder->row, after, table, true, err)) {
        decoder_free(decoder);
        return NULL;
    }
    return decoder;
}

struct decoder *decoder_new_key(const struct avro_schema *schema, const struct table *table,
                                struct error *err)
{
    struct decoder *decoder = new_decoder(schema, table, err);
    if (decoder && !row_plan_make(&decoder->row, schema, table, false, err)) {
        decoder_free(decoder);
        return NULL;
    }
    return decoder;
}

void decoder_free(struct decoder *decoder)
{
    if (!decoder)
        return;
    row_plan_release(&decoder->row);
    free(decoder->fields);
    free(decoder->source);
    free(decoder);
}

/* ---- rows ---- */

/* A union's index 0 or 1 is one byte, as every Avro writer writes it. */
static bool read_is_null(struct avro_input *input, int null_index, bool *is_null)
{
    if (avro_left(input) == 0 || (*input->at & ~2) != 0)
        return false;
    *is_null = *input->at++ >> 1 == null_index;
    return true;
}

static bool read_row(struct reading *reading, struct value *values)
{
    const struct row_plan *plan = &reading->decoder->row;
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (!step->read) {
            if (!avro_skip(step->skip, &reading->input, &reading->budget))
                return false;
            continue;
        }
        struct value *value = &values[step->column];
        bool is_null = false;
        if (step->null_index >= 0 && !read_is_null(&reading->input, step->null_index, &is_null))
            return false;
        if (is_null) {
            *value = (struct value){.kind = VALUE_NULL};
            continue;
        }
        struct bytes text;
        if (!step->read(&step->form, &reading->input, &reading->output, &text) ||
            text.size > UINT32_MAX)
            return false;
        *value = (struct value){text.data, (uint32_t)text.size, VALUE_TEXT};
    }
    return true;
}

/* ---- envelopes ---- */

static bool read_source(struct reading *reading)
{
    const struct decoder *decoder = reading->decoder;
    for (uint32_t i = 0; i < decoder->source_count; i++) {
        bool is_read =
            i == decoder->source_time
                ? avro_get_long(&reading->input, &reading->source_time_ms)
                : avro_skipper_run(&decoder->source[i], &reading->input, &reading->budget);
        if (!is_read)
            return false;
    }
    return true;
}

static bool read_image(struct reading *reading, struct value *values, bool *has_row)
{
    bool is_null = false;
    if (!read_is_null(&reading->input, 0, &is_null))
        return false;
    *has_row = !is_null;
    return is_null || read_row(reading, values);
}

static bool read_field(struct reading *reading, uint32_t index, struct change_values *values)
{
    const struct envelope_field *field = &reading->decoder->fields[index];
    switch (field->role) {
    case ROLE_BEFORE:
        return read_image(reading, values->old_values, &reading->has_before);
    case ROLE_AFTER:
        return read_image(reading, values->new_values, &reading->has_after);
    case ROLE_SOURCE:
        return read_source(reading);
    case ROLE_OP:
        return avro_get_bytes(&reading->input, &reading->op);
    case ROLE_SKIP:
        return avro_skipper_run(&field->skipper, &reading->input, &reading->budget);
    }
    return false;
}

static bool read_envelope(struct reading *reading, struct change_values *values)
{
    for (uint32_t i = 0; i < reading->decoder->schema->count; i++)
        if (!read_field(reading, i, values))
            return false;
    return reading->input.at == reading->input.end;
}

static bool kind_of(enum event_op op, const struct reading *reading, enum change_kind *kind)
{
    switch (op) {
    case EVENT_CREATE:
    case EVENT_READ:
        *kind = CHANGE_INSERT;
        return reading->has_after && !reading->has_before;
    case EVENT_UPDATE:
        *kind = CHANGE_UPDATE;
        return reading->has_after;
    case EVENT_DELETE:
        *kind = CHANGE_DELETE;
        return reading->has_before && !reading->has_after;
    case EVENT_TRUNCATE:
        *kind = CHANGE_TRUNCATE;
        return !reading->has_before && !reading->has_after;
    }
    return false;
}

/* The columns beside the key were made up by the writer: see encoder_write_value(). */
static void forget_all_but_key(const struct table *table, struct value *values)
{
    for (int i = 0; i < table->column_count; i++)
        if (!table->columns[i].is_key)
            values[i] = (struct value){.kind = VALUE_NULL};
}

static void fill_change(const struct reading *reading, bool is_old_full,
                        struct change_values *values, struct change *change)
{
    uint16_t count = reading->decoder->column_count;
    if (reading->has_before) {
        change->old_kind = is_old_full ? OLD_TUPLE_FULL : OLD_TUPLE_KEY;
        change->old_tuple = (struct tuple){count, values->old_values};
        if (!is_old_full)
            forget_all_but_key(reading->decoder->table, values->old_values);
    }
    if (reading->has_after)
        change->new_tuple = (struct tuple){count, values->new_values};
}

/* ---- room ---- */

static uint32_t budget_of(struct bytes body)
{
    uint64_t budget = (uint64_t)body.size * BUDGET_PER_BYTE + BUDGET;
    return budget > UINT32_MAX ? UINT32_MAX : (uint32_t)budget;
}

/* Begins to read anew, with `missing` more bytes of room than what is known to be needed. False if `texts` may not
 * become so long. */
static bool begin(struct reading *reading, const struct decoder *decoder, struct bytes body,
                  size_t missing, struct byte_buffer *texts)
{
    size_t room = 3 * body.size + 2 * decoder->row.extra + missing;
    byte_buffer_clear(texts);
    uint8_t *out = byte_buffer_reserve(texts, room);
    if (!out)
        return false;
    *reading = (struct reading){.decoder = decoder,
                                .input = {body.data, body.data + body.size},
                                .output = {.at = out, .end = out + room},
                                .budget = budget_of(body)};
    return true;
}

static void end(const struct reading *reading, struct byte_buffer *texts)
{
    texts->size = (size_t)(reading->output.at - texts->data);
}

bool decoder_read(struct decoder *decoder, struct bytes body, bool is_old_full,
                  struct byte_buffer *texts, struct change_values *values, struct change *change,
                  struct decoded_event *event, struct error *err)
{
    struct reading reading;
    size_t missing = 0;
    for (;;) {
        if (!begin(&reading, decoder, body, missing, texts))
            return refuse(decoder->table, "its values are too long", err);
        if (read_envelope(&reading, values))
            break;
        if (reading.output.missing == 0)
            return refuse(decoder->table, "malformed, or cut off", err);
        missing = 2 * missing + reading.output.missing;
    }
    enum event_op op = reading.op.size == 1 ? (enum event_op)reading.op.data[0] : 0;
    struct change made = {0};
    if (!kind_of(op, &reading, &made.kind))
        return refuse(decoder->table, "an operation that is not known, or lacks its row", err);
    fill_change(&reading, is_old_full, values, &made);
    end(&reading, texts);
    *change = made;
    *event = (struct decoded_event){op, reading.source_time_ms};
    return true;
}

bool decoder_read_key(struct decoder *decoder, struct bytes body, struct byte_buffer *texts,
                      struct value *values, struct tuple *tuple, struct error *err)
{
    struct reading reading;
    size_t missing = 0;
    for (;;) {
        if (!begin(&reading, decoder, body, missing, texts))
            return refuse(decoder->table, "its key is too long", err);
        for (int i = 0; i < decoder->column_count; i++)
            values[i] = (struct value){.kind = VALUE_NULL};
        if (read_row(&reading, values) && reading.input.at == reading.input.end)
            break;
        if (reading.output.missing == 0)
            return refuse(decoder->table, "its key is malformed, or cut off", err);
        missing = 2 * missing + reading.output.missing;
    }
    end(&reading, texts);
    *tuple = (struct tuple){decoder->column_count, values};
    return true;
}
