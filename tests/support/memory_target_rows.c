/* SPDX-License-Identifier: Apache-2.0 */
/* A target in memory: what it does to rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/wire.h"
#include "tests/support/memory_target_internal.h"

/* ---- tables ---- */

static struct memory_table *table_of(struct memory_target *memory, const struct target_table *table)
{
    for (size_t i = 0; i < memory->table_count; i++)
        if (strcmp(memory->tables[i].name, table->shape->name) == 0)
            return &memory->tables[i];
    memory_require(false, "a table that was never prepared");
    return NULL;
}

bool memory_prepare_table(struct target *base, const struct table *shape, bool may_create,
                          struct target_table **table, struct error *err)
{
    (void)may_create;
    struct memory_target *memory = memory_of(base);
    if (!memory_passes(memory, MEMORY_PREPARE, err))
        return false;
    for (size_t i = 0; i < memory->table_count; i++) {
        if (strcmp(memory->tables[i].name, shape->name) != 0)
            continue;
        const char *forms = memory->tables[i].forms;
        struct memory_prepared *made = memory_new(sizeof(*made));
        made->base = (struct target_table){.shape = shape,
                                           .display_name = shape->name,
                                           .key_count = (uint16_t)strlen(forms),
                                           .keys = made->keys,
                                           .is_compactable = *forms && !strchr(forms, 'u')};
        for (uint16_t key = 0; forms[key]; key++)
            made->keys[key] = (struct key_column){.column = key,
                                                  .form = forms[key] == 'n'   ? KEY_FORM_NUMERIC
                                                          : forms[key] == 'f' ? KEY_FORM_FLOAT
                                                          : forms[key] == 'u' ? KEY_FORM_UNKNOWN
                                                                              : KEY_FORM_BYTES};
        made->next = memory->prepared;
        memory->prepared = made;
        *table = &made->base;
        return true;
    }
    memory->is_failed = memory->is_open;
    return error_stop(err, STOP_TABLE_MISSING, "no table %s", shape->name);
}

void memory_forget_tables(struct target *base)
{
    struct memory_target *memory = memory_of(base);
    while (memory->prepared) {
        struct memory_prepared *next = memory->prepared->next;
        free(memory->prepared);
        memory->prepared = next;
    }
}

bool memory_empty_tables(struct target *base, const char *tables, const char *owned,
                         struct error *err)
{
    struct memory_target *memory = memory_of(base);
    for (size_t i = 0; i < memory->table_count; i++) {
        char name[64];
        char rows[64 * 1024];
        snprintf(name, sizeof(name), "\"%s\"", memory->tables[i].name);
        if (!strstr(tables, name))
            continue;
        memory_rows_text(&memory->rows, memory->tables[i].name, rows, sizeof(rows));
        if (*rows && !strstr(owned, name)) {
            memory->is_failed = true;
            return error_stop(err, STOP_TARGET_NOT_EMPTY, "%s holds rows", name);
        }
        memory_rows_clear(&memory->rows, &memory->tables[i]);
    }
    return true;
}

/* ---- rows ---- */

static bool insert(struct memory_target *memory, struct memory_table *table,
                   const struct tuple *tuple, enum apply_mode mode, struct error *err)
{
    int at = *table->forms ? memory_rows_find(&memory->rows, table, tuple) : -1;
    if (at >= 0 && mode == APPLY_FAST)
        return error_set(err, ERROR_DATA, "%s has the row already", table->name);
    if (memory_rows_find_unique(&memory->rows, table, tuple, at) >= 0)
        return error_set(err, ERROR_DATA, "%s has the value already", table->name);
    if (at < 0) {
        memory_rows_add(&memory->rows, table, tuple, memory->arena);
        return true;
    }
    memory->warnings.row_exists++;
    memory_rows_set(&memory->rows, at, tuple, memory->arena);
    return true;
}

static bool update(struct memory_target *memory, struct memory_table *table,
                   const struct tuple *identity, const struct tuple *tuple, enum apply_mode mode,
                   struct error *err)
{
    int at = memory_rows_find(&memory->rows, table, identity);
    if (at < 0 && mode == APPLY_FAST)
        return error_set(err, ERROR_DATA, "an update of %s met no row", table->name);
    if (at < 0)
        return error_stop(err, STOP_ROW_MISSING, "an update of %s met no row", table->name);
    int other = *table->forms ? memory_rows_find(&memory->rows, table, tuple) : at;
    if (other >= 0 && other != at)
        return error_set(err, ERROR_DATA, "%s has the row already", table->name);
    if (memory_rows_find_unique(&memory->rows, table, tuple, at) >= 0)
        return error_set(err, ERROR_DATA, "%s has the value already", table->name);
    memory_rows_set(&memory->rows, at, tuple, memory->arena);
    return true;
}

static void delete (struct memory_target *memory, struct memory_table *table,
                    const struct tuple *identity, bool is_expected)
{
    int at = memory_rows_find(&memory->rows, table, identity);
    memory->surprises += (at >= 0) != is_expected;
    memory->warnings.row_absent += at < 0 && is_expected;
    if (at >= 0)
        memory_rows_remove(&memory->rows, at);
}

bool memory_apply_row(struct target *base, struct target_table *table, const struct change *change,
                      enum apply_mode mode, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    struct memory_table *mine = table_of(memory, table);
    if (!memory_passes(memory, MEMORY_APPLY_ROW, err))
        return false;
    memory_require(memory->is_open, "a row outside a transaction");
    memory->is_changed = true;
    if (memory->queued_failure.kind != ERROR_NONE)
        return true;
    const struct tuple *old =
        change->old_kind == OLD_TUPLE_NONE ? &change->new_tuple : &change->old_tuple;
    if (change->kind == CHANGE_DELETE) {
        delete (memory, mine, old, true);
        return true;
    }
    bool is_done = change->kind == CHANGE_INSERT
                       ? insert(memory, mine, &change->new_tuple, mode, err)
                       : update(memory, mine, old, &change->new_tuple, mode, err);
    return is_done || memory_refuse(memory, err);
}

/* The values that the set says to leave alone. */
static void leave_unchanged(const struct row_set *set, struct tuple *tuple)
{
    for (int i = 0; i < tuple->count; i++) {
        bool is_left = set->is_unchanged && set->is_unchanged[i];
        memory_require(is_left || tuple->values[i].kind != VALUE_UNCHANGED,
                       "an unchanged value that the set doesn't know of");
        if (is_left)
            tuple->values[i].kind = VALUE_UNCHANGED;
    }
}

bool memory_apply_set(struct target *base, const struct row_set *set, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    struct memory_table *table = table_of(memory, set->table);
    if (!memory_passes(memory, MEMORY_APPLY_SET, err) || !memory_settle(memory, err))
        return false;
    memory_require(memory->is_open && set->count > 0, "a set out of place");
    memory->is_changed = true;
    for (size_t i = 0; i < set->count; i++) {
        struct tuple tuple;
        const uint8_t *at = set->tuples[i].data;
        bool is_done = true;
        memory_require(tuple_read(&at, at + set->tuples[i].size, memory->values, &tuple),
                       "a malformed row");
        if (set->kind == ROW_SET_DELETE || set->kind == ROW_SET_DELETE_UNSEEN) {
            delete (memory, table, &tuple, set->kind == ROW_SET_DELETE);
            continue;
        }
        leave_unchanged(set, &tuple);
        if (set->kind == ROW_SET_INSERT)
            is_done = insert(memory, table, &tuple, APPLY_FAST, err);
        else
            is_done = update(memory, table, &tuple, &tuple, APPLY_FAST, err);
        if (!is_done) {
            memory->is_failed = true;
            return false;
        }
    }
    return true;
}

bool memory_truncate(struct target *base, struct target_table *const *tables, size_t count,
                     bool is_restart_identity, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    (void)is_restart_identity;
    if (!memory_passes(memory, MEMORY_TRUNCATE, err))
        return false;
    memory_require(memory->is_open && count > 0, "a truncate out of place");
    memory->is_changed = true;
    for (size_t i = 0; i < count; i++)
        memory_rows_clear(&memory->rows, table_of(memory, tables[i]));
    return true;
}

static void copy_line(struct memory_target *memory, struct memory_table *table, const char *line,
                      size_t size)
{
    struct tuple tuple = {.values = memory->values};
    for (const char *end = line + size; line <= end;) {
        size_t length = strcspn(line, "\t\n");
        bool is_null = length == 2 && memcmp(line, "\\N", 2) == 0;
        tuple.values[tuple.count++] =
            (struct value){.kind = is_null ? VALUE_NULL : VALUE_TEXT,
                           .size = is_null ? 0 : (uint32_t)length,
                           .data = is_null ? NULL : (const uint8_t *)line};
        line += length + 1;
    }
    memory_rows_add(&memory->rows, table, &tuple, memory->arena);
}

bool memory_copy_rows(struct target *base, struct target_table *table, struct bytes lines,
                      uint32_t row_count, struct error *err)
{
    struct memory_target *memory = memory_of(base);
    struct memory_table *mine = table_of(memory, table);
    if (!memory_passes(memory, MEMORY_COPY, err))
        return false;
    const char *at = (const char *)lines.data;
    for (const char *end = at + lines.size; at < end; row_count--) {
        size_t length = strcspn(at, "\n");
        copy_line(memory, mine, at, length);
        at += length + 1;
    }
    memory_require(memory->is_open && row_count == 0, "rows that were counted wrong");
    memory->is_changed = true;
    return true;
}
