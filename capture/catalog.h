/* SPDX-License-Identifier: Apache-2.0 */
/* What the source's catalog knows of tables and types. All from an ordinary session. */
#ifndef PENSTOCK_CAPTURE_CATALOG_H
#define PENSTOCK_CAPTURE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/error.h"
#include "postgres/connection.h"
#include "schema/table.h"

/* One ordinary, permanent table of the source. */
struct listed_table {
    uint32_t oid;
    const char *schema;
    const char *name;
    bool has_identity; /* UPDATE and DELETE can be published */
};

struct listed_tables {
    struct arena *arena;
    struct listed_table *items;
    size_t count;
};

typedef bool (*table_filter)(const void *context, const char *schema, const char *name);

/* All tables outside the system's schemas and ours that `is_wanted` accepts, by name. */
bool catalog_list_tables(struct connection *connection, table_filter is_wanted, const void *context,
                         struct listed_tables *tables, struct error *err) MUST_USE;
void listed_tables_release(struct listed_tables *tables);

/* Fills what a Relation message doesn't say: the columns' type_sql, is_not_null and primary_key_position, and the
 * types that they need; each checked against the column's name and type, so that a table altered meanwhile gives no
 * wrong answer but none (is_not_null false, no key). Strings go to `arena`. */
bool catalog_complete(struct connection *connection, struct table *table, struct arena *arena,
                      struct error *err) MUST_USE;

/* The table as the catalog of this session's snapshot has it, complete; of its columns only those in
 * `column_numbers` (an int2vector's text) unless that is "": then all but generated ones, as pgoutput does. */
struct table *catalog_read_table(struct connection *connection, uint32_t oid,
                                 const char *column_numbers, struct arena *arena,
                                 struct error *err) MUST_USE;

#endif
