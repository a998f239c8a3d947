/* SPDX-License-Identifier: Apache-2.0 */
/* Records to changes: shapes out of the offsets topic, schemas out of the registry, events out of Avro. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/wire.h"
#include "sink/units_internal.h"

/* One schema that events of a shape were written with. */
struct unit_decoder {
    uint32_t schema_id;
    struct arena *arena; /* of the schema */
    struct decoder *decoder;
};

enum { WIRE_HEAD_SIZE = 5 }; /* a 0 and the schema's id */

/* ---- shapes ---- */

void unit_shape_free(struct unit_shape *shape)
{
    for (size_t i = 0; i < shape->decoder_count; i++) {
        decoder_free(shape->decoders[i].decoder);
        arena_free(shape->decoders[i].arena);
    }
    free(shape->decoders);
    arena_free(shape->arena);
    free(shape);
}

static struct unit_shape *add_shape(struct units *units, const struct topic_shape *recorded,
                                    struct error *err)
{
    struct unit_shape *shape = memory_new(sizeof(*shape));
    struct byte_reader reader;
    shape->arena = arena_new(4096);
    shape->hash = recorded->hash;
    shape->value_id = recorded->value_id;
    shape->table_bytes = arena_copy(shape->arena, recorded->table);
    snprintf(shape->fingerprint, sizeof(shape->fingerprint), "%s", recorded->fingerprint);
    reader = byte_reader_over(shape->table_bytes);
    shape->table = table_read(&reader, shape->arena);
    if (!shape->table) {
        unit_shape_free(shape);
        error_set(err, ERROR_DATA, "the offsets topic has a shape that is malformed");
        return NULL;
    }
    units->shapes =
        memory_resize(units->shapes, units->shape_count + 1, sizeof(struct unit_shape *));
    units->shapes[units->shape_count++] = shape;
    shape->id = (uint32_t)units->shape_count;
    return shape;
}

struct unit_shape *unit_shape(struct units *units, uint64_t hash, struct error *err)
{
    struct topic_shape recorded;
    if (units->last_shape && units->last_shape->hash == hash)
        return units->last_shape;
    for (size_t i = units->shape_count; i-- > 0;)
        if (units->shapes[i]->hash == hash)
            return units->last_shape = units->shapes[i];
    if (hash == 0) {
        error_set(err, ERROR_DATA, "an event without a shape");
        return NULL;
    }
    if (!units->topics->ops->shape(units->topics, hash, NULL, &recorded, err))
        return NULL;
    if (recorded.hash == 0) {
        error_set(err, ERROR_DATA, "its shape %016" PRIx64 " isn't in the offsets topic", hash);
        return NULL;
    }
    return units->last_shape = add_shape(units, &recorded, err);
}

bool unit_is_wanted(struct units *units, struct unit_topic *topic, bool *is_wanted,
                    struct error *err)
{
    struct topic_shape recorded;
    if (topic->wanted == WANTED_UNKNOWN) {
        if (!units->topics->ops->shape(units->topics, 0, topic->name, &recorded, err))
            return false;
        if (recorded.hash == 0)
            return error_set(err, ERROR_DATA, "topic %s has no shape in the offsets topic",
                             topic->name);
        struct unit_shape *shape = unit_shape(units, recorded.hash, err);
        if (!shape)
            return false;
        bool takes = units->options->is_wanted(units->options->is_wanted_context,
                                               shape->table->schema, shape->table->name);
        topic->wanted = takes ? WANTED_YES : WANTED_NO;
    }
    *is_wanted = topic->wanted == WANTED_YES;
    return true;
}

/* ---- schemas ---- */

/* The registry may have been restored from an old backup, and give the id to another schema. */
static bool check_fingerprint(const struct unit_shape *shape, uint32_t id, struct bytes text,
                              struct error *err)
{
    char fingerprint[65];
    if (id != shape->value_id)
        return true;
    if (!avro_schema_fingerprint(text, fingerprint, err))
        return false;
    if (strcmp(fingerprint, shape->fingerprint) == 0)
        return true;
    error_stop(err, STOP_SCHEMA_CHANGED,
               "the registry has another schema under id %" PRIu32 " than %s.%s was written with",
               id, shape->table->schema, shape->table->name);
    return error_remedy(err, "restore the registry to what it was; see docs/stops.md, "
                             "SCHEMA_CHANGED");
}

static struct decoder *add_decoder(struct units *units, struct unit_shape *shape, uint32_t id,
                                   struct error *err)
{
    struct bytes text;
    if (!units->registry->ops->schema(units->registry, id, &text, err) ||
        !check_fingerprint(shape, id, text, err))
        return NULL;
    struct unit_decoder added = {.schema_id = id, .arena = arena_new(4096)};
    const struct avro_schema *schema = avro_schema_parse(text, added.arena, err);
    added.decoder = schema ? decoder_new(schema, shape->table, err) : NULL;
    if (!added.decoder) {
        arena_free(added.arena);
        error_add(err, "schema %" PRIu32, id);
        return NULL;
    }
    shape->decoders =
        memory_resize(shape->decoders, shape->decoder_count + 1, sizeof(*shape->decoders));
    shape->decoders[shape->decoder_count++] = added;
    return added.decoder;
}

static struct decoder *find_decoder(struct units *units, struct unit_shape *shape,
                                    struct bytes value, struct error *err)
{
    struct byte_reader head = byte_reader_over(value);
    uint8_t magic = read_u8(&head);
    uint32_t id = read_u32(&head);
    if (head.overrun || magic != 0) {
        error_set(err, ERROR_DATA, "its value isn't in Confluent's wire format");
        return NULL;
    }
    for (size_t i = shape->decoder_count; i-- > 0;)
        if (shape->decoders[i].schema_id == id)
            return shape->decoders[i].decoder;
    return add_decoder(units, shape, id, err);
}

/* ---- what the header adds ---- */

static bool set_exact(struct header_sections *sections, struct change *change, struct error *err)
{
    struct exact_value exact;
    while (header_next_exact(&sections->exact, &exact)) {
        struct tuple *tuple = exact.part == HEADER_AFTER ? &change->new_tuple : &change->old_tuple;
        if (exact.part == HEADER_KEY)
            continue; /* the row itself has it as well */
        if (exact.column >= tuple->count)
            return error_set(err, ERROR_DATA, "its header names a column that it doesn't have");
        tuple->values[exact.column] =
            (struct value){.kind = exact.text.data ? VALUE_TEXT : VALUE_NULL,
                           .data = exact.text.data,
                           .size = (uint32_t)exact.text.size};
    }
    return true;
}

static bool set_unchanged(const struct header_sections *sections, struct change *change,
                          struct error *err)
{
    struct byte_reader columns = byte_reader_over(sections->unchanged);
    while (byte_reader_left(&columns) > 0) {
        uint16_t column = read_u16(&columns);
        if (column >= change->new_tuple.count)
            return error_set(err, ERROR_DATA, "its header names a column that it doesn't have");
        change->new_tuple.values[column] = (struct value){.kind = VALUE_UNCHANGED};
    }
    return true;
}

/* ---- key changes ---- */

/* The delete of a key change: its old row waits for the create, which comes next in the order of positions. */
static bool keep_old_row(struct units *units, const struct change *change, struct error *err)
{
    byte_buffer_clear(&units->key_change);
    size_t size = tuple_size(&change->old_tuple);
    uint8_t *out = byte_buffer_reserve(&units->key_change, size);
    if (!out || change->old_kind == OLD_TUPLE_NONE)
        return error_set(err, ERROR_DATA, "a key change without its old row");
    tuple_write(out, &change->old_tuple);
    units->key_change.size += size;
    units->key_change_kind = change->old_kind;
    return true;
}

/* The create of a key change: together with the old row it is the update that the source did. */
static bool join_key_change(struct units *units, struct change *change, struct error *err)
{
    const uint8_t *at = units->key_change.data;
    const uint8_t *end = at + units->key_change.size;
    if (units->key_change_kind == OLD_TUPLE_NONE ||
        !tuple_read(&at, end, units->values->old_values, &change->old_tuple))
        return error_set(err, ERROR_DATA, "a key change's create without its delete");
    change->kind = CHANGE_UPDATE;
    change->old_kind = units->key_change_kind;
    units->key_change_kind = OLD_TUPLE_NONE;
    return true;
}

/* ---- messages ---- */

void unit_give_shape(struct units *units, struct unit_shape *shape)
{
    if (shape->is_sent)
        return;
    shape->is_sent = true;
    write_bytes(unit_body(units), shape->table_bytes.data, shape->table_bytes.size);
    unit_give(units, MESSAGE_SHAPE, shape->id, NULL);
}

void unit_give_change(struct units *units, const struct unit_shape *shape,
                      const struct change *change, const struct position *position)
{
    struct byte_buffer *body = unit_body(units);
    size_t size = wire_size(change);
    uint8_t *out = byte_buffer_reserve(body, size);
    if (out) {
        wire_write(out, change);
        body->size += size;
    }
    units->unit_changes++;
    unit_give(units, MESSAGE_CHANGE, shape->id, position);
}

/* Each partition of a table has a copy of a TRUNCATE: the first one counts. */
static bool is_repeated_truncate(struct units *units, const struct unit_shape *shape,
                                 const struct position *position)
{
    struct position at = *position;
    at.step = 0;
    bool is_repeated =
        position_compare(&at, &units->truncated) == 0 && units->truncated_shape == shape->hash;
    units->truncated = at;
    units->truncated_shape = shape->hash;
    return is_repeated;
}

static bool give_change(struct units *units, struct unit_shape *shape, const struct header *header,
                        struct change *change, struct error *err)
{
    bool is_key_change = (header->flags & HEADER_KEY_CHANGE) != 0;
    if (is_key_change && change->kind == CHANGE_DELETE)
        return keep_old_row(units, change, err);
    if (is_key_change && !join_key_change(units, change, err))
        return false;
    change->is_restart_identity = (header->flags & HEADER_RESTART_IDENTITY) != 0;
    if (change->kind == CHANGE_TRUNCATE && is_repeated_truncate(units, shape, &header->position))
        return true;
    unit_give_shape(units, shape);
    unit_give_change(units, shape, change, &header->position);
    return true;
}

bool unit_give_record(struct units *units, const struct topic_record *record, struct error *err)
{
    const struct header *header = &record->header;
    struct header_sections sections;
    struct decoded_event event;
    struct change change = {0};
    if (!record->value.data)
        return true; /* a tombstone: for others */
    struct unit_shape *shape = unit_shape(units, header->shape, err);
    struct decoder *decoder = shape ? find_decoder(units, shape, record->value, err) : NULL;
    if (!decoder)
        return false;
    struct bytes body = {record->value.data + WIRE_HEAD_SIZE, record->value.size - WIRE_HEAD_SIZE};
    header_sections(header, &sections);
    return decoder_read(decoder, body, (header->flags & HEADER_FULL_BEFORE) != 0, &units->texts,
                        units->values, &change, &event, err) &&
           set_exact(&sections, &change, err) && set_unchanged(&sections, &change, err) &&
           give_change(units, shape, header, &change, err);
}

/* ---- tables without rows ---- */

void unit_announce(struct units *units)
{
    units->announced =
        memory_resize(units->announced, units->announced_count + 1, sizeof(*units->announced));
    units->announced[units->announced_count++] =
        (struct unit_announced){.shape = units->entry.shape, .position = units->entry.position};
}

bool unit_give_announced(struct units *units, struct error *err)
{
    struct unit_announced announced = units->announced[0];
    struct unit_shape *shape = unit_shape(units, announced.shape, err);
    if (!shape)
        return false;
    units->announced_count--;
    memmove(units->announced, units->announced + 1,
            units->announced_count * sizeof(*units->announced));
    if (!units->options->is_wanted(units->options->is_wanted_context, shape->table->schema,
                                   shape->table->name))
        return true;
    struct change change = {.kind = CHANGE_COPY};
    unit_give_shape(units, shape);
    unit_give_change(units, shape, &change, &announced.position);
    return true;
}
