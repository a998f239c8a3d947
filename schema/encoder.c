/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to Debezium's events: all that is the same in each event is made once, a value is one call of its column's form. */
#include "schema/encoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/debezium.h"
#include "schema/event_block.h"
#include "schema/form.h"

enum {
    MAGIC_SIZE = 5,
    ZERO_SIZE = 48,
};

static const char PLACEHOLDER[] = "__debezium_unavailable_value";

/* How a value that the source didn't send is written. */
enum placeholder { PLACEHOLDER_NONE, PLACEHOLDER_TEXT, PLACEHOLDER_BYTES };

struct encoder_column {
    form_writer write;
    struct column_form form;
    bool is_nullable;
    bool is_key;
    enum placeholder placeholder;
    uint8_t zero_size;
    uint8_t zero[ZERO_SIZE]; /* the type's zero in Avro */
};

struct encoder {
    const struct table *table;
    uint32_t key_id;
    uint32_t value_id;
    uint16_t key_count;
    uint16_t *key_columns;
    size_t row_extra; /* what a row may need beyond its texts */
    struct event_block *block;
    struct encoder_column columns[];
};

/* What is being written. */
struct writing {
    const struct encoder *encoder;
    struct encoder_notes *notes;
    enum event_part part;
    bool is_full; /* every note found room, every value was text */
    uint8_t *out;
};

/* ---- making one ---- */

static enum placeholder placeholder_of(enum avro_form form)
{
    if (form == FORM_TEXT || form == FORM_JSON || form == FORM_ENUM)
        return PLACEHOLDER_TEXT;
    return form == FORM_BYTES ? PLACEHOLDER_BYTES : PLACEHOLDER_NONE;
}

static void make_column(const struct table *table, const struct column *column,
                        struct encoder_column *made)
{
    struct column_form form = debezium_form(table, column);
    struct column_form zero_form = {.form = form.form, .scale = form.scale};
    const char *zero = form_zero_text(form.form);
    bool is_exact = true;
    uint8_t bytes[FORM_MAX_EXTRA * 2];
    made->write = form_codec_of(form.form)->write;
    made->form = form;
    made->is_nullable = !column->is_not_null;
    made->is_key = column->is_key;
    made->placeholder = placeholder_of(form.form);
    const uint8_t *end = made->write(
        &zero_form, (struct bytes){(const uint8_t *)zero, strlen(zero)}, bytes, &is_exact);
    made->zero_size = (uint8_t)(end - bytes);
    memcpy(made->zero, bytes, made->zero_size);
}

struct encoder *encoder_new(const struct table *table, const struct encoder_options *options,
                            struct error *err)
{
    uint16_t keys[TABLE_MAX_COLUMNS];
    if (table->column_count > TABLE_MAX_COLUMNS) {
        error_set(err, ERROR_FATAL, "table %s.%s has too many columns", table->schema, table->name);
        return NULL;
    }
    struct encoder *encoder =
        memory_new(sizeof(*encoder) + table->column_count * sizeof(*encoder->columns));
    encoder->table = table;
    encoder->key_id = options->key_id;
    encoder->value_id = options->value_id;
    encoder->key_count = debezium_key_columns(table, keys);
    encoder->key_columns = memory_new_array((size_t)encoder->key_count + 1, sizeof(*keys));
    memcpy(encoder->key_columns, keys, encoder->key_count * sizeof(*keys));
    for (int i = 0; i < table->column_count; i++) {
        make_column(table, &table->columns[i], &encoder->columns[i]);
        encoder->row_extra += FORM_MAX_EXTRA + (size_t)encoder->columns[i].form.scale;
    }
    encoder->block = event_block_new(options->source, table);
    return encoder;
}

void encoder_free(struct encoder *encoder)
{
    if (!encoder)
        return;
    event_block_free(encoder->block);
    free(encoder->key_columns);
    free(encoder);
}

/* ---- values ---- */

/* Text that isn't there is a null: see struct encoder_note. */
static void add_note(struct writing *writing, uint16_t column, struct bytes text)
{
    struct encoder_notes *notes = writing->notes;
    if (notes->exact_count == ENCODER_MAX_EXACT) {
        writing->is_full = false;
        return;
    }
    notes->exact[notes->exact_count++] =
        (struct encoder_note){.part = (uint8_t)writing->part, .column = column, .text = text};
}

/* Null, or the type's zero in a column that is NOT NULL. */
static void write_nothing(struct writing *writing, const struct encoder_column *column)
{
    if (column->is_nullable) {
        *writing->out++ = 0;
        return;
    }
    memcpy(writing->out, column->zero, column->zero_size);
    writing->out += column->zero_size;
}

/* A row can be older than its column's NOT NULL, so its null is noted, not refused. */
static void write_null(struct writing *writing, uint16_t index)
{
    const struct encoder_column *column = &writing->encoder->columns[index];
    if (!column->is_nullable)
        add_note(writing, index, (struct bytes){NULL, 0});
    write_nothing(writing, column);
}

static void write_value(struct writing *writing, uint16_t index, const struct value *value)
{
    static const uint8_t nothing[] = "";
    const struct encoder_column *column = &writing->encoder->columns[index];
    struct bytes text = {value->size > 0 ? value->data : nothing, value->size};
    bool is_exact = true;
    if (column->is_nullable)
        *writing->out++ = 1 << 1;
    writing->out = column->write(&column->form, text, writing->out, &is_exact);
    if (!is_exact)
        add_note(writing, index, text);
}

static void write_placeholder(struct writing *writing, uint16_t index)
{
    const struct encoder_column *column = &writing->encoder->columns[index];
    struct encoder_notes *notes = writing->notes;
    if (writing->part != EVENT_AFTER || notes->unchanged_count == TABLE_MAX_COLUMNS) {
        writing->is_full = false;
        return;
    }
    notes->unchanged[notes->unchanged_count++] = index;
    if (column->placeholder == PLACEHOLDER_NONE) {
        write_nothing(writing, column);
        return;
    }
    if (column->is_nullable)
        *writing->out++ = 1 << 1;
    writing->out = avro_put_bytes(writing->out, PLACEHOLDER, sizeof(PLACEHOLDER) - 1);
}

/* `old_row`: where a value that wasn't sent can be found; all of it if `is_old_full`, else its key. */
static void write_row(struct writing *writing, const struct tuple *row, const struct tuple *old_row,
                      bool is_old_full)
{
    for (uint16_t i = 0; i < row->count; i++) {
        const struct value *value = &row->values[i];
        bool is_in_old = old_row && (is_old_full || writing->encoder->columns[i].is_key);
        if (value->kind == VALUE_UNCHANGED && is_in_old)
            value = &old_row->values[i];
        switch (value->kind) {
        case VALUE_TEXT:
            write_value(writing, i, value);
            break;
        case VALUE_NULL:
            write_null(writing, i);
            break;
        case VALUE_UNCHANGED:
            write_placeholder(writing, i);
            break;
        case VALUE_BINARY:
            writing->is_full = false;
            return;
        }
    }
}

/* The key of an old row; its other columns hold nothing. */
static void write_old_key(struct writing *writing, const struct tuple *row)
{
    for (uint16_t i = 0; i < row->count; i++) {
        const struct encoder_column *column = &writing->encoder->columns[i];
        if (column->is_key && row->values[i].kind == VALUE_TEXT)
            write_value(writing, i, &row->values[i]);
        else
            write_nothing(writing, column);
    }
}

/* ---- room ---- */

static size_t row_room(const struct encoder *encoder, const struct tuple *row)
{
    if (!row)
        return 0;
    size_t size = encoder->row_extra;
    for (uint16_t i = 0; i < row->count; i++)
        if (row->values[i].kind == VALUE_TEXT)
            size += row->values[i].size;
    return size;
}

static bool check_row(const struct encoder *encoder, const struct tuple *row, struct error *err)
{
    const struct table *table = encoder->table;
    if (!row || row->count == table->column_count)
        return true;
    return error_set(err, ERROR_DATA, "table %s.%s: a row of %d columns instead of %d",
                     table->schema, table->name, row->count, table->column_count);
}

static bool refuse(const struct encoder *encoder, const char *why, struct error *err)
{
    return error_set(err, ERROR_DATA, "table %s.%s: %s", encoder->table->schema,
                     encoder->table->name, why);
}

/* Confluent's wire format. */
static uint8_t *put_magic(uint8_t *out, uint32_t schema_id)
{
    uint32_t id = __builtin_bswap32(schema_id);
    *out++ = 0;
    memcpy(out, &id, sizeof(id));
    return out + sizeof(id);
}

/* ---- keys ---- */

bool encoder_write_key(struct encoder *encoder, const struct tuple *row, struct byte_buffer *out,
                       struct encoder_notes *notes, struct error *err)
{
    if (!check_row(encoder, row, err))
        return false;
    uint8_t *start = byte_buffer_reserve(out, MAGIC_SIZE + row_room(encoder, row));
    if (!start)
        return refuse(encoder, "the key is too long", err);
    struct writing writing = {
        .encoder = encoder, .notes = notes, .part = EVENT_KEY, .is_full = true};
    writing.out = put_magic(start, encoder->key_id);
    for (int i = 0; i < encoder->key_count; i++) {
        uint16_t index = encoder->key_columns[i];
        const struct value *value = &row->values[index];
        if (value->kind == VALUE_NULL)
            write_null(&writing, index);
        else if (value->kind == VALUE_TEXT)
            write_value(&writing, index, value);
        else
            return error_set(err, ERROR_DATA, "table %s.%s: column %s of the key has no value",
                             encoder->table->schema, encoder->table->name,
                             encoder->table->columns[index].name);
    }
    if (!writing.is_full)
        return refuse(encoder, "too many inexact values", err);
    out->size += (size_t)(writing.out - start);
    return true;
}

/* ---- envelopes ---- */

bool encoder_write_value(struct encoder *encoder, const struct event *event,
                         const struct tuple *old_row, bool is_old_full, const struct tuple *new_row,
                         struct byte_buffer *out, struct encoder_notes *notes, struct error *err)
{
    if (!check_row(encoder, old_row, err) || !check_row(encoder, new_row, err))
        return false;
    /* A value that wasn't sent is written from the old row: so much more again. */
    size_t room = 2 * row_room(encoder, old_row) + row_room(encoder, new_row);
    uint8_t *start =
        byte_buffer_reserve(out, MAGIC_SIZE + room + event_block_room(encoder->block, event));
    if (!start)
        return refuse(encoder, "the row is too long", err);
    struct writing writing = {
        .encoder = encoder, .notes = notes, .part = EVENT_BEFORE, .is_full = true};
    writing.out = put_magic(start, encoder->value_id);
    *writing.out++ = old_row ? 1 << 1 : 0;
    if (old_row && is_old_full)
        write_row(&writing, old_row, NULL, false);
    else if (old_row)
        write_old_key(&writing, old_row);
    writing.part = EVENT_AFTER;
    *writing.out++ = new_row ? 1 << 1 : 0;
    if (new_row)
        write_row(&writing, new_row, old_row, is_old_full);
    uint8_t *end = event_block_put(encoder->block, event, writing.out);
    if (!writing.is_full)
        return refuse(encoder, "a value is not text, or too many are inexact", err);
    out->size += (size_t)(end - start);
    return true;
}
