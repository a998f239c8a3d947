/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tables and types from the source's catalog. */
#include "capture/catalog.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char LIST_TABLES[] =
    "SELECT c.oid, n.nspname, c.relname,"
    " CASE c.relreplident WHEN 'f' THEN true"
    "  WHEN 'd' THEN EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid"
    "   AND i.indisprimary AND i.indisvalid)"
    "  WHEN 'i' THEN EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid"
    "   AND i.indisreplident AND i.indisvalid)"
    "  ELSE false END"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.oid >= 16384"
    " AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'penstock')"
    " ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

void listed_tables_release(struct listed_tables *tables)
{
    arena_free(tables->arena);
    *tables = (struct listed_tables){0};
}

bool catalog_list_tables(struct connection *connection, table_filter is_wanted, const void *context,
                         struct listed_tables *tables, struct error *err)
{
    SCOPED_QUERY query = query_run(connection, LIST_TABLES, NO_PARAMS, err);
    if (!query)
        return error_add(err, "listing the tables");
    *tables = (struct listed_tables){.arena = arena_new(16 * 1024)};
    size_t most = (size_t)query_rows(query);
    tables->items = arena_allocate(tables->arena, most * sizeof(*tables->items));
    for (int row = 0; row < query_rows(query); row++) {
        if (!is_wanted(context, query_text(query, row, 1), query_text(query, row, 2)))
            continue;
        tables->items[tables->count++] = (struct listed_table){
            .oid = (uint32_t)query_uint64(query, row, 0),
            .schema = arena_copy_string(tables->arena, query_text(query, row, 1)),
            .name = arena_copy_string(tables->arena, query_text(query, row, 2)),
            .has_identity = query_bool(query, row, 3)};
    }
    return true;
}

/* $1 the relation; $2, $3, $4 the columns' names, types and modifiers. */
static const char COLUMNS[] =
    "SELECT pg_catalog.format_type(x.type, x.modifier), COALESCE(a.attnotnull, false),"
    " COALESCE(pg_catalog.array_position(pg_catalog.string_to_array(i.indkey::pg_catalog.text, ' "
    "'),"
    "  a.attnum::pg_catalog.text), 0)"
    " FROM ROWS FROM (pg_catalog.unnest($2::pg_catalog.text[]), "
    "pg_catalog.unnest($3::pg_catalog.oid[]),"
    "  pg_catalog.unnest($4::pg_catalog.int4[])) WITH ORDINALITY AS x(name, type, modifier, place)"
    " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = $1::pg_catalog.oid AND a.attname = x.name"
    "  AND a.atttypid = x.type AND a.attnum > 0 AND NOT a.attisdropped"
    " LEFT JOIN pg_catalog.pg_index i ON i.indrelid = $1::pg_catalog.oid AND i.indisprimary"
    " ORDER BY x.place";

/* An element of a PostgreSQL array literal. */
static void write_element(struct byte_buffer *array, const char *text)
{
    write_text(array, array->size > 1 ? ",\"" : "\"");
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            write_u8(array, '\\');
        write_u8(array, (uint8_t)*p);
    }
    write_u8(array, '"');
}

struct column_arrays {
    struct byte_buffer names;
    struct byte_buffer types;
    struct byte_buffer modifiers;
};

static void open_arrays(struct column_arrays *arrays, const struct table *table)
{
    struct byte_buffer *all[] = {&arrays->names, &arrays->types, &arrays->modifiers};
    for (int i = 0; i < 3; i++) {
        byte_buffer_init(all[i], SIZE_MAX);
        write_text(all[i], "{");
    }
    for (int i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        write_element(&arrays->names, column->name);
        write_format(&arrays->types, "%s%" PRIu32, i > 0 ? "," : "", column->type_oid);
        write_format(&arrays->modifiers, "%s%" PRId32, i > 0 ? "," : "", column->type_modifier);
    }
    for (int i = 0; i < 3; i++)
        write_text(all[i], "}");
}

static void release_arrays(struct column_arrays *arrays)
{
    byte_buffer_release(&arrays->names);
    byte_buffer_release(&arrays->types);
    byte_buffer_release(&arrays->modifiers);
}

static bool complete_columns(struct connection *connection, struct table *table,
                             struct column_arrays *arrays, struct arena *arena, struct error *err)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%" PRIu32, table->relation_oid);
    SCOPED_QUERY query =
        query_run(connection, COLUMNS,
                  PARAMS(oid, byte_buffer_text(&arrays->names), byte_buffer_text(&arrays->types),
                         byte_buffer_text(&arrays->modifiers)),
                  err);
    if (!query)
        return false;
    if (query_rows(query) != table->column_count)
        return error_set(err, ERROR_FATAL, "the catalog gave %d columns for %d", query_rows(query),
                         table->column_count);
    for (int i = 0; i < table->column_count; i++) {
        const char *type_sql = query_text(query, i, 0);
        bool is_unknown = strcmp(type_sql, "???") == 0 || strcmp(type_sql, "???[]") == 0;
        table->columns[i].type_sql = is_unknown ? "" : arena_copy_string(arena, type_sql);
        table->columns[i].is_not_null = query_bool(query, i, 1);
        table->columns[i].primary_key_position = (uint16_t)query_uint64(query, i, 2);
    }
    return true;
}

/* $1 the columns' types. A row for each part of each type that a person made (those of an extension come with the
 * extension), what is needed first coming first. */
static const char TYPES[] =
    "WITH RECURSIVE needed(oid, depth) AS ("
    " SELECT u, 0 FROM pg_catalog.unnest($1::pg_catalog.oid[]) u UNION"
    " SELECT x.oid, n.depth + 1 FROM needed n JOIN pg_catalog.pg_type t ON t.oid = n.oid"
    " CROSS JOIN LATERAL ("
    "  SELECT t.typelem WHERE t.typelem <> 0 AND t.typlen = -1"
    "  UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd'"
    "  UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE t.typtype = 'c'"
    "   AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS x(oid)"
    " WHERE n.depth < 32),"
    " ranked AS (SELECT oid, pg_catalog.max(depth) AS depth FROM needed GROUP BY oid)"
    " SELECT t.oid, t.typtype, n.nspname, t.typname, t.typnotnull, p.name, p.type"
    " FROM ranked r JOIN pg_catalog.pg_type t ON t.oid = r.oid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
    " CROSS JOIN LATERAL ("
    "  SELECT e.enumlabel::pg_catalog.text, '', e.enumsortorder::pg_catalog.float8"
    "   FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid"
    "  UNION ALL SELECT pg_catalog.format_type(t.typbasetype, t.typtypmod), '', 0 WHERE t.typtype "
    "= 'd'"
    "  UNION ALL SELECT a.attname::pg_catalog.text, pg_catalog.format_type(a.atttypid, "
    "a.atttypmod),"
    "   a.attnum FROM pg_catalog.pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid"
    "   AND a.attnum > 0 AND NOT a.attisdropped) AS p(name, type, place)"
    " WHERE t.oid >= 16384 AND t.typtype IN ('e', 'd', 'c')"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind <> "
    "'c')"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e'"
    "  AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass)"
    " ORDER BY r.depth DESC, t.oid, p.place";

/* How many rows from `first` on belong to the same type. */
static int rows_of_type(const struct query *query, int first)
{
    int row = first;
    while (row < query_rows(query) && query_uint64(query, row, 0) == query_uint64(query, first, 0))
        row++;
    return row - first;
}

static void read_type(const struct query *query, int first, int count, struct arena *arena,
                      struct type_definition *type)
{
    type->kind = (enum type_kind)query_text(query, first, 1)[0];
    type->schema = arena_copy_string(arena, query_text(query, first, 2));
    type->name = arena_copy_string(arena, query_text(query, first, 3));
    type->is_not_null = query_bool(query, first, 4);
    type->part_count = (uint16_t)count;
    type->parts = arena_allocate(arena, (size_t)count * sizeof(*type->parts));
    type->part_types = arena_allocate(arena, (size_t)count * sizeof(*type->part_types));
    for (int i = 0; i < count; i++) {
        type->parts[i] = arena_copy_string(arena, query_text(query, first + i, 5));
        type->part_types[i] = arena_copy_string(arena, query_text(query, first + i, 6));
    }
}

static bool complete_types(struct connection *connection, struct table *table, const char *oids,
                           struct arena *arena, struct error *err)
{
    SCOPED_QUERY query = query_run(connection, TYPES, PARAMS(oids), err);
    if (!query)
        return false;
    table->type_count = 0;
    table->types = arena_allocate(arena, (size_t)query_rows(query) * sizeof(*table->types));
    for (int row = 0; row < query_rows(query);) {
        int count = rows_of_type(query, row);
        read_type(query, row, count, arena, &table->types[table->type_count++]);
        row += count;
    }
    return true;
}

bool catalog_complete(struct connection *connection, struct table *table, struct arena *arena,
                      struct error *err)
{
    struct column_arrays arrays;
    open_arrays(&arrays, table);
    bool is_done = complete_columns(connection, table, &arrays, arena, err) &&
                   complete_types(connection, table, byte_buffer_text(&arrays.types), arena, err);
    release_arrays(&arrays);
    return is_done ? true
                   : error_add(err, "reading %s.%s from the catalog", table->schema, table->name);
}

/* $1 the relation, $2 an int2vector's text or ''. The key flags are those that pgoutput would send. */
static const char READ_TABLE[] =
    "SELECT n.nspname, c.relname, c.relreplident, a.attname, a.atttypid, a.atttypmod,"
    " c.relreplident = 'f' OR COALESCE(a.attnum = ANY (i.indkey), false)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    "  AND NOT a.attisdropped AND CASE $2 WHEN '' THEN a.attgenerated = ''"
    "   ELSE a.attnum::pg_catalog.text = ANY (pg_catalog.string_to_array($2, ' ')) END"
    " LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND CASE c.relreplident"
    "  WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END"
    " WHERE c.oid = $1::pg_catalog.oid ORDER BY a.attnum";

static struct table *table_from(const struct query *query, uint32_t oid, struct arena *arena)
{
    struct table *table = arena_allocate(arena, sizeof(*table));
    int count = query_is_null(query, 0, 3) ? 0 : query_rows(query);
    *table =
        (struct table){.relation_oid = oid,
                       .schema = arena_copy_string(arena, query_text(query, 0, 0)),
                       .name = arena_copy_string(arena, query_text(query, 0, 1)),
                       .replica_identity = (enum replica_identity)query_text(query, 0, 2)[0],
                       .column_count = (uint16_t)count,
                       .columns = arena_allocate(arena, (size_t)count * sizeof(struct column))};
    for (int i = 0; i < count; i++)
        table->columns[i] =
            (struct column){.name = arena_copy_string(arena, query_text(query, i, 3)),
                            .type_oid = (uint32_t)query_uint64(query, i, 4),
                            .type_modifier = (int32_t)query_int64(query, i, 5),
                            .is_key = query_bool(query, i, 6),
                            .type_sql = ""};
    return table;
}

struct table *catalog_read_table(struct connection *connection, uint32_t oid,
                                 const char *column_numbers, struct arena *arena, struct error *err)
{
    char oid_text[16];
    snprintf(oid_text, sizeof(oid_text), "%" PRIu32, oid);
    SCOPED_QUERY query = query_run(connection, READ_TABLE, PARAMS(oid_text, column_numbers), err);
    if (!query) {
        error_add(err, "reading relation %s from the catalog", oid_text);
        return NULL;
    }
    if (query_rows(query) == 0) {
        error_set(err, ERROR_RETRY, "relation %s has gone", oid_text);
        return NULL;
    }
    struct table *table = table_from(query, oid, arena);
    return catalog_complete(connection, table, arena, err) ? table : NULL;
}
