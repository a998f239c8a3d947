/* SPDX-License-Identifier: Apache-2.0 */
/* A hash of keys for each table that has a parked change: few tables, possibly many keys. */
#include "sink/parked_keys.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/arena.h"
#include "base/memory.h"

enum { ARENA_BLOCK_BYTES = 4096, FIRST_SLOTS = 64 };

struct parked_table {
    struct parked_table *next;
    struct arena *arena;
    const char *schema;
    const char *name;
    bool is_whole;       /* every key waits */
    struct bytes *slots; /* open addressing; a free one has no data */
    size_t slot_count;   /* a power of two, or 0 */
    size_t count;
    size_t bytes;
};

struct parked_keys {
    struct parked_table *tables;
    size_t count; /* of keys, and their bytes, in all tables */
    size_t bytes;
    uint64_t seed; /* so that nobody can choose keys that collide */
};

struct parked_keys *parked_keys_new(void)
{
    struct parked_keys *keys = memory_new(sizeof(*keys));
    if (getrandom(&keys->seed, sizeof(keys->seed), GRND_NONBLOCK) < 0)
        keys->seed = (uintptr_t)keys;
    return keys;
}

static void free_table(struct parked_table *table)
{
    arena_free(table->arena);
    free(table->slots);
    free(table);
}

void parked_keys_clear(struct parked_keys *keys)
{
    while (keys->tables) {
        struct parked_table *next = keys->tables->next;
        free_table(keys->tables);
        keys->tables = next;
    }
    keys->count = 0;
    keys->bytes = 0;
}

void parked_keys_free(struct parked_keys *keys)
{
    if (!keys)
        return;
    parked_keys_clear(keys);
    free(keys);
}

bool parked_keys_is_empty(const struct parked_keys *keys)
{
    return keys->tables == NULL;
}

static bool is_named(const struct parked_table *table, const char *schema, const char *name)
{
    return strcmp(table->name, name) == 0 && strcmp(table->schema, schema) == 0;
}

static struct parked_table *find_table(const struct parked_keys *keys, const char *schema,
                                       const char *name)
{
    for (struct parked_table *table = keys->tables; table; table = table->next)
        if (is_named(table, schema, name))
            return table;
    return NULL;
}

bool parked_keys_has_table(const struct parked_keys *keys, const char *schema, const char *table)
{
    return find_table(keys, schema, table) != NULL;
}

static struct parked_table *add_table(struct parked_keys *keys, const char *schema,
                                      const char *name)
{
    struct parked_table *table = memory_new(sizeof(*table));
    table->arena = arena_new(ARENA_BLOCK_BYTES);
    table->schema = arena_copy_string(table->arena, schema);
    table->name = arena_copy_string(table->arena, name);
    table->next = keys->tables;
    keys->tables = table;
    return table;
}

/* Where the key is, or the free slot where it would be. */
static struct bytes *find_slot(const struct parked_keys *keys, struct bytes *slots,
                               size_t slot_count, struct bytes key)
{
    size_t at = XXH3_64bits_withSeed(key.data, key.size, keys->seed) & (slot_count - 1);
    while (slots[at].data && !bytes_equal(slots[at], key))
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static void grow(const struct parked_keys *keys, struct parked_table *table)
{
    size_t slot_count = table->slot_count ? table->slot_count * 2 : FIRST_SLOTS;
    struct bytes *slots = memory_new_array(slot_count, sizeof(*slots));
    for (size_t i = 0; i < table->slot_count; i++)
        if (table->slots[i].data)
            *find_slot(keys, slots, slot_count, table->slots[i]) = table->slots[i];
    free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
}

static bool too_many(struct error *err)
{
    error_stop(err, STOP_ROW_REFUSED, "changes of more than %d keys are parked", PARKED_KEYS_MOST);
    return error_remedy(err, "mend and resolve some of penstock.parked at the target, then start "
                             "again; see docs/operations.md, Parked rows");
}

bool parked_keys_add(struct parked_keys *keys, const char *schema, const char *name,
                     struct bytes key, struct error *err)
{
    struct parked_table *table = find_table(keys, schema, name);
    if (!table)
        table = add_table(keys, schema, name);
    if (!key.data)
        return true;
    if (key.size == 0) {
        table->is_whole = true;
        return true;
    }
    if (2 * table->count >= table->slot_count)
        grow(keys, table);
    struct bytes *slot = find_slot(keys, table->slots, table->slot_count, key);
    if (slot->data)
        return true;
    if (keys->count >= PARKED_KEYS_MOST || keys->bytes + key.size > PARKED_KEYS_MOST_BYTES)
        return too_many(err);
    *slot = arena_copy(table->arena, key);
    table->count++;
    table->bytes += key.size;
    keys->count++;
    keys->bytes += key.size;
    return true;
}

bool parked_keys_has(const struct parked_keys *keys, const char *schema, const char *name,
                     struct bytes key)
{
    const struct parked_table *table = find_table(keys, schema, name);
    if (!table || !key.data)
        return false;
    if (table->is_whole || key.size == 0)
        return table->is_whole || table->count > 0;
    return table->count > 0 && find_slot(keys, table->slots, table->slot_count, key)->data;
}

void parked_keys_forget_table(struct parked_keys *keys, const char *schema, const char *name)
{
    for (struct parked_table **at = &keys->tables; *at; at = &(*at)->next) {
        if (!is_named(*at, schema, name))
            continue;
        struct parked_table *gone = *at;
        *at = gone->next;
        keys->count -= gone->count;
        keys->bytes -= gone->bytes;
        free_table(gone);
        return;
    }
}
