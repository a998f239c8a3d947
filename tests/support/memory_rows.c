/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in memory: comparison by the rules of the key's types, written apart from the product's. */
#include "tests/support/memory_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/support/scene.h"

void memory_rows_release(struct memory_rows *rows)
{
    free(rows->rows);
    *rows = (struct memory_rows){0};
}

void memory_rows_copy(struct memory_rows *to, const struct memory_rows *from)
{
    if (to->capacity < from->count) {
        to->rows = memory_resize(to->rows, from->count, sizeof(*to->rows));
        to->capacity = from->count;
    }
    to->count = from->count;
    if (from->count > 0)
        memcpy(to->rows, from->rows, from->count * sizeof(*to->rows));
}

void memory_rows_clear(struct memory_rows *rows, const struct memory_table *table)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].table != table)
            rows->rows[kept++] = rows->rows[i];
    rows->count = kept;
}

static bool same_bytes(const struct value *left, const struct value *right)
{
    if (left->kind != right->kind)
        return false;
    return left->kind != VALUE_TEXT ||
           (left->size == right->size && memcmp(left->data, right->data, left->size) == 0);
}

static bool same_number(const struct value *left, const struct value *right)
{
    char texts[2][64];
    if (left->kind != VALUE_TEXT || right->kind != VALUE_TEXT)
        return false;
    snprintf(texts[0], sizeof(texts[0]), "%.*s", (int)left->size, (const char *)left->data);
    snprintf(texts[1], sizeof(texts[1]), "%.*s", (int)right->size, (const char *)right->data);
    char *ends[2];
    double numbers[2] = {strtod(texts[0], &ends[0]), strtod(texts[1], &ends[1])};
    return strcmp(texts[0], texts[1]) == 0 ||
           (!*ends[0] && !*ends[1] && !(numbers[0] < numbers[1]) && !(numbers[0] > numbers[1]));
}

static bool is_same_row(const struct memory_table *table, const struct tuple *left,
                        const struct tuple *right)
{
    size_t keys = strlen(table->forms);
    for (size_t i = 0; i < (keys ? keys : left->count); i++) {
        bool is_number = keys && (table->forms[i] == 'n' || table->forms[i] == 'f');
        if (is_number ? !same_number(&left->values[i], &right->values[i])
                      : !same_bytes(&left->values[i], &right->values[i]))
            return false;
    }
    return true;
}

int memory_rows_find(const struct memory_rows *rows, const struct memory_table *table,
                     const struct tuple *tuple)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].table == table && is_same_row(table, &rows->rows[i].tuple, tuple))
            return (int)i;
    return -1;
}

int memory_rows_find_unique(const struct memory_rows *rows, const struct memory_table *table,
                            const struct tuple *tuple, int except)
{
    if (table->unique_column == 0)
        return -1;
    const struct value *wanted = &tuple->values[table->unique_column - 1];
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].table == table && (int)i != except && wanted->kind == VALUE_TEXT &&
            same_bytes(&rows->rows[i].tuple.values[table->unique_column - 1], wanted))
            return (int)i;
    return -1;
}

static struct tuple copy_tuple(const struct tuple *tuple, struct arena *arena)
{
    struct tuple copy = {.count = tuple->count,
                         .values =
                             arena_allocate(arena, (tuple->count + 1u) * sizeof(struct value))};
    for (int i = 0; i < tuple->count; i++) {
        struct bytes bytes = {tuple->values[i].data, tuple->values[i].size};
        copy.values[i] = tuple->values[i];
        if (bytes.data)
            copy.values[i].data = arena_copy(arena, bytes).data;
    }
    return copy;
}

void memory_rows_add(struct memory_rows *rows, const struct memory_table *table,
                     const struct tuple *tuple, struct arena *arena)
{
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity ? rows->capacity * 2 : 16;
        rows->rows = memory_resize(rows->rows, rows->capacity, sizeof(*rows->rows));
    }
    rows->rows[rows->count++] =
        (struct memory_row){.table = table, .tuple = copy_tuple(tuple, arena)};
}

void memory_rows_set(struct memory_rows *rows, int at, const struct tuple *tuple,
                     struct arena *arena)
{
    struct memory_row *row = &rows->rows[at];
    struct tuple copy = copy_tuple(tuple, arena);
    for (int i = 0; i < copy.count; i++)
        if (copy.values[i].kind == VALUE_UNCHANGED)
            copy.values[i] = row->tuple.values[i];
    row->tuple = copy;
}

void memory_rows_remove(struct memory_rows *rows, int at)
{
    rows->rows[at] = rows->rows[--rows->count];
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

const char *memory_rows_text(const struct memory_rows *rows, const char *name, char *out,
                             size_t size)
{
    enum { TEXT_SIZE = 256 };
    char **texts = memory_new_array(rows->count + 1, sizeof(*texts));
    size_t count = 0;
    size_t used = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->rows[i].table->name, name) != 0)
            continue;
        texts[count] = memory_new(TEXT_SIZE);
        (void)scene_text(&rows->rows[i].tuple, texts[count++], TEXT_SIZE);
    }
    qsort(texts, count, sizeof(*texts), compare_texts);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        int added = snprintf(out + used, size - used, "%s%s", i > 0 ? " " : "", texts[i]);
        if (added < 0 || (size_t)added >= size - used)
            abort();
        used += (size_t)added;
        free(texts[i]);
    }
    free(texts);
    return out;
}
