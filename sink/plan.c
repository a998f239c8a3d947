/* SPDX-License-Identifier: Apache-2.0 */
/* Compaction: per table a hash of keys; per key how it began and what it came to. */
#include "sink/plan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/memory.h"
#include "schema/wire.h"
#include "sink/key.h"

enum {
    FIRST_SLOTS = 256,
    ARENA_BLOCK_BYTES = 256 * 1024,
    MAX_KEY_BYTES = 1 << 30,
    MAX_MERGED_BYTES =
        16 * 1024, /* a larger row isn't copied for each update of it: the order is kept */
};

/* What the changes so far did to one key. */
struct row_state {
    uint64_t hash;
    struct bytes key;
    struct bytes tuple;       /* the row's values now; no data: it is gone */
    struct bytes key_tuple;   /* of a gone row: a tuple that holds its key's values */
    const bool *is_unchanged; /* columns of `tuple` that were never sent; NULL: none */
    enum change_kind begun;   /* the first change that was seen: was the row there before? */
};

/* Consecutive changes of one table: folded, or in order. */
struct group {
    struct group *next;
    bool is_folded;
    struct row_state *rows; /* folded */
    size_t row_count;
    size_t row_capacity;
    uint32_t *slots; /* row index + 1; a power of two of them */
    size_t slot_count;
    const struct batch_change **changes; /* in order */
    size_t change_count;
    size_t change_capacity;
};

/* All groups of one table. */
struct table_plan {
    struct target_table *table;
    struct group *first;
    struct group *last;
};

struct plan {
    uint64_t seed; /* so that nobody can choose keys that collide */
    struct arena *arena;
    struct table_plan *tables;
    size_t table_count;
    size_t table_capacity;
    struct plan_step *steps;
    size_t step_count;
    size_t step_capacity;
    struct change_values values;
    struct value merged[TABLE_MAX_COLUMNS];
    struct value before[TABLE_MAX_COLUMNS];
    struct byte_buffer key;
};

struct plan *plan_new(void)
{
    struct plan *plan = memory_new(sizeof(*plan));
    if (getrandom(&plan->seed, sizeof(plan->seed), GRND_NONBLOCK) < 0)
        plan->seed = (uintptr_t)plan;
    plan->arena = arena_new(ARENA_BLOCK_BYTES);
    byte_buffer_init(&plan->key, MAX_KEY_BYTES);
    return plan;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    arena_free(plan->arena);
    byte_buffer_release(&plan->key);
    free(plan->tables);
    free(plan->steps);
    free(plan);
}

/* Doubles an array that lives in the arena. */
static void *grow_in_arena(struct arena *arena, void *old, size_t count, size_t *capacity,
                           size_t size)
{
    if (count < *capacity)
        return old;
    *capacity = *capacity ? *capacity * 2 : 64;
    void *grown = arena_allocate(arena, *capacity * size);
    if (count > 0)
        memcpy(grown, old, count * size);
    return grown;
}

/* ---- tables and groups ---- */

static struct table_plan *table_plan_of(struct plan *plan, struct target_table *table)
{
    for (size_t i = plan->table_count; i-- > 0;)
        if (plan->tables[i].table == table)
            return &plan->tables[i];
    if (plan->table_count == plan->table_capacity) {
        plan->table_capacity = plan->table_capacity ? plan->table_capacity * 2 : 16;
        plan->tables = memory_resize(plan->tables, plan->table_capacity, sizeof(*plan->tables));
    }
    plan->tables[plan->table_count] = (struct table_plan){.table = table};
    return &plan->tables[plan->table_count++];
}

/* The table's last group if it is of this sort, else a new one. */
static struct group *group_for(struct plan *plan, struct table_plan *table, bool is_folded)
{
    if (table->last && table->last->is_folded == is_folded)
        return table->last;
    struct group *group = arena_allocate(plan->arena, sizeof(*group));
    *group = (struct group){.is_folded = is_folded};
    if (table->last)
        table->last->next = group;
    else
        table->first = group;
    table->last = group;
    return group;
}

static void add_in_order(struct plan *plan, struct table_plan *table,
                         const struct batch_change *change)
{
    struct group *group = group_for(plan, table, false);
    group->changes = grow_in_arena(plan->arena, group->changes, group->change_count,
                                   &group->change_capacity, sizeof(*group->changes));
    group->changes[group->change_count++] = change;
}

/* ---- rows of a folded group ---- */

static void rehash(struct plan *plan, struct group *group)
{
    group->slot_count = group->slot_count ? group->slot_count * 2 : FIRST_SLOTS;
    group->slots = arena_allocate(plan->arena, group->slot_count * sizeof(*group->slots));
    memset(group->slots, 0, group->slot_count * sizeof(*group->slots));
    for (size_t i = 0; i < group->row_count; i++) {
        size_t at = group->rows[i].hash & (group->slot_count - 1);
        while (group->slots[at] != 0)
            at = (at + 1) & (group->slot_count - 1);
        group->slots[at] = (uint32_t)i + 1;
    }
}

/* The state of this key; a new one has begun 0. */
static struct row_state *state_of(struct plan *plan, struct group *group, struct bytes key)
{
    if ((group->row_count + 1) * 2 > group->slot_count)
        rehash(plan, group);
    uint64_t hash = XXH3_64bits_withSeed(key.data, key.size, plan->seed);
    size_t at = hash & (group->slot_count - 1);
    for (; group->slots[at] != 0; at = (at + 1) & (group->slot_count - 1)) {
        struct row_state *row = &group->rows[group->slots[at] - 1];
        if (row->hash == hash && bytes_equal(row->key, key))
            return row;
    }
    group->rows = grow_in_arena(plan->arena, group->rows, group->row_count, &group->row_capacity,
                                sizeof(*group->rows));
    group->slots[at] = (uint32_t)group->row_count + 1;
    struct row_state *row = &group->rows[group->row_count++];
    *row = (struct row_state){.hash = hash, .key = key};
    return row;
}

/* ---- folding ---- */

static const bool *unchanged_of(struct plan *plan, const struct tuple *tuple)
{
    bool *is_unchanged = NULL;
    for (int i = 0; i < tuple->count; i++) {
        if (tuple->values[i].kind != VALUE_UNCHANGED)
            continue;
        if (!is_unchanged) {
            is_unchanged = arena_allocate(plan->arena, tuple->count * sizeof(bool));
            memset(is_unchanged, 0, tuple->count * sizeof(bool));
        }
        is_unchanged[i] = true;
    }
    return is_unchanged;
}

/* An update over a row whose values we hold: what it didn't send is taken from there. */
static bool merge(struct plan *plan, struct row_state *row, const struct tuple *update)
{
    struct tuple before;
    const uint8_t *at = row->tuple.data;
    if (!tuple_read(&at, at + row->tuple.size, plan->before, &before) ||
        before.count != update->count)
        return false;
    struct tuple merged = {.count = update->count, .values = plan->merged};
    for (int i = 0; i < update->count; i++)
        merged.values[i] =
            update->values[i].kind == VALUE_UNCHANGED ? before.values[i] : update->values[i];
    size_t size = tuple_size(&merged);
    if (size > MAX_MERGED_BYTES)
        return false;
    uint8_t *bytes = arena_allocate_bytes(plan->arena, size);
    tuple_write(bytes, &merged);
    row->tuple = (struct bytes){bytes, size};
    row->is_unchanged = unchanged_of(plan, &merged);
    return true;
}

static bool fold_insert(struct row_state *row, struct bytes tuple)
{
    if (row->begun != 0 && row->tuple.data)
        return false;
    if (row->begun == 0)
        row->begun = CHANGE_INSERT;
    row->tuple = tuple;
    row->is_unchanged = NULL;
    return true;
}

static bool fold_update(struct plan *plan, struct row_state *row, struct bytes tuple,
                        const struct tuple *values)
{
    const bool *is_unchanged = unchanged_of(plan, values);
    if (row->begun != 0 && !row->tuple.data)
        return false;
    if (row->begun != 0 && is_unchanged)
        return merge(plan, row, values);
    if (row->begun == 0)
        row->begun = CHANGE_UPDATE;
    row->tuple = tuple;
    row->is_unchanged = is_unchanged;
    return true;
}

static bool fold_delete(struct row_state *row, struct bytes key_tuple)
{
    if (row->begun != 0 && !row->tuple.data)
        return false;
    if (row->begun == 0)
        row->begun = CHANGE_DELETE;
    row->tuple = (struct bytes){0};
    row->key_tuple = key_tuple;
    return true;
}

/* The key in comparable form: the value itself where it can be, else made in the arena. */
static bool comparable_key(struct plan *plan, const struct target_table *table,
                           const struct tuple *tuple, struct bytes *key)
{
    const struct value *first = &tuple->values[table->keys[0].column];
    if (table->key_count == 1 && table->keys[0].form == KEY_FORM_BYTES) {
        *key = (struct bytes){first->data, first->size};
        return first->kind == VALUE_TEXT;
    }
    byte_buffer_clear(&plan->key);
    for (int i = 0; i < table->key_count; i++)
        if (!key_write(&plan->key, table->keys[i].form, &tuple->values[table->keys[i].column]))
            return false;
    *key = arena_copy(plan->arena, (struct bytes){plan->key.data, plan->key.size});
    return true;
}

/* Whether the update moves the row to another key; `is_known` is false where we can't tell. */
static bool changes_key(struct plan *plan, const struct target_table *table,
                        const struct change *change, bool *is_known)
{
    struct bytes old_key;
    struct bytes new_key;
    *is_known = true;
    if (change->old_kind == OLD_TUPLE_NONE)
        return false;
    *is_known = comparable_key(plan, table, &change->old_tuple, &old_key) &&
                comparable_key(plan, table, &change->new_tuple, &new_key);
    return *is_known && !bytes_equal(old_key, new_key);
}

/* Folds the change into the table's last group; false: it must keep its order. */
static bool fold(struct plan *plan, struct table_plan *table, const struct change *change,
                 struct bytes old_tuple, struct bytes new_tuple)
{
    const struct tuple *identified =
        change->kind == CHANGE_DELETE ? &change->old_tuple : &change->new_tuple;
    struct bytes key;
    bool is_known = true;
    if (change->kind == CHANGE_UPDATE && changes_key(plan, table->table, change, &is_known))
        return false;
    if (!is_known || !comparable_key(plan, table->table, identified, &key))
        return false;
    struct group *group = group_for(plan, table, true);
    struct row_state *row = state_of(plan, group, key);
    if (change->kind == CHANGE_INSERT)
        return fold_insert(row, new_tuple);
    if (change->kind == CHANGE_UPDATE)
        return fold_update(plan, row, new_tuple, &change->new_tuple);
    return fold_delete(row, old_tuple);
}

static bool add_change(struct plan *plan, const struct batch_change *at, struct error *err)
{
    struct change change;
    struct bytes old_tuple;
    struct bytes new_tuple;
    struct table_plan *table = table_plan_of(plan, at->shape->target);
    if (!table->table->is_compactable) {
        add_in_order(plan, table, at);
        return true;
    }
    if (!wire_read(at->wire, &plan->values, &change) ||
        !wire_find_tuples(at->wire, &old_tuple, &new_tuple))
        return error_set(err, ERROR_FATAL, "a change in the batch is malformed");
    if (!fold(plan, table, &change, old_tuple, new_tuple))
        add_in_order(plan, table, at);
    return true;
}

/* ---- steps ---- */

static struct plan_step *add_step(struct plan *plan, enum plan_step_kind kind)
{
    if (plan->step_count == plan->step_capacity) {
        plan->step_capacity = plan->step_capacity ? plan->step_capacity * 2 : 32;
        plan->steps = memory_resize(plan->steps, plan->step_capacity, sizeof(*plan->steps));
    }
    plan->steps[plan->step_count] = (struct plan_step){.kind = kind};
    return &plan->steps[plan->step_count++];
}

/* Which set a key's outcome belongs to; false: nothing is to be done. */
static enum row_set_kind set_kind(const struct row_state *row)
{
    if (row->tuple.data)
        return row->begun == CHANGE_INSERT ? ROW_SET_INSERT : ROW_SET_UPDATE;
    return row->begun == CHANGE_INSERT ? ROW_SET_DELETE_UNSEEN : ROW_SET_DELETE;
}

static bool same_columns(const bool *left, const bool *right, size_t count)
{
    if (!left || !right)
        return left == right;
    return memcmp(left, right, count * sizeof(bool)) == 0;
}

static struct row_set *set_for(struct plan *plan, size_t first_step, struct target_table *table,
                               size_t most, const struct row_state *row, enum row_set_kind kind)
{
    size_t columns = table->shape->column_count;
    const bool *is_unchanged = kind == ROW_SET_UPDATE ? row->is_unchanged : NULL;
    for (size_t i = first_step; i < plan->step_count; i++) {
        struct row_set *set = &plan->steps[i].set;
        if (set->kind == kind && same_columns(set->is_unchanged, is_unchanged, columns))
            return set;
    }
    struct row_set *set = &add_step(plan, PLAN_SET)->set;
    *set = (struct row_set){.kind = kind, .table = table, .is_unchanged = is_unchanged};
    set->tuples = arena_allocate(plan->arena, most * sizeof(*set->tuples));
    return set;
}

/* The sets of one kind of a folded group. */
static void add_sets(struct plan *plan, struct target_table *table, const struct group *group,
                     bool is_deleting)
{
    size_t first_step = plan->step_count;
    for (size_t i = 0; i < group->row_count; i++) {
        const struct row_state *row = &group->rows[i];
        if (row->begun == 0 || (row->tuple.data == NULL) != is_deleting)
            continue;
        struct row_set *set =
            set_for(plan, first_step, table, group->row_count, row, set_kind(row));
        set->tuples[set->count++] = is_deleting ? row->key_tuple : row->tuple;
    }
}

/* Near keys together, so that the target meets each page of its index and table while it is at hand. Any order is
 * right; this one is that of numbers written in decimals. */
static int compare_keys(const void *left, const void *right)
{
    const struct row_state *one = left;
    const struct row_state *other = right;
    if (one->key.size != other->key.size)
        return one->key.size < other->key.size ? -1 : 1;
    return one->key.size > 0 ? memcmp(one->key.data, other->key.data, one->key.size) : 0;
}

/* The rows' slots are of no use after this. */
static void sort_rows(struct group *group)
{
    size_t sorted = 1;
    while (sorted < group->row_count &&
           compare_keys(&group->rows[sorted - 1], &group->rows[sorted]) <= 0)
        sorted++;
    if (sorted < group->row_count)
        qsort(group->rows, group->row_count, sizeof(*group->rows), compare_keys);
}

static bool is_simple(const struct table_plan *table)
{
    return table->first && table->first->is_folded && !table->first->next;
}

static void add_steps(struct plan *plan, const struct table_plan *table)
{
    for (const struct group *group = table->first; group; group = group->next) {
        if (!group->is_folded) {
            struct plan_step *step = add_step(plan, PLAN_ROWS);
            step->table = table->table;
            step->changes = group->changes;
            step->change_count = group->change_count;
            continue;
        }
        if (!is_simple(table))
            add_sets(plan, table->table, group, true);
        add_sets(plan, table->table, group, false);
    }
}

bool plan_make(struct plan *plan, const struct batch *batch, size_t first, size_t end,
               const struct plan_step **steps, size_t *step_count, struct error *err)
{
    arena_reset(plan->arena);
    plan->table_count = 0;
    plan->step_count = 0;
    for (size_t i = first; i < end; i++)
        if (!add_change(plan, &batch->changes[i], err))
            return false;
    for (size_t i = 0; i < plan->table_count; i++)
        for (struct group *group = plan->tables[i].first; group; group = group->next)
            if (group->is_folded)
                sort_rows(group);
    for (size_t i = plan->table_count; i-- > 0;)
        if (is_simple(&plan->tables[i]))
            add_sets(plan, plan->tables[i].table, plan->tables[i].first, true);
    for (size_t i = 0; i < plan->table_count; i++)
        add_steps(plan, &plan->tables[i]);
    *steps = plan->steps;
    *step_count = plan->step_count;
    return true;
}
