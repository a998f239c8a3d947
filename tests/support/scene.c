/* SPDX-License-Identifier: Apache-2.0 */
/* From short texts to tuples, changes and batches, and back. */
#include "tests/support/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/wire.h"

enum { MOST_COLUMNS = 64 };

static void require(bool is_met)
{
    if (!is_met)
        abort();
}

static struct value value_of(struct arena *arena, const char *text, size_t size)
{
    if (size == 1 && *text == '-')
        return (struct value){.kind = VALUE_NULL};
    if (size == 1 && *text == '?')
        return (struct value){.kind = VALUE_UNCHANGED};
    char *copy = (char *)arena_allocate_bytes(arena, size + 1);
    memcpy(copy, text, size);
    copy[size] = '\0';
    return (struct value){
        .kind = VALUE_TEXT, .size = (uint32_t)size, .data = (const uint8_t *)copy};
}

struct tuple scene_tuple(struct arena *arena, const char *text)
{
    struct tuple tuple = {.values = arena_allocate(arena, MOST_COLUMNS * sizeof(*tuple.values))};
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, ",");
        require(tuple.count < MOST_COLUMNS);
        tuple.values[tuple.count++] = value_of(arena, at, size);
        at += size;
        if (!*at)
            return tuple;
    }
}

const char *scene_text(const struct tuple *tuple, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < tuple->count; i++) {
        const struct value *value = &tuple->values[i];
        const char *text = value->kind == VALUE_NULL        ? "-"
                           : value->kind == VALUE_UNCHANGED ? "?"
                                                            : (const char *)value->data;
        int length = value->kind == VALUE_TEXT ? (int)value->size : 1;
        int added = snprintf(out + used, size - used, "%s%.*s", i > 0 ? "," : "", length, text);
        require(added >= 0 && (size_t)added < size - used);
        used += (size_t)added;
    }
    return out;
}

const char *scene_text_of(struct bytes written, char *out, size_t size)
{
    struct value values[TABLE_MAX_COLUMNS];
    struct tuple tuple;
    const uint8_t *at = written.data;
    require(tuple_read(&at, at + written.size, values, &tuple));
    return scene_text(&tuple, out, size);
}

struct bytes scene_change(struct arena *arena, enum change_kind kind, const char *old,
                          const char *row)
{
    struct change change = {.kind = kind};
    if (old) {
        change.old_kind = (enum old_tuple_kind) * old;
        change.old_tuple = scene_tuple(arena, old + 1);
    }
    if (row)
        change.new_tuple = scene_tuple(arena, row);
    size_t size = wire_size(&change);
    uint8_t *out = arena_allocate_bytes(arena, size);
    require(wire_write(out, &change) == out + size);
    return (struct bytes){out, size};
}

struct table *scene_shape(struct arena *arena, uint32_t oid, const char *name, uint16_t columns,
                          uint16_t key_count)
{
    struct table *table = arena_allocate(arena, sizeof(*table));
    *table = (struct table){.relation_oid = oid,
                            .schema = "public",
                            .name = arena_copy_string(arena, name),
                            .replica_identity =
                                key_count ? REPLICA_IDENTITY_DEFAULT : REPLICA_IDENTITY_FULL,
                            .column_count = columns};
    table->columns = arena_allocate(arena, columns * sizeof(*table->columns));
    for (uint16_t i = 0; i < columns; i++) {
        char column[16];
        snprintf(column, sizeof(column), "c%d", i + 1);
        table->columns[i] =
            (struct column){.name = arena_copy_string(arena, column),
                            .type_oid = 25,
                            .type_modifier = -1,
                            .is_key = key_count == 0 || i < key_count,
                            .primary_key_position = (uint16_t)(i < key_count ? i + 1 : 0),
                            .type_sql = "text"};
    }
    return table;
}

/* ---- a batch ---- */

void scene_open(struct scene *scene)
{
    *scene = (struct scene){.arena = arena_new(64 * 1024), .batch = batch_new(), .lsn = 0x100};
}

void scene_close(struct scene *scene)
{
    batch_free(scene->batch);
    for (size_t i = 0; i < scene->table_count; i++)
        shape_release(scene->shapes[i]);
    arena_free(scene->arena);
}

void scene_clear(struct scene *scene)
{
    batch_clear(scene->batch);
}

static enum key_form form_of(char letter)
{
    switch (letter) {
    case 'n':
        return KEY_FORM_NUMERIC;
    case 'f':
        return KEY_FORM_FLOAT;
    case 'u':
        return KEY_FORM_UNKNOWN;
    default:
        return KEY_FORM_BYTES;
    }
}

size_t scene_add_table(struct scene *scene, const char *name, uint16_t columns, const char *forms)
{
    size_t at = scene->table_count++;
    uint16_t key_count = (uint16_t)strlen(forms);
    struct error err;
    SCOPED_BUFFER body;
    require(at < SCENE_TABLES);
    byte_buffer_init(&body, SIZE_MAX);
    table_write(&body, scene_shape(scene->arena, (uint32_t)(1000 + at), name, columns, key_count));
    scene->shapes[at] = shape_new((uint32_t)at + 1, (struct bytes){body.data, body.size}, &err);
    require(scene->shapes[at] != NULL);
    struct target_table *target = &scene->targets[at];
    *target = (struct target_table){.shape = scene->shapes[at]->table,
                                    .display_name = scene->shapes[at]->table->name,
                                    .key_count = key_count,
                                    .is_compactable = key_count > 0};
    target->keys = arena_allocate(scene->arena, (key_count + 1u) * sizeof(*target->keys));
    for (uint16_t i = 0; i < key_count; i++) {
        target->keys[i] = (struct key_column){.column = i, .form = form_of(forms[i])};
        target->is_compactable &= target->keys[i].form != KEY_FORM_UNKNOWN;
    }
    scene->shapes[at]->target = target;
    return at;
}

static struct message message_at(const struct scene *scene, enum message_kind kind,
                                 struct bytes body)
{
    return (struct message){
        .kind = kind,
        .position = {.epoch = 1, .commit_lsn = scene->lsn, .ordinal = scene->ordinal},
        .body = body};
}

static void add_change(struct scene *scene, size_t table, struct bytes wire)
{
    struct error err;
    struct message message = message_at(scene, MESSAGE_CHANGE, wire);
    require(batch_add_change(scene->batch, scene->shapes[table], &message, &err));
}

void scene_insert(struct scene *scene, size_t table, const char *row)
{
    scene->ordinal++;
    add_change(scene, table, scene_change(scene->arena, CHANGE_INSERT, NULL, row));
}

void scene_update(struct scene *scene, size_t table, const char *old, const char *row)
{
    scene->ordinal++;
    add_change(scene, table, scene_change(scene->arena, CHANGE_UPDATE, old, row));
}

void scene_delete(struct scene *scene, size_t table, const char *old)
{
    scene->ordinal++;
    add_change(scene, table, scene_change(scene->arena, CHANGE_DELETE, old, NULL));
}

void scene_truncate(struct scene *scene, size_t table)
{
    add_change(scene, table, scene_change(scene->arena, CHANGE_TRUNCATE, NULL, NULL));
}

void scene_copy(struct scene *scene, size_t table, const char *lines, uint32_t row_count)
{
    struct change change = {.kind = CHANGE_COPY,
                            .copy_row_count = row_count,
                            .copy_rows = {(const uint8_t *)lines, strlen(lines)}};
    size_t size = wire_size(&change);
    uint8_t *out = arena_allocate_bytes(scene->arena, size);
    require(wire_write(out, &change) == out + size);
    scene->ordinal++;
    add_change(scene, table, (struct bytes){out, size});
}

void scene_end_counting(struct scene *scene, uint64_t count)
{
    struct error err;
    struct unit_end end = {.end_lsn = scene->lsn + 8, .count = count, .xid = (uint32_t)scene->lsn};
    scene->ordinal++;
    struct message message =
        message_at(scene, MESSAGE_END, (struct bytes){(const uint8_t *)&end, sizeof(end)});
    require(batch_add_end(scene->batch, &message, &err));
    scene->lsn += 0x10;
    scene->ordinal = 0;
}

void scene_end(struct scene *scene)
{
    const struct batch *batch = scene->batch;
    require(batch->is_unit_open);
    scene_end_counting(scene,
                       batch->change_count - batch->units[batch->unit_count - 1].first_change);
}

void scene_watermark(struct scene *scene, pg_lsn lsn)
{
    struct error err;
    struct watermark watermark = {.lsn = lsn};
    struct message message = message_at(
        scene, MESSAGE_WATERMARK, (struct bytes){(const uint8_t *)&watermark, sizeof(watermark)});
    require(batch_add_watermark(scene->batch, &message, &err));
}

void scene_state(struct scene *scene, const struct recorded *recorded, uint64_t state_count)
{
    struct error err;
    SCOPED_BUFFER body;
    byte_buffer_init(&body, SIZE_MAX);
    recorded_write(&body, recorded);
    struct message message = message_at(scene, MESSAGE_STATE, (struct bytes){body.data, body.size});
    require(batch_add_state(scene->batch, &message, &err));
    scene->batch->state_count = state_count;
}
