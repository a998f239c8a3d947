/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of relations: a small open-addressing table, because every row asks it. */
#include "capture/relations.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { FIRST_SLOTS = 64 };

struct entry {
    struct relation relation; /* oid 0: free */
    struct arena *arena;      /* of relation.table */
};

struct relations {
    table_filter is_wanted;
    const void *context;
    struct entry *entries;
    size_t slots; /* a power of two */
    size_t used;
    uint32_t last_shape_id;
};

struct relations *relations_new(table_filter is_wanted, const void *context)
{
    struct relations *relations = memory_new(sizeof(*relations));
    relations->is_wanted = is_wanted;
    relations->context = context;
    relations->slots = FIRST_SLOTS;
    relations->entries = memory_new_array(relations->slots, sizeof(*relations->entries));
    return relations;
}

void relations_free(struct relations *relations)
{
    if (!relations)
        return;
    for (size_t i = 0; i < relations->slots; i++)
        arena_free(relations->entries[i].arena);
    free(relations->entries);
    free(relations);
}

/* The entry of this OID, or the free one where it belongs. */
static struct entry *probe(struct entry *entries, size_t slots, uint32_t oid)
{
    size_t at = (oid * UINT32_C(2654435761)) & (slots - 1);
    while (entries[at].relation.oid != 0 && entries[at].relation.oid != oid)
        at = (at + 1) & (slots - 1);
    return &entries[at];
}

struct relation *relations_find(struct relations *relations, uint32_t oid)
{
    struct entry *entry = probe(relations->entries, relations->slots, oid);
    return entry->relation.oid == oid && oid != 0 ? &entry->relation : NULL;
}

static void grow(struct relations *relations)
{
    size_t slots = relations->slots * 2;
    struct entry *entries = memory_new_array(slots, sizeof(*entries));
    for (size_t i = 0; i < relations->slots; i++)
        if (relations->entries[i].relation.oid != 0)
            *probe(entries, slots, relations->entries[i].relation.oid) = relations->entries[i];
    free(relations->entries);
    relations->entries = entries;
    relations->slots = slots;
}

static struct entry *entry_for(struct relations *relations, uint32_t oid)
{
    struct entry *entry = probe(relations->entries, relations->slots, oid);
    if (entry->relation.oid == oid)
        return entry;
    if ((relations->used + 1) * 2 > relations->slots) {
        grow(relations);
        entry = probe(relations->entries, relations->slots, oid);
    }
    relations->used++;
    entry->relation.oid = oid;
    return entry;
}

/* Puts the table, and its arena, in place; keeps the shape's id if nothing has changed. */
static struct relation *place(struct relations *relations, const struct table *table,
                              struct arena *arena)
{
    struct entry *entry = entry_for(relations, table->relation_oid);
    struct relation *relation = &entry->relation;
    if (relation->table && table_equal(relation->table, table)) {
        arena_free(arena);
        return relation;
    }
    arena_free(entry->arena);
    entry->arena = arena;
    relation->table = table;
    relation->is_wanted = true;
    relation->is_sent = false;
    relation->shape_id = ++relations->last_shape_id;
    return relation;
}

static struct table *copy_message(const struct pgoutput_relation *message, struct arena *arena)
{
    struct table *table = arena_allocate(arena, sizeof(*table));
    *table = (struct table){.relation_oid = message->oid,
                            .schema = arena_copy_string(arena, message->schema),
                            .name = arena_copy_string(arena, message->name),
                            .replica_identity = message->replica_identity,
                            .column_count = message->column_count};
    table->columns = arena_allocate(arena, message->column_count * sizeof(*table->columns));
    for (int i = 0; i < message->column_count; i++) {
        table->columns[i] = message->columns[i];
        table->columns[i].name = arena_copy_string(arena, message->columns[i].name);
    }
    return table;
}

bool relations_update(struct relations *relations, const struct pgoutput_relation *message,
                      struct connection *catalog, struct error *err)
{
    if (!relations->is_wanted(relations->context, message->schema, message->name)) {
        struct entry *entry = entry_for(relations, message->oid);
        arena_free(entry->arena);
        entry->arena = NULL;
        entry->relation = (struct relation){.oid = message->oid};
        return true;
    }
    struct arena *arena = arena_new(4096);
    struct table *table = copy_message(message, arena);
    if (!catalog_complete(catalog, table, arena, err)) {
        arena_free(arena);
        return false;
    }
    place(relations, table, arena);
    return true;
}

struct relation *relations_add(struct relations *relations, const struct table *table,
                               struct arena *arena)
{
    return place(relations, table, arena);
}
