/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering changes. */
#include "sink/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/wire.h"

enum { ARENA_BLOCK_BYTES = 256 * 1024, SHAPE_BLOCK_BYTES = 4096 };

struct shape *shape_new(uint32_t id, struct bytes body, struct error *err)
{
    struct shape *shape = memory_new(sizeof(*shape));
    struct byte_reader reader = byte_reader_over(body);
    shape->id = id;
    shape->arena = arena_new(SHAPE_BLOCK_BYTES);
    shape->table = table_read(&reader, shape->arena);
    atomic_init(&shape->holders, 1);
    if (shape->table)
        return shape;
    shape_release(shape);
    error_set(err, ERROR_FATAL, "the shape of a table is malformed");
    return NULL;
}

void shape_hold(struct shape *shape)
{
    atomic_fetch_add(&shape->holders, 1);
}

void shape_release(struct shape *shape)
{
    if (!shape || atomic_fetch_sub(&shape->holders, 1) > 1)
        return;
    arena_free(shape->arena);
    free(shape);
}

struct batch *batch_new(void)
{
    struct batch *batch = memory_new(sizeof(*batch));
    batch->arena = arena_new(ARENA_BLOCK_BYTES);
    return batch;
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    batch_clear(batch);
    arena_free(batch->arena);
    recorded_release(&batch->state);
    free(batch->changes);
    free(batch->units);
    free(batch->shapes);
    free(batch);
}

void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->shape_count; i++)
        shape_release(batch->shapes[i]);
    arena_reset(batch->arena);
    batch->change_count = 0;
    batch->unit_count = 0;
    batch->shape_count = 0;
    batch->bytes = 0;
    batch->is_unit_open = false;
    batch->has_watermark = false;
    batch->has_state = false;
    batch->places = (struct bytes){0};
}

bool batch_is_empty(const struct batch *batch)
{
    return batch->change_count == 0 && batch->unit_count == 0 && !batch->has_watermark &&
           !batch->has_state;
}

/* Room for one more element at the end. */
static void *room(void *elements, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return elements;
    *capacity = *capacity ? *capacity * 2 : 64;
    return memory_resize(elements, *capacity, size);
}

/* A batch knows few shapes: the last one is nearly always the right one. */
static void hold_shape(struct batch *batch, struct shape *shape)
{
    for (size_t i = batch->shape_count; i-- > 0;)
        if (batch->shapes[i] == shape)
            return;
    batch->shapes =
        room(batch->shapes, batch->shape_count, &batch->shape_capacity, sizeof(*batch->shapes));
    batch->shapes[batch->shape_count++] = shape;
    shape_hold(shape);
}

static void open_unit(struct batch *batch)
{
    if (batch->is_unit_open)
        return;
    batch->units =
        room(batch->units, batch->unit_count, &batch->unit_capacity, sizeof(*batch->units));
    batch->units[batch->unit_count++] = (struct batch_unit){.first_change = batch->change_count};
    batch->is_unit_open = true;
}

void batch_continue(struct batch *batch)
{
    open_unit(batch);
}

bool batch_add_change(struct batch *batch, struct shape *shape, const struct message *message,
                      struct error *err)
{
    if (message->body.size == 0)
        return error_set(err, ERROR_FATAL, "a change without bytes");
    open_unit(batch);
    if (batch->change_count == 0 || batch->changes[batch->change_count - 1].shape != shape)
        hold_shape(batch, shape);
    batch->changes =
        room(batch->changes, batch->change_count, &batch->change_capacity, sizeof(*batch->changes));
    batch->changes[batch->change_count++] =
        (struct batch_change){.wire = arena_copy(batch->arena, message->body),
                              .shape = shape,
                              .ordinal = message->position.ordinal,
                              .unit = (uint32_t)(batch->unit_count - 1),
                              .kind = (enum change_kind)message->body.data[0]};
    batch->units[batch->unit_count - 1].end_change = batch->change_count;
    batch->bytes += message->body.size;
    batch->last_position = message->position;
    return true;
}

/* Copies a body of exactly `size` bytes. */
static bool read_body(const struct message *message, void *out, size_t size, struct error *err)
{
    if (message->body.size != size)
        return error_set(err, ERROR_FATAL, "a message of kind %d has %zu bytes, not %zu",
                         (int)message->kind, message->body.size, size);
    memcpy(out, message->body.data, size);
    return true;
}

/* Those of a WATERMARK before go first: what comes later counts. */
static struct bytes places_behind(struct batch *batch, struct bytes places)
{
    size_t size = batch->places.size + places.size;
    uint8_t *joined = arena_allocate_bytes(batch->arena, size + 1);
    if (batch->places.size > 0)
        memcpy(joined, batch->places.data, batch->places.size);
    if (places.size > 0)
        memcpy(joined + batch->places.size, places.data, places.size);
    batch->places = (struct bytes){0};
    return (struct bytes){joined, size};
}

bool batch_add_end(struct batch *batch, const struct message *message, struct error *err)
{
    struct unit_end end;
    if (!read_body(message, &end, sizeof(end), err))
        return false;
    open_unit(batch);
    struct batch_unit *unit = &batch->units[batch->unit_count - 1];
    unit->end_change = batch->change_count;
    unit->is_whole_end = true;
    unit->position = message->position;
    unit->end = end;
    unit->places = places_behind(batch, message->places);
    batch->is_unit_open = false;
    batch->last_position = message->position;
    return true;
}

bool batch_add_watermark(struct batch *batch, const struct message *message, struct error *err)
{
    if (batch->is_unit_open)
        return error_set(err, ERROR_FATAL, "a watermark inside a unit");
    batch->has_watermark = true;
    batch->places = arena_copy(batch->arena, message->places);
    return read_body(message, &batch->watermark, sizeof(batch->watermark), err);
}

bool batch_add_state(struct batch *batch, const struct message *message, struct error *err)
{
    if (batch->is_unit_open)
        return error_set(err, ERROR_FATAL, "a change of state inside a unit");
    batch->has_state = true;
    batch->places = arena_copy(batch->arena, message->places);
    return recorded_read(message->body, &batch->state, err);
}

static pg_lsn later(pg_lsn left, pg_lsn right)
{
    return left > right ? left : right;
}

static void add_places(struct bytes bytes, struct places *places)
{
    struct byte_reader reader = byte_reader_over(bytes);
    struct place place;
    while (place_read(&reader, &place))
        places_set(places, &place);
}

void batch_places(const struct batch *batch, size_t unit_count, struct places *places)
{
    for (size_t i = 0; i < unit_count; i++)
        if (batch->units[i].is_whole_end)
            add_places(batch->units[i].places, places);
    if (unit_count == batch->unit_count)
        add_places(batch->places, places);
}

void batch_advance(const struct batch *batch, size_t unit_count, struct recorded *recorded)
{
    for (size_t i = 0; i < unit_count; i++) {
        const struct batch_unit *unit = &batch->units[i];
        if (!unit->is_whole_end)
            continue;
        recorded->position = unit->position;
        recorded->end_lsn = later(recorded->end_lsn, unit->end.end_lsn);
        recorded->commit_time_us = unit->end.commit_time_us;
    }
    if (unit_count < batch->unit_count)
        return;
    if (batch->has_watermark)
        recorded->acked_lsn = later(recorded->acked_lsn, batch->watermark.lsn);
    if (batch->has_state)
        recorded_advance(recorded, &batch->state);
}
