/* SPDX-License-Identifier: Apache-2.0 */
/* A target in memory: parked changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/support/memory_target_internal.h"
#include "tests/support/scene.h"

void memory_parking_copy(struct memory_parking *to, const struct memory_parking *from)
{
    to->items = memory_resize(to->items, from->count + 1, sizeof(*to->items));
    to->count = from->count;
    if (from->count > 0)
        memcpy(to->items, from->items, from->count * sizeof(*to->items));
}

bool memory_read_parked(struct target *base, struct parked_keys *keys, bool waits,
                        struct error *err)
{
    const struct memory_target *memory = memory_of(base);
    (void)waits;
    if (memory->is_lost)
        return error_set(err, ERROR_RETRY, "there is no session");
    memory_require(memory->is_open && !memory->is_failed, "reading what is parked out of place");
    for (size_t i = 0; i < memory->parking.count; i++) {
        const struct memory_parked *item = &memory->parking.items[i];
        for (int key = 0; key < 2; key++)
            if (!item->is_resolved &&
                !parked_keys_add(keys, "public", item->table, item->keys[key], err))
                return false;
    }
    return true;
}

static const char *write_text_of(struct memory_target *memory, const struct parked_change *parked)
{
    char row[128];
    char text[192];
    const struct change *change = parked->change;
    (void)scene_text(change->kind == CHANGE_DELETE ? &change->old_tuple : &change->new_tuple, row,
                     sizeof(row));
    snprintf(text, sizeof(text), "%s:%c %s%s", parked->table->shape->name, (int)change->kind, row,
             parked->reason ? "!" : "");
    return arena_copy_string(memory->arena, text);
}

bool memory_park(struct target *base, const struct parked_change *parked, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    struct memory_parking *parking = &memory->parking;
    if (!memory_passes(memory, MEMORY_PARK, err))
        return false;
    memory_require(memory->is_open && !memory->has_savepoint, "parking out of place");
    for (size_t i = 0; i < parking->count; i++)
        memory_require(position_compare(&parking->items[i].position, &parked->position) != 0,
                       "a change is parked twice");
    struct memory_parked item = {.table =
                                     arena_copy_string(memory->arena, parked->table->shape->name),
                                 .text = write_text_of(memory, parked),
                                 .position = parked->position,
                                 .xid = parked->is_unit_known ? parked->xid : 0};
    for (int key = 0; key < 2; key++)
        if (parked->keys[key].data)
            item.keys[key] = arena_copy(memory->arena, parked->keys[key]);
    parking->items = memory_resize(parking->items, parking->count + 1, sizeof(*parking->items));
    parking->items[parking->count++] = item;
    memory->is_changed = true;
    return true;
}

bool memory_name_parked(struct target *base, const struct position *position, uint32_t xid,
                        int64_t commit_time_us, struct error *err)
{
    const struct memory_target *memory = memory_of(base);
    (void)commit_time_us;
    if (memory->is_lost)
        return error_set(err, ERROR_RETRY, "there is no session");
    for (size_t i = 0; i < memory->parking.count; i++)
        if (memory->parking.items[i].position.commit_lsn == position->commit_lsn)
            memory->parking.items[i].xid = xid;
    return true;
}

bool memory_resolve_parked(struct target *base, const struct target_table *table, struct error *err)
{
    const struct memory_target *memory = memory_of(base);
    if (memory->is_lost)
        return error_set(err, ERROR_RETRY, "there is no session");
    for (size_t i = 0; i < memory->parking.count; i++)
        if (!table || strcmp(memory->parking.items[i].table, table->shape->name) == 0)
            memory->parking.items[i].is_resolved = true;
    return true;
}

bool memory_check_deferred(struct target *base, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    return memory_passes(memory, MEMORY_CHECK_DEFERRED, err) && memory_settle(memory, err);
}

/* ---- the test's side ---- */

const char *memory_target_parked(const struct memory_target *memory, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < memory->committed.parking.count; i++) {
        const struct memory_parked *item = &memory->committed.parking.items[i];
        memory_require(item->xid != 0 || item->position.commit_lsn == 0,
                       "a parked change without its transaction");
        if (item->is_resolved)
            continue;
        int added = snprintf(out + used, size - used, "%s%s", used > 0 ? "; " : "", item->text);
        memory_require(added > 0 && (size_t)added < size - used, "too small a buffer");
        used += (size_t)added;
    }
    return out;
}

void memory_target_resolve_parked(struct memory_target *memory)
{
    for (size_t i = 0; i < memory->committed.parking.count; i++)
        memory->committed.parking.items[i].is_resolved = true;
}
