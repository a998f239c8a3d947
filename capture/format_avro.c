/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka's format: each change as Debezium's events, with what Avro can't say in the header. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/memory.h"
#include "capture/copy_line.h"
#include "capture/format.h"
#include "schema/avro_schema.h"
#include "schema/debezium.h"
#include "transport/header.h"
#include "transport/kafka.h"

enum { MAX_EVENT_BYTES = 1 << 30, MAX_SCHEMA_BYTES = 16 * 1024 * 1024 };

/* A table's shape, ready to be written. */
struct avro_table {
    struct encoder *encoder; /* NULL until its schemas are registered */
    uint32_t topic;
    uint64_t hash;
    char topic_name[KAFKA_TOPIC_SIZE];
    bool has_key;
    bool is_recorded; /* the shape is in the offsets topic, or on its way there */
    uint32_t key_id;
    uint32_t value_id;
    char fingerprint[65];
    struct byte_buffer bytes; /* schema/table's */
};

struct format_avro {
    struct change_format base;
    const struct format_avro_options *options;
    struct topic_writer *topics;
    struct avro_table **tables; /* by shape id */
    size_t table_count;
    struct byte_buffer key;
    struct byte_buffer old_key;
    struct byte_buffer value;
    struct byte_buffer sections;
    struct byte_buffer line; /* of the copy */
    struct encoder_notes notes;
    struct value line_values[TABLE_MAX_COLUMNS];
    struct value key_values[TABLE_MAX_COLUMNS];
    pg_lsn commit_lsn; /* of the transaction that is being written */
    pg_lsn last_commit_lsn;
};

/* One change on its way. */
struct writing {
    struct format_avro *format;
    struct avro_table *table;
    const struct table *shape;
    struct event event;
    struct position position; /* of the next message */
    uint8_t flags;
};

/* ---- tables ---- */

static void free_table(struct avro_table *table)
{
    if (!table)
        return;
    encoder_free(table->encoder);
    byte_buffer_release(&table->bytes);
    free(table);
}

static struct avro_table *table_of(struct format_avro *format, uint32_t shape_id)
{
    if (shape_id >= format->table_count) {
        size_t count = shape_id + 64;
        format->tables = memory_resize(format->tables, count, sizeof(struct avro_table *));
        memset(format->tables + format->table_count, 0,
               (count - format->table_count) * sizeof(struct avro_table *));
        format->table_count = count;
    }
    if (!format->tables[shape_id])
        format->tables[shape_id] = memory_new(sizeof(struct avro_table));
    return format->tables[shape_id];
}

static bool register_schema(struct format_avro *format, const struct avro_table *table,
                            const char *suffix, struct bytes schema, uint32_t *id,
                            struct error *err)
{
    char subject[KAFKA_TOPIC_SIZE + 8];
    snprintf(subject, sizeof(subject), "%s%s", table->topic_name, suffix);
    return format->options->registry->ops->id(format->options->registry, subject, schema, id, err);
}

static bool register_schemas(struct format_avro *format, struct avro_table *table,
                             const struct table *shape, struct error *err)
{
    SCOPED_BUFFER schema;
    byte_buffer_init(&schema, MAX_SCHEMA_BYTES);
    table->has_key = debezium_has_key(shape);
    if (table->has_key) {
        if (!debezium_write_key_schema(&schema, shape, table->topic_name, err) ||
            !register_schema(format, table, "-key", (struct bytes){schema.data, schema.size},
                             &table->key_id, err))
            return false;
        byte_buffer_clear(&schema);
    }
    if (!debezium_write_value_schema(&schema, shape, table->topic_name, err))
        return false;
    struct bytes text = {schema.data, schema.size};
    return register_schema(format, table, "-value", text, &table->value_id, err) &&
           avro_schema_fingerprint(text, table->fingerprint, err);
}

/* Makes ready what the first change of a shape needs. */
static bool prepare(struct format_avro *format, struct avro_table *table, const struct table *shape,
                    struct error *err)
{
    if (!kafka_topic_name(format->options->prefix, shape->schema, shape->name, table->topic_name,
                          err) ||
        !format->topics->ops->open_topic(format->topics, table->topic_name, &table->topic, err) ||
        !register_schemas(format, table, shape, err))
        return false;
    byte_buffer_init(&table->bytes, MAX_SCHEMA_BYTES);
    table_write(&table->bytes, shape);
    table->hash = XXH3_64bits(table->bytes.data, table->bytes.size);
    struct encoder_options options = {.source = &format->options->source,
                                      .topic = table->topic_name,
                                      .key_id = table->key_id,
                                      .value_id = table->value_id};
    table->encoder = encoder_new(shape, &options, err);
    return table->encoder != NULL;
}

static struct topic_shape shape_record(const struct avro_table *table)
{
    return (struct topic_shape){.hash = table->hash,
                                .topic = table->topic_name,
                                .key_id = table->key_id,
                                .value_id = table->value_id,
                                .fingerprint = table->fingerprint,
                                .table = {table->bytes.data, table->bytes.size}};
}

static bool record_shape(struct format_avro *format, struct avro_table *table, struct error *err)
{
    struct topic_shape shape = shape_record(table);
    if (table->is_recorded)
        return true;
    table->is_recorded = format->topics->ops->write_shape(format->topics, &shape, err);
    return table->is_recorded;
}

/* ---- one message ---- */

static void write_sections(struct writing *writing, struct bytes old_key)
{
    struct format_avro *format = writing->format;
    const struct encoder_notes *notes = &format->notes;
    struct byte_buffer *out = &format->sections;
    byte_buffer_clear(out);
    if (notes->unchanged_count > 0) {
        writing->flags |= HEADER_UNCHANGED;
        header_write_unchanged(out, notes->unchanged, notes->unchanged_count);
    }
    if (old_key.data) {
        writing->flags |= HEADER_OLD_KEY;
        header_write_old_key(out, old_key);
    }
    if (notes->exact_count > 0) {
        writing->flags |= HEADER_EXACT;
        header_write_exact_count(out, notes->exact_count);
        for (uint16_t i = 0; i < notes->exact_count; i++)
            header_write_exact(out, (enum header_part)notes->exact[i].part, notes->exact[i].column,
                               notes->exact[i].text);
    }
    if (writing->event.origin) {
        writing->flags |= HEADER_ORIGIN;
        header_write_origin(out, writing->event.origin);
    }
}

static bool send(struct writing *writing, struct bytes key, struct bytes value, struct error *err)
{
    struct format_avro *format = writing->format;
    bool to_all = writing->event.op == EVENT_TRUNCATE;
    struct topic_row row = {.topic = writing->table->topic,
                            .position = writing->position,
                            .flags = writing->flags,
                            .shape = value.data ? writing->table->hash : 0,
                            .key = key,
                            .value = value,
                            .sections = {format->sections.data, format->sections.size},
                            .to_all_partitions = to_all};
    writing->position.step +=
        to_all ? format->topics->ops->partitions(format->topics, row.topic) : 1;
    return format->topics->ops->write_row(format->topics, &row, err);
}

/* The key of a row in `out`; columns that the new row doesn't hold are taken from the old one. */
static bool write_key(struct writing *writing, const struct tuple *row, const struct tuple *old_row,
                      struct byte_buffer *out, struct error *err)
{
    struct format_avro *format = writing->format;
    struct tuple merged = {.count = row->count, .values = format->key_values};
    byte_buffer_clear(out);
    if (!writing->table->has_key)
        return true;
    for (uint16_t i = 0; i < row->count; i++) {
        bool is_old = row->values[i].kind == VALUE_UNCHANGED && old_row;
        merged.values[i] = is_old ? old_row->values[i] : row->values[i];
    }
    return encoder_write_key(writing->table->encoder, &merged, out, &format->notes, err);
}

static struct bytes view(const struct byte_buffer *buffer)
{
    return (struct bytes){buffer->size > 0 ? buffer->data : NULL, buffer->size};
}

static bool write_event(struct writing *writing, enum event_op op, const struct change *change,
                        bool has_old, bool has_new, struct bytes key, struct bytes old_key,
                        struct error *err)
{
    struct format_avro *format = writing->format;
    bool is_full = change->old_kind == OLD_TUPLE_FULL;
    writing->event.op = op;
    byte_buffer_clear(&format->value);
    if (!encoder_write_value(
            writing->table->encoder, &writing->event, has_old ? &change->old_tuple : NULL, is_full,
            has_new ? &change->new_tuple : NULL, &format->value, &format->notes, err))
        return false;
    uint8_t flags = writing->flags;
    if (has_old && is_full)
        writing->flags |= HEADER_FULL_BEFORE;
    if (change->is_restart_identity)
        writing->flags |= HEADER_RESTART_IDENTITY;
    write_sections(writing, old_key);
    bool is_sent = send(writing, key, view(&format->value), err);
    writing->flags = flags;
    return is_sent;
}

static void clear_notes(struct format_avro *format)
{
    format->notes.unchanged_count = 0;
    format->notes.exact_count = 0;
}

static bool write_tombstone(struct writing *writing, struct bytes key, struct error *err)
{
    if (!key.data || !writing->format->options->writes_tombstones)
        return true;
    clear_notes(writing->format);
    write_sections(writing, (struct bytes){0});
    return send(writing, key, (struct bytes){0}, err);
}

/* ---- one change ---- */

static bool write_delete(struct writing *writing, const struct change *change, struct error *err)
{
    struct byte_buffer *key = &writing->format->old_key;
    clear_notes(writing->format);
    return write_key(writing, &change->old_tuple, NULL, key, err) &&
           write_event(writing, EVENT_DELETE, change, true, false, view(key), (struct bytes){0},
                       err) &&
           write_tombstone(writing, view(key), err);
}

static bool write_create(struct writing *writing, enum event_op op, const struct change *change,
                         struct error *err)
{
    struct byte_buffer *key = &writing->format->key;
    clear_notes(writing->format);
    return write_key(writing, &change->new_tuple, NULL, key, err) &&
           write_event(writing, op, change, false, true, view(key), (struct bytes){0}, err);
}

/* The old row gives the values that weren't sent, though it isn't the create's `before`. */
static struct tuple with_old_values(const struct change *change, struct value *values)
{
    struct tuple joined = {.count = change->new_tuple.count, .values = values};
    for (uint16_t i = 0; i < joined.count; i++) {
        const struct value *value = &change->new_tuple.values[i];
        values[i] = value->kind == VALUE_UNCHANGED ? change->old_tuple.values[i] : *value;
    }
    return joined;
}

/* Under another key a row is a delete and a create for Debezium's readers; marked, so that ours make one update of them. */
static bool write_key_change(struct writing *writing, const struct change *change,
                             struct error *err)
{
    struct format_avro *format = writing->format;
    struct change create = *change;
    writing->flags |= HEADER_KEY_CHANGE;
    if (!write_delete(writing, change, err))
        return false;
    clear_notes(format);
    if (change->old_kind == OLD_TUPLE_FULL)
        create.new_tuple = with_old_values(change, format->line_values);
    return write_key(writing, &change->new_tuple, &change->old_tuple, &format->key, err) &&
           write_event(writing, EVENT_CREATE, &create, false, true, view(&format->key),
                       view(&format->old_key), err);
}

/* Whether the notes before `count` say the same as those behind it: keys whose Avro is the same may differ there (NaN and 0). */
static bool are_notes_equal(const struct encoder_notes *notes, uint16_t count)
{
    if (notes->exact_count != 2 * count)
        return false;
    for (uint16_t i = 0; i < count; i++) {
        const struct encoder_note *old_note = &notes->exact[i];
        const struct encoder_note *new_note = &notes->exact[count + i];
        if (old_note->column != new_note->column || !bytes_equal(old_note->text, new_note->text))
            return false;
    }
    return true;
}

static bool write_update(struct writing *writing, const struct change *change, struct error *err)
{
    struct format_avro *format = writing->format;
    bool has_old = change->old_kind != OLD_TUPLE_NONE;
    clear_notes(format);
    if (has_old && writing->table->has_key) {
        if (!write_key(writing, &change->old_tuple, NULL, &format->old_key, err))
            return false;
        uint16_t old_notes = format->notes.exact_count;
        if (!write_key(writing, &change->new_tuple, &change->old_tuple, &format->key, err))
            return false;
        if (!bytes_equal(view(&format->old_key), view(&format->key)) ||
            !are_notes_equal(&format->notes, old_notes))
            return write_key_change(writing, change, err);
        clear_notes(format);
    }
    bool is_full = change->old_kind == OLD_TUPLE_FULL;
    return write_key(writing, &change->new_tuple, has_old ? &change->old_tuple : NULL, &format->key,
                     err) &&
           write_event(writing, EVENT_UPDATE, change, is_full, true, view(&format->key),
                       (struct bytes){0}, err);
}

static bool write_truncate(struct writing *writing, const struct change *change, struct error *err)
{
    clear_notes(writing->format);
    return write_event(writing, EVENT_TRUNCATE, change, false, false, (struct bytes){0},
                       (struct bytes){0}, err);
}

/* Rows of the copy: each an event of its own; the last has the change's position. */
static bool write_copy(struct writing *writing, const struct change *copy, struct error *err)
{
    struct format_avro *format = writing->format;
    struct bytes lines = copy->copy_rows;
    struct topic_shape shape = shape_record(writing->table);
    struct change change = {
        .kind = CHANGE_INSERT,
        .new_tuple = {.count = writing->shape->column_count, .values = format->line_values}};
    if (copy->copy_row_count == 0)
        return format->topics->ops->announce(format->topics, &writing->position, &shape, err);
    writing->position.ordinal -= copy->copy_row_count - 1;
    for (uint32_t i = 0; i < copy->copy_row_count; i++) {
        if (!copy_line_read(&lines, change.new_tuple.count, &format->line, format->line_values))
            return error_stop(err, STOP_PROTOCOL_ERROR, "a row of the copy of %s is malformed",
                              writing->shape->name);
        if (!write_create(writing, EVENT_READ, &change, err))
            return false;
        writing->position.ordinal++;
        writing->position.step = 0;
    }
    return true;
}

static bool write_by_kind(struct writing *writing, const struct change *change, struct error *err)
{
    switch (change->kind) {
    case CHANGE_INSERT:
        return write_create(writing, EVENT_CREATE, change, err);
    case CHANGE_UPDATE:
        return write_update(writing, change, err);
    case CHANGE_DELETE:
        return write_delete(writing, change, err);
    case CHANGE_TRUNCATE:
        return write_truncate(writing, change, err);
    case CHANGE_COPY:
        return write_copy(writing, change, err);
    }
    return error_set(err, ERROR_FATAL, "a change of unknown kind %d", (int)change->kind);
}

static struct event event_around(struct format_avro *format, const struct position *position,
                                 const struct change_context *context)
{
    if (position->commit_lsn != format->commit_lsn) {
        format->last_commit_lsn = format->commit_lsn;
        format->commit_lsn = position->commit_lsn;
    }
    return (struct event){.commit_time_us = context->commit_time_us,
                          .now_us = clock_wall_us(format->options->clock),
                          .last_commit_lsn = format->last_commit_lsn,
                          .lsn = context->lsn,
                          .xid = context->xid,
                          .origin = context->origin};
}

static bool avro_format_write(struct change_format *base, struct relation *relation,
                              struct chain *chain, const struct position *position,
                              const struct change_context *context, const struct change *change,
                              uint32_t *messages, struct error *err)
{
    struct format_avro *format = (struct format_avro *)base;
    struct avro_table *table = table_of(format, relation->shape_id);
    error_clear(err);
    if ((!table->encoder && !prepare(format, table, relation->table, err)) ||
        !record_shape(format, table, err))
        return false;
    struct writing writing = {.format = format,
                              .table = table,
                              .shape = relation->table,
                              .event = event_around(format, position, context),
                              .position = *position};
    if (!write_by_kind(&writing, change, err))
        return false;
    bool is_copy = change->kind == CHANGE_COPY;
    *messages = is_copy ? 1 : writing.position.step - position->step;
    chain->last = *position;
    return true;
}

static void avro_format_free(struct change_format *base)
{
    struct format_avro *format = (struct format_avro *)base;
    if (!format)
        return;
    for (size_t i = 0; i < format->table_count; i++)
        free_table(format->tables[i]);
    free(format->tables);
    byte_buffer_release(&format->key);
    byte_buffer_release(&format->old_key);
    byte_buffer_release(&format->value);
    byte_buffer_release(&format->sections);
    byte_buffer_release(&format->line);
    free(format);
}

/* Tombstones are counted: with or without them the same change takes other places. */
static const struct change_format_ops ops_without_tombstones = {.write = avro_format_write,
                                                                .free = avro_format_free,
                                                                .keeper = "the offsets topic",
                                                                .routing = "kafka1-/",
                                                                .wants_known = true};

static const struct change_format_ops ops = {.write = avro_format_write,
                                             .free = avro_format_free,
                                             .keeper = "the offsets topic",
                                             .routing = "kafka1/",
                                             .wants_known = true};

struct change_format *format_avro_new(const struct format_avro_options *options,
                                      struct topic_writer *topics)
{
    struct format_avro *format = memory_new(sizeof(*format));
    format->base.ops = options->writes_tombstones ? &ops : &ops_without_tombstones;
    format->options = options;
    format->topics = topics;
    byte_buffer_init(&format->key, MAX_EVENT_BYTES);
    byte_buffer_init(&format->old_key, MAX_EVENT_BYTES);
    byte_buffer_init(&format->value, MAX_EVENT_BYTES);
    byte_buffer_init(&format->sections, MAX_EVENT_BYTES);
    byte_buffer_init(&format->line, MAX_EVENT_BYTES);
    return &format->base;
}
