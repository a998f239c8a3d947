/* SPDX-License-Identifier: Apache-2.0 */
/* Changes as bytes: a head, then tuples of {kind, size, bytes, NUL}. */
#include "schema/wire.h"

#include <string.h>

/* kind, old_kind, is_restart_identity, 0, copy_row_count. */
enum { HEAD_SIZE = 8 };

/* Of a value: its kind, its size, and a NUL behind its bytes, because libpq takes text parameters as C strings. */
enum { VALUE_EXTRA_SIZE = 6 };

static bool has_new_tuple(const struct change *change)
{
    return change->kind == CHANGE_INSERT || change->kind == CHANGE_UPDATE;
}

static bool value_has_bytes(const struct value *value)
{
    return value->kind == VALUE_TEXT || value->kind == VALUE_BINARY;
}

size_t tuple_size(const struct tuple *tuple)
{
    size_t size = sizeof(uint16_t);
    for (int i = 0; i < tuple->count; i++)
        size += value_has_bytes(&tuple->values[i]) ? VALUE_EXTRA_SIZE + tuple->values[i].size : 1;
    return size;
}

uint8_t *tuple_write(uint8_t *out, const struct tuple *tuple)
{
    memcpy(out, &tuple->count, sizeof(tuple->count));
    out += sizeof(tuple->count);
    for (int i = 0; i < tuple->count; i++) {
        const struct value *value = &tuple->values[i];
        *out++ = (uint8_t)value->kind;
        if (!value_has_bytes(value))
            continue;
        memcpy(out, &value->size, sizeof(value->size));
        memcpy(out + sizeof(value->size), value->data, value->size);
        out += sizeof(value->size) + value->size;
        *out++ = '\0';
    }
    return out;
}

static bool value_read(const uint8_t **at, const uint8_t *end, struct value *value)
{
    const uint8_t *p = *at;
    if (p >= end)
        return false;
    *value = (struct value){.kind = (enum value_kind) * p++};
    if (value_has_bytes(value)) {
        if ((size_t)(end - p) < sizeof(value->size))
            return false;
        memcpy(&value->size, p, sizeof(value->size));
        p += sizeof(value->size);
        if ((size_t)(end - p) <= value->size || p[value->size] != '\0')
            return false;
        value->data = p;
        p += value->size + 1;
    }
    *at = p;
    return true;
}

bool tuple_read(const uint8_t **at, const uint8_t *end, struct value *values, struct tuple *tuple)
{
    uint16_t count = 0;
    if ((size_t)(end - *at) < sizeof(count))
        return false;
    memcpy(&count, *at, sizeof(count));
    *at += sizeof(count);
    if (count > TABLE_MAX_COLUMNS)
        return false;
    for (int i = 0; i < count; i++)
        if (!value_read(at, end, &values[i]))
            return false;
    *tuple = (struct tuple){.count = count, .values = values};
    return true;
}

bool tuple_skip(const uint8_t **at, const uint8_t *end)
{
    struct value value;
    uint16_t count = 0;
    if ((size_t)(end - *at) < sizeof(count))
        return false;
    memcpy(&count, *at, sizeof(count));
    *at += sizeof(count);
    for (int i = 0; i < count; i++)
        if (!value_read(at, end, &value))
            return false;
    return true;
}

bool wire_find_tuples(struct bytes bytes, struct bytes *old_tuple, struct bytes *new_tuple)
{
    if (bytes.size < HEAD_SIZE)
        return false;
    const uint8_t *start = bytes.data + HEAD_SIZE;
    const uint8_t *end = bytes.data + bytes.size;
    const uint8_t *at = start;
    if (bytes.data[1] != OLD_TUPLE_NONE && !tuple_skip(&at, end))
        return false;
    *old_tuple = (struct bytes){start, (size_t)(at - start)};
    *new_tuple = (struct bytes){at, (size_t)(end - at)};
    return true;
}

size_t wire_size(const struct change *change)
{
    size_t size = HEAD_SIZE + change->copy_rows.size;
    if (change->old_kind != OLD_TUPLE_NONE)
        size += tuple_size(&change->old_tuple);
    if (has_new_tuple(change))
        size += tuple_size(&change->new_tuple);
    return size;
}

uint8_t *wire_write(uint8_t *out, const struct change *change)
{
    *out++ = (uint8_t)change->kind;
    *out++ = (uint8_t)change->old_kind;
    *out++ = change->is_restart_identity;
    *out++ = 0;
    memcpy(out, &change->copy_row_count, sizeof(change->copy_row_count));
    out += sizeof(change->copy_row_count);
    if (change->old_kind != OLD_TUPLE_NONE)
        out = tuple_write(out, &change->old_tuple);
    if (has_new_tuple(change))
        out = tuple_write(out, &change->new_tuple);
    if (change->copy_rows.size > 0)
        memcpy(out, change->copy_rows.data, change->copy_rows.size);
    return out + change->copy_rows.size;
}

bool wire_read(struct bytes bytes, struct change_values *values, struct change *change)
{
    if (bytes.size < HEAD_SIZE)
        return false;
    const uint8_t *at = bytes.data;
    const uint8_t *end = bytes.data + bytes.size;
    *change = (struct change){.kind = (enum change_kind)at[0],
                              .old_kind = (enum old_tuple_kind)at[1],
                              .is_restart_identity = at[2] != 0};
    memcpy(&change->copy_row_count, at + 4, sizeof(change->copy_row_count));
    at += HEAD_SIZE;
    if (change->old_kind != OLD_TUPLE_NONE &&
        !tuple_read(&at, end, values->old_values, &change->old_tuple))
        return false;
    if (has_new_tuple(change) && !tuple_read(&at, end, values->new_values, &change->new_tuple))
        return false;
    if (change->kind != CHANGE_COPY)
        return at == end;
    change->copy_rows = (struct bytes){at, (size_t)(end - at)};
    return true;
}
