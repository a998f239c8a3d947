/* SPDX-License-Identifier: Apache-2.0 */
/* What a table is: its names, columns, key and the types it needs. */
#ifndef PENSTOCK_SCHEMA_TABLE_H
#define PENSTOCK_SCHEMA_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/bytes.h"

/* PostgreSQL's limit on columns (MaxTupleAttributeNumber is 1664, MaxHeapAttributeNumber 1600). */
enum { TABLE_MAX_COLUMNS = 1664 };

/* pg_class.relreplident. */
enum replica_identity {
    REPLICA_IDENTITY_DEFAULT = 'd',
    REPLICA_IDENTITY_NOTHING = 'n',
    REPLICA_IDENTITY_FULL = 'f',
    REPLICA_IDENTITY_INDEX = 'i',
};

struct column {
    const char *name;
    uint32_t type_oid;     /* at the source */
    int32_t type_modifier; /* at the source; -1 if none */
    bool is_key;           /* part of the replica identity; all columns, if that is full */
    bool is_not_null;
    uint16_t primary_key_position; /* from 1 in the source's primary key; 0 if not in it */
    const char *
        type_sql; /* as format_type() at the source wrote it, schema-qualified outside pg_catalog */
};

enum type_kind { TYPE_ENUM = 'e', TYPE_DOMAIN = 'd', TYPE_COMPOSITE = 'c' };

/* A type of the user's that a column needs. `parts` are an enum's labels in order, a domain's one base
 * type, or a composite's attributes; then `part_types` has the attributes' types as format_type() wrote them. */
struct type_definition {
    enum type_kind kind;
    bool is_not_null; /* domains only */
    const char *schema;
    const char *name;
    uint16_t part_count;
    const char **parts;
    const char **part_types;
};

struct table {
    uint32_t relation_oid; /* at the source */
    const char *schema;
    const char *name;
    enum replica_identity replica_identity;
    uint16_t column_count;
    struct column *columns;
    uint16_t type_count;
    struct type_definition *types; /* in the order in which they can be created */
};

/* A table as bytes, for the pipe. */
void table_write(struct byte_buffer *buffer, const struct table *table);

/* The table that table_write() wrote, in `arena`; NULL if the bytes are not one. */
struct table *table_read(struct byte_reader *reader, struct arena *arena) MUST_USE;

/* Whether all that is written of the two is the same. */
bool table_equal(const struct table *left, const struct table *right);

/* The column's index, or -1. */
int table_find_column(const struct table *table, const char *name);

/* `schema.table`, for people and for lists: each part double-quoted where it holds anything but [a-z0-9_]. */
void table_write_name(struct byte_buffer *buffer, const char *schema, const char *name);

#endif
