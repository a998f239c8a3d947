/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a target in memory: a plain list, searched from its start. */
#ifndef PENSTOCK_TESTS_SUPPORT_MEMORY_ROWS_H
#define PENSTOCK_TESTS_SUPPORT_MEMORY_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "schema/change.h"

enum { MEMORY_TABLES = 8, MEMORY_KEYS = 8 };

/* A table, and how its rows are told apart. */
struct memory_table {
    const char *name;
    char forms[MEMORY_KEYS]; /* "": by all values */
    uint16_t unique_column;  /* from 1; 0: none */
};

struct memory_row {
    const struct memory_table *table;
    struct tuple tuple; /* never changed: a new one takes its place */
};

struct memory_rows {
    struct memory_row *rows;
    size_t count;
    size_t capacity;
};

void memory_rows_release(struct memory_rows *rows);
void memory_rows_copy(struct memory_rows *to, const struct memory_rows *from);
void memory_rows_clear(struct memory_rows *rows, const struct memory_table *table);

/* The row that `tuple` names by its key, or by all its values; -1 if there is none. */
int memory_rows_find(const struct memory_rows *rows, const struct memory_table *table,
                     const struct tuple *tuple);

/* A row with this value in the unique column, other than `except`; -1 if there is none. */
int memory_rows_find_unique(const struct memory_rows *rows, const struct memory_table *table,
                            const struct tuple *tuple, int except);

void memory_rows_add(struct memory_rows *rows, const struct memory_table *table,
                     const struct tuple *tuple, struct arena *arena);

/* Puts the values over those of row `at`, except what was not sent. */
void memory_rows_set(struct memory_rows *rows, int at, const struct tuple *tuple,
                     struct arena *arena);
void memory_rows_remove(struct memory_rows *rows, int at);

/* The table's rows by text, separated by spaces. */
const char *memory_rows_text(const struct memory_rows *rows, const char *name, char *out,
                             size_t size);

#endif
