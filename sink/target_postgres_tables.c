/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a shape's table at the target: its columns, its key, and how keys compare there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "sink/target_postgres_internal.h"

static const char FIND_TABLE[] =
    "SELECT c.oid, c.relkind FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";

/* $1 the table. The types whose `=` says the same as their text, or is at least safe to find a row by. */
static const char COLUMNS[] =
    "SELECT a.attname, a.attgenerated <> '', a.attidentity = 'a', NOT (t.typname = ANY "
    "(ARRAY['bool', 'int2', 'int4',"
    " 'int8', 'oid', 'text', 'varchar', 'bpchar', 'uuid', 'date', 'timestamp', 'timestamptz', "
    "'bytea']"
    ") AND t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace"
    " AND COALESCE(l.collisdeterministic, true))"
    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation"
    " WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped";

/* $1 the table. A row for each column of each unique index over plain columns: index, is primary, can serve
 * ON CONFLICT, column, its equality operator, its base type, whether equal there means equal bytes. */
static const char INDEXES[] =
    "SELECT i.indexrelid, i.indisprimary, i.indimmediate, a.attname, n.nspname, o.oprname,"
    " COALESCE(b.typname, t.typname), COALESCE(b.typtype, t.typtype),"
    " COALESCE(b.typnamespace, t.typnamespace) = 'pg_catalog'::pg_catalog.regnamespace,"
    " COALESCE(c.collisdeterministic, true), a.atttypmod"
    " FROM pg_catalog.pg_index i"
    " CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(i.indkey::pg_catalog.int2[]),"
    "  pg_catalog.unnest(i.indclass::pg_catalog.oid[]),"
    "  pg_catalog.unnest(i.indcollation::pg_catalog.oid[])) WITH ORDINALITY"
    "  AS k(attnum, opclass, coll, place)"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
    " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype"
    " LEFT JOIN pg_catalog.pg_collation c ON c.oid = k.coll"
    " JOIN pg_catalog.pg_opclass oc ON oc.oid = k.opclass"
    " JOIN pg_catalog.pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3"
    "  AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype"
    " JOIN pg_catalog.pg_operator o ON o.oid = ao.amopopr"
    " JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace"
    " WHERE i.indrelid = $1::pg_catalog.oid AND i.indisunique AND i.indisvalid AND i.indisready"
    " AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts"
    " ORDER BY i.indisprimary DESC, i.indexrelid, k.place";

/* ---- names ---- */

static bool quote_names(struct postgres_table *table, struct error *err)
{
    const struct table *shape = table->base.shape;
    SCOPED_BUFFER text;
    byte_buffer_init(&text, MAX_SQL_BYTES);
    table_write_name(&text, shape->schema, shape->name);
    table->base.display_name = arena_copy_string(table->arena, byte_buffer_text(&text));
    byte_buffer_clear(&text);
    bool is_good = qualified_write(&text, shape->schema, shape->name);
    table->qualified = arena_copy_string(table->arena, byte_buffer_text(&text));
    table->columns = arena_allocate(table->arena, shape->column_count * sizeof(*table->columns));
    for (int i = 0; i < shape->column_count && is_good; i++) {
        byte_buffer_clear(&text);
        is_good = identifier_write(&text, shape->columns[i].name);
        table->columns[i] = arena_copy_string(table->arena, byte_buffer_text(&text));
    }
    if (is_good)
        return true;
    return error_set(err, ERROR_CONFIG, "a name of %s can't be quoted", table->base.display_name);
}

/* ---- columns ---- */

static bool read_columns(struct postgres_target *target, struct postgres_table *table,
                         const char *oid, struct error *err)
{
    const struct table *shape = table->base.shape;
    SCOPED_QUERY query = query_run(target->connection, COLUMNS, PARAMS(oid), err);
    if (!query)
        return false;
    bool *is_found = arena_allocate(table->arena, shape->column_count * sizeof(bool));
    memset(is_found, 0, shape->column_count * sizeof(bool));
    table->is_written = arena_allocate(table->arena, shape->column_count * sizeof(bool));
    table->is_identity = arena_allocate(table->arena, shape->column_count * sizeof(bool));
    table->compares_as_text = arena_allocate(table->arena, shape->column_count * sizeof(bool));
    for (int row = 0; row < query_rows(query); row++) {
        int column = table_find_column(shape, query_text(query, row, 0));
        if (column < 0)
            continue;
        is_found[column] = true;
        table->is_written[column] = !query_bool(query, row, 1);
        table->is_identity[column] = query_bool(query, row, 2);
        table->compares_as_text[column] = query_bool(query, row, 3);
    }
    for (int i = 0; i < shape->column_count; i++) {
        if (is_found[i])
            continue;
        error_stop(err, STOP_COLUMN_MISSING, "the target's %s has no column %s",
                   table->base.display_name, shape->columns[i].name);
        return error_remedy(err, "ALTER TABLE %s ADD COLUMN %s %s; on the target, then start again",
                            table->qualified, table->columns[i], shape->columns[i].type_sql);
    }
    return true;
}

/* ---- key ---- */

static bool is_wanted_key(const struct table *shape, int column, bool by_primary_key)
{
    return by_primary_key ? shape->columns[column].primary_key_position > 0
                          : shape->columns[column].is_key;
}

/* Which columns identify a row: the replica identity, or of a full one the primary key; -1: all of them. */
static int key_width(const struct table *shape, bool *by_primary_key)
{
    int width = 0;
    *by_primary_key = shape->replica_identity == REPLICA_IDENTITY_FULL;
    for (int i = 0; i < shape->column_count; i++)
        width += is_wanted_key(shape, i, *by_primary_key);
    return width;
}

static int rows_of_index(const struct query *query, int first)
{
    int row = first;
    while (row < query_rows(query) && query_uint64(query, row, 0) == query_uint64(query, first, 0))
        row++;
    return row - first;
}

static bool index_is_key(const struct table *shape, const struct query *query, int first, int count,
                         int width, bool by_primary_key)
{
    if (count != width)
        return false;
    for (int row = first; row < first + count; row++) {
        int column = table_find_column(shape, query_text(query, row, 3));
        if (column < 0 || !is_wanted_key(shape, column, by_primary_key))
            return false;
    }
    return true;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* Types whose equal values have equal texts, once all settings are pinned; bpchar only with a length. */
static enum key_form key_form_of(const struct query *query, int row)
{
    static const char *const by_bytes[] = {
        "bool",   "int2",   "int4",  "int8", "oid",       "text",        "varchar",
        "name",   "char",   "uuid",  "date", "timestamp", "timestamptz", "time",
        "timetz", "bytea",  "inet",  "cidr", "macaddr",   "macaddr8",    "pg_lsn",
        "bit",    "varbit", "money", "xid8", NULL};
    static const char *const by_float[] = {"float4", "float8", NULL};
    const char *type = query_text(query, row, 6);
    bool is_deterministic = query_bool(query, row, 9);
    if (query_text(query, row, 7)[0] == 'e')
        return KEY_FORM_BYTES;
    if (!query_bool(query, row, 8) || !is_deterministic)
        return KEY_FORM_UNKNOWN;
    if (is_one_of(type, by_bytes) ||
        (strcmp(type, "bpchar") == 0 && query_int64(query, row, 10) > 0))
        return KEY_FORM_BYTES;
    if (is_one_of(type, by_float))
        return KEY_FORM_FLOAT;
    return strcmp(type, "numeric") == 0 ? KEY_FORM_NUMERIC : KEY_FORM_UNKNOWN;
}

static void take_index(struct postgres_table *table, const struct query *query, int first,
                       int count)
{
    struct arena *arena = table->arena;
    table->base.keys = arena_allocate(arena, (size_t)count * sizeof(*table->base.keys));
    table->key_operator = arena_allocate(arena, (size_t)count * sizeof(*table->key_operator));
    table->base.key_count = (uint16_t)count;
    table->base.is_compactable = true;
    table->has_arbiter = query_bool(query, first, 2);
    for (int i = 0; i < count; i++) {
        int row = first + i;
        char operator[256];
        struct key_column *key = &table->base.keys[i];
        key->column = (uint16_t)table_find_column(table->base.shape, query_text(query, row, 3));
        key->form = key_form_of(query, row);
        table->base.is_compactable &= key->form != KEY_FORM_UNKNOWN;
        table->has_identity_key |= table->is_identity[key->column];
        SCOPED_BUFFER schema;
        byte_buffer_init(&schema, sizeof(operator));
        if (!identifier_write(&schema, query_text(query, row, 4)))
            table->base.is_compactable = false;
        snprintf(operator, sizeof(operator), "OPERATOR(%s.%s)", byte_buffer_text(&schema),
                 query_text(query, row, 5));
        table->key_operator[i] = arena_copy_string(arena, operator);
    }
}

/* Without such an index rows are found one by one, by the values that identify them. */
static bool read_key(struct postgres_target *target, struct postgres_table *table, const char *oid,
                     struct error *err)
{
    bool by_primary_key;
    int width = key_width(table->base.shape, &by_primary_key);
    SCOPED_QUERY query = query_run(target->connection, INDEXES, PARAMS(oid), err);
    if (!query)
        return false;
    for (int row = 0; width > 0 && row < query_rows(query);) {
        int count = rows_of_index(query, row);
        if (index_is_key(table->base.shape, query, row, count, width, by_primary_key)) {
            take_index(table, query, row, count);
            return true;
        }
        row += count;
    }
    if (width > 0 && table->base.shape->replica_identity != REPLICA_IDENTITY_FULL)
        log_warn("no unique index on the key at the target", "table=%s effect=%s do=%s",
                 table->base.display_name, "each update and delete reads the whole table",
                 "CREATE UNIQUE INDEX on the source's key columns, on the target");
    return true;
}

/* ---- all ---- */

static bool describe(struct postgres_target *target, struct postgres_table *table,
                     const struct query *found, struct error *err)
{
    const char *oid = query_text(found, 0, 0);
    table->is_partitioned = query_text(found, 0, 1)[0] == 'p';
    table->only = table->is_partitioned ? "" : "ONLY ";
    return read_columns(target, table, oid, err) && read_key(target, table, oid, err);
}

static bool table_missing(const struct postgres_table *table, struct error *err)
{
    error_stop(err, STOP_TABLE_MISSING, "the target has no table %s", table->base.display_name);
    return error_remedy(err,
                        "create it there (pg_dump --schema-only -t '%s' from the source), or set "
                        "target.create_tables: true",
                        table->base.display_name);
}

static bool find_or_create(struct postgres_target *target, struct postgres_table *table,
                           bool may_create, struct error *err)
{
    const struct table *shape = table->base.shape;
    for (bool is_created = false;; is_created = true) {
        SCOPED_QUERY found =
            query_run(target->connection, FIND_TABLE, PARAMS(shape->schema, shape->name), err);
        if (!found)
            return false;
        if (query_rows(found) > 0)
            return describe(target, table, found, err);
        if (is_created || !may_create || !target->options->creates_tables)
            return table_missing(table, err);
        if (!postgres_create_table(target, shape, err))
            return false;
    }
}

void postgres_free_updates(struct postgres_table *table)
{
    while (table->updates) {
        struct prepared_update *next = table->updates->next;
        free(table->updates);
        table->updates = next;
    }
}

static void free_table(struct postgres_table *table)
{
    postgres_free_updates(table);
    arena_free(table->arena);
    free(table);
}

bool postgres_prepare_table(struct target *base, const struct table *shape, bool may_create,
                            struct target_table **table, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    if (!postgres_settle(target, err))
        return false;
    struct postgres_table *made = memory_new(sizeof(*made));
    made->arena = arena_new(4096);
    made->base.shape = shape;
    made->number = made->stage_number = ++target->last_number;
    if (!quote_names(made, err) || !find_or_create(target, made, may_create, err)) {
        error_add(err, "table %s.%s", shape->schema, shape->name);
        free_table(made);
        return false;
    }
    made->next = target->tables;
    target->tables = made;
    *table = &made->base;
    return true;
}

void postgres_forget_tables(struct target *base)
{
    struct postgres_target *target = postgres_target_of(base);
    while (target->tables) {
        struct postgres_table *next = target->tables->next;
        free_table(target->tables);
        target->tables = next;
    }
}

/* ---- emptiness, at the start of a copy ---- */

static bool lists_name(const char *tables, const char *name)
{
    struct recorded_table table;
    for (const char *at = tables; recorded_next_table(&at, &table);)
        if (strcmp(table.name, name) == 0)
            return true;
    return false;
}

/* R's names are quoted as identifiers are, so that they can stand in SQL as they are. */
static bool exists(struct postgres_target *target, const char *name, bool *found, struct error *err)
{
    SCOPED_QUERY query = query_run(
        target->connection, "SELECT pg_catalog.to_regclass($1) IS NOT NULL", PARAMS(name), err);
    if (!query)
        return false;
    *found = query_bool(query, 0, 0);
    return true;
}

static bool check_empty(struct postgres_target *target, const char *name, struct error *err)
{
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    write_format(&sql, "SELECT EXISTS (SELECT FROM %s)", name);
    SCOPED_QUERY query = query_run(target->connection, byte_buffer_text(&sql), NO_PARAMS, err);
    if (!query)
        return error_add(err, "%s", name);
    if (!query_bool(query, 0, 0))
        return true;
    error_stop(err, STOP_TARGET_NOT_EMPTY,
               "the target's %s holds rows already, and they would be mixed with the copy", name);
    return error_remedy(
        err,
        "TRUNCATE %s; on the target if its rows are not needed; if they are a copy already, "
        "see --adopt-slot",
        name);
}

static bool truncate_list(struct postgres_target *target, struct byte_buffer *list,
                          struct error *err)
{
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    if (list->size == 0)
        return true;
    write_format(&sql, "TRUNCATE %s", byte_buffer_text(list));
    return connection_execute(target->connection, byte_buffer_text(&sql), NO_PARAMS, err);
}

typedef bool (*name_visitor)(struct postgres_target *target, const char *name, void *context,
                             struct error *err);

/* Calls `visit` for each table of the list that exists. */
static bool for_each_table(struct postgres_target *target, const char *tables, name_visitor visit,
                           void *context, struct error *err)
{
    struct recorded_table table;
    for (const char *at = tables; recorded_next_table(&at, &table);) {
        bool is_there = false;
        if (!exists(target, table.name, &is_there, err) ||
            (is_there && !visit(target, table.name, context, err)))
            return false;
    }
    return true;
}

static bool visit_owned(struct postgres_target *target, const char *name, void *context,
                        struct error *err)
{
    struct byte_buffer *list = context;
    (void)target;
    (void)err;
    write_format(list, "%s%s", list->size > 0 ? ", " : "", name);
    return true;
}

static bool visit_new(struct postgres_target *target, const char *name, void *context,
                      struct error *err)
{
    const char *owned = context;
    return lists_name(owned, name) || check_empty(target, name, err);
}

bool postgres_empty_tables(struct target *base, const char *tables, const char *owned,
                           struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    SCOPED_BUFFER list;
    byte_buffer_init(&list, MAX_SQL_BYTES);
    char *owned_copy = memory_copy_string(owned);
    bool is_good = postgres_settle(target, err) &&
                   for_each_table(target, owned, visit_owned, &list, err) &&
                   truncate_list(target, &list, err) &&
                   for_each_table(target, tables, visit_new, owned_copy, err);
    free(owned_copy);
    return is_good;
}
