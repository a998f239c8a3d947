/* SPDX-License-Identifier: Apache-2.0 */
/* Publications: made, read, and compared with what R recorded. */
#include "capture/publication.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "capture/oids.h"
#include "schema/table.h"

enum { MAX_SQL_BYTES = 64 * 1024 * 1024 };

/* $1, $2 the names. `more` is what newer servers know; concat_ws leaves its NULL out, so that a server's upgrade or
 * ours changes no fingerprint. */
#define PUBLICATIONS(more)                                                                         \
    "SELECT pg_catalog.count(*), COALESCE(pg_catalog.bool_or(p.puballtables), false),"             \
    " pg_catalog.md5(COALESCE(pg_catalog.string_agg(pg_catalog.concat_ws(' ', p.pubname, p.oid,"   \
    "  p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot" more    \
    "), ';' ORDER BY p.pubname), ''))"                                                             \
    " FROM pg_catalog.pg_publication p WHERE p.pubname = ANY (ARRAY[$1, $2]::pg_catalog.name[])"

/* `columns` are those that are published, `list` those that a person named: "" for all. */
#define TABLES(columns, list, filter)                                                              \
    "SELECT c.oid, n.nspname, c.relname,"                                                          \
    " pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(';', " list ", " filter            \
    "), ',' ORDER BY p.pubname)),"                                                                 \
    " COALESCE(pg_catalog.min(" columns "), ''), COALESCE(pg_catalog.min(" filter                  \
    "), ''), c.relkind = 'p'"                                                                      \
    " FROM pg_catalog.pg_publication p"                                                            \
    " CROSS JOIN LATERAL pg_catalog.pg_get_publication_tables(p.pubname::pg_catalog.text) g"       \
    " JOIN pg_catalog.pg_class c ON c.oid = g.relid"                                               \
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"                                    \
    " LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid"        \
    " WHERE p.pubname = ANY (ARRAY[$1, $2]::pg_catalog.name[])"                                    \
    " GROUP BY c.oid, n.nspname, c.relname, c.relkind"                                             \
    " ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\""

#define LIST   "r.prattrs::pg_catalog.text"
#define FILTER "pg_catalog.pg_get_expr(r.prqual, r.prrelid)"

/* Column lists and row filters came with 15, publish_generated_columns with 18. */
static const struct {
    int version;
    const char *publications;
    const char *tables;
} queries[] = {
    {180000, PUBLICATIONS(", NULLIF(p.pubgencols, 'n')"),
     TABLES("CASE WHEN p.pubgencols = 's' THEN g.attrs::pg_catalog.text ELSE " LIST " END", LIST,
            FILTER)},
    {150000, PUBLICATIONS(""), TABLES(LIST, LIST, FILTER)},
    {0, PUBLICATIONS(""),
     TABLES("''::pg_catalog.text", "''::pg_catalog.text", "''::pg_catalog.text")},
};

static size_t queries_for(const struct connection *connection)
{
    size_t i = 0;
    while (connection_server_version(connection) < queries[i].version)
        i++;
    return i;
}

static const char *second_name(const struct publication_options *options)
{
    return options->insert_name ? options->insert_name : "";
}

static bool read_tables(struct connection *connection, const struct publication_options *options,
                        table_filter is_wanted, const void *context, struct published *published,
                        struct error *err)
{
    const char *sql = queries[queries_for(connection)].tables;
    SCOPED_QUERY query =
        query_run(connection, sql, PARAMS(options->name, second_name(options)), err);
    if (!query)
        return false;
    struct arena *arena = published->arena;
    published->tables =
        arena_allocate(arena, (size_t)query_rows(query) * sizeof(*published->tables));
    for (int row = 0; row < query_rows(query); row++) {
        if (!is_wanted(context, query_text(query, row, 1), query_text(query, row, 2)))
            continue;
        published->tables[published->count++] = (struct published_table){
            .oid = (uint32_t)query_uint64(query, row, 0),
            .schema = arena_copy_string(arena, query_text(query, row, 1)),
            .name = arena_copy_string(arena, query_text(query, row, 2)),
            .fingerprint = arena_copy_string(arena, query_text(query, row, 3)),
            .column_numbers = arena_copy_string(arena, query_text(query, row, 4)),
            .row_filter = arena_copy_string(arena, query_text(query, row, 5)),
            .is_partitioned = query_bool(query, row, 6)};
    }
    return true;
}

bool publication_read(struct connection *connection, const struct publication_options *options,
                      table_filter is_wanted, const void *context, struct published *published,
                      struct error *err)
{
    *published = (struct published){.arena = arena_new(16 * 1024)};
    SCOPED_QUERY query = query_run(connection, queries[queries_for(connection)].publications,
                                   PARAMS(options->name, second_name(options)), err);
    bool is_read = query && read_tables(connection, options, is_wanted, context, published, err);
    if (!is_read) {
        published_release(published);
        return error_add(err, "reading publication %s", options->name);
    }
    published->name_count = (size_t)query_uint64(query, 0, 0);
    published->is_for_all_tables = query_bool(query, 0, 1);
    snprintf(published->fingerprint, sizeof(published->fingerprint), "%s", query_text(query, 0, 2));
    return true;
}

void published_release(struct published *published)
{
    arena_free(published->arena);
    *published = (struct published){0};
}

/* ---- making ---- */

/* `FOR TABLE` or `SET TABLE` takes a list of at least one; without tables an empty publication is made. */
static bool write_list(struct byte_buffer *sql, const struct listed_tables *tables,
                       bool has_identity, const char *keyword)
{
    bool is_first = true;
    for (size_t i = 0; i < tables->count; i++) {
        if (tables->items[i].has_identity != has_identity)
            continue;
        write_text(sql, is_first ? keyword : ", ONLY ");
        if (!qualified_write(sql, tables->items[i].schema, tables->items[i].name))
            return false;
        is_first = false;
    }
    return true;
}

static bool make_one(struct connection *connection, const char *name, const char *publish,
                     const struct listed_tables *tables, bool has_identity, struct error *err)
{
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    write_format(&sql, "DROP PUBLICATION IF EXISTS \"%s\"; CREATE PUBLICATION \"%s\"", name, name);
    if (!write_list(&sql, tables, has_identity, " FOR TABLE ONLY "))
        return error_set(err, ERROR_CONFIG, "a table's name can't be quoted");
    write_format(&sql, " WITH (publish = '%s')", publish);
    if (connection_execute(connection, byte_buffer_text(&sql), NO_PARAMS, err))
        return true;
    if (err->stop == STOP_PERMISSION_DENIED || strcmp(err->sqlstate, "42501") == 0)
        error_remedy(err,
                     "let the source's role own the tables and have CREATE on the database, or let "
                     "their owner create the publication and name it in source.publication");
    return error_add(err, "creating publication %s", name);
}

bool publication_make(struct connection *connection, const struct publication_options *options,
                      const struct listed_tables *tables, struct error *err)
{
    return make_one(connection, options->name, "insert, update, delete, truncate", tables, true,
                    err) &&
           make_one(connection, options->insert_name, "insert, truncate", tables, false, err);
}

/* ---- comparing ---- */

static void write_line(struct byte_buffer *lines, const struct published_table *table)
{
    SCOPED_BUFFER name;
    byte_buffer_init(&name, RECORDED_TABLE_NAME_SIZE);
    if (!qualified_write(&name, table->schema, table->name))
        lines->overrun = true;
    recorded_write_table(lines, table->oid, table->fingerprint, byte_buffer_text(&name));
}

char *publication_record(const struct published *published)
{
    SCOPED_BUFFER lines;
    byte_buffer_init(&lines, MAX_SQL_BYTES);
    for (size_t i = 0; i < published->count; i++)
        write_line(&lines, &published->tables[i]);
    return memory_copy_string(byte_buffer_text(&lines));
}

static void publication_change_init(struct publication_change *change)
{
    byte_buffer_init(&change->dropped, MAX_SQL_BYTES);
    byte_buffer_init(&change->unwanted, MAX_SQL_BYTES);
    byte_buffer_init(&change->created, MAX_SQL_BYTES);
}

void publication_change_release(struct publication_change *change)
{
    byte_buffer_release(&change->dropped);
    byte_buffer_release(&change->unwanted);
    byte_buffer_release(&change->created);
}

static void append_name(struct byte_buffer *names, const char *name)
{
    write_format(names, "%s%s", names->size > 0 ? ", " : "", name);
}

/* What has become of a recorded table that isn't (wanted and) published any more. */
static const char GONE[] =
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid),"
    " EXISTS (SELECT FROM pg_catalog.pg_publication p CROSS JOIN LATERAL"
    "  pg_catalog.pg_get_publication_tables(p.pubname::pg_catalog.text) g"
    "  WHERE p.pubname = ANY (ARRAY[$2, $3]::pg_catalog.name[]) AND g.relid = $1::pg_catalog.oid)";

static bool compare_gone(struct connection *connection, const struct publication_options *options,
                         const struct recorded_table *table, struct publication_change *change,
                         struct error *err)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%" PRIu32, table->oid);
    SCOPED_QUERY query =
        query_run(connection, GONE, PARAMS(oid, options->name, second_name(options)), err);
    if (!query)
        return false;
    if (!query_bool(query, 0, 0)) {
        append_name(&change->dropped, table->name);
        return true;
    }
    if (query_bool(query, 0, 1)) {
        append_name(&change->unwanted, table->name);
        return true;
    }
    error_stop(err, STOP_PUBLICATION_CHANGED,
               "table %s was taken out of publication %s: its changes since "
               "then are not in the stream",
               table->name, options->name);
    return error_remedy(
        err, "see docs/stops.md, PUBLICATION_CHANGED: a new copy under a new name is the "
             "safe way");
}

static bool compare_recorded(struct connection *connection,
                             const struct publication_options *options,
                             const struct published *published, const struct recorded *recorded,
                             struct publication_change *change, struct error *err)
{
    struct recorded_table table;
    SCOPED_OIDS oids = oids_of_published(published);
    for (const char *at = recorded->tables; recorded_next_table(&at, &table);) {
        const struct oid_entry *entry = oids_find(&oids, table.oid);
        const struct published_table *found = entry ? &published->tables[entry->at] : NULL;
        if (!found && !compare_gone(connection, options, &table, change, err))
            return false;
        if (found && strcmp(found->fingerprint, table.fingerprint) != 0) {
            error_stop(err, STOP_PUBLICATION_CHANGED,
                       "the column list or row filter of %s in publication %s was changed",
                       table.name, options->name);
            return error_remedy(err,
                                "set it back as it was, or see docs/stops.md, PUBLICATION_CHANGED");
        }
    }
    return true;
}

bool publication_table_added(const struct publication_options *options, const char *schema,
                             const char *name, struct error *err)
{
    SCOPED_BUFFER full;
    byte_buffer_init(&full, 1024);
    table_write_name(&full, schema, name);
    error_stop(err, STOP_TABLE_ADDED,
               "table %s was added to publication %s or to source.tables, and may hold rows that "
               "were never copied",
               byte_buffer_text(&full), options->name);
    return error_remedy(
        err,
        "exclude it in source.exclude, or ALTER PUBLICATION \"%s\" DROP TABLE %s; on "
        "the source; to replicate it, start a second pipeline with its own name",
        options->name, byte_buffer_text(&full));
}

/* A table created under FOR ALL TABLES is complete from the stream; any other may hold older rows. */
static bool compare_added(const struct publication_options *options,
                          const struct published *published, const struct recorded *recorded,
                          bool is_filter_same, struct publication_change *change, struct error *err)
{
    SCOPED_OIDS recorded_oids = oids_of_recorded(recorded);
    for (size_t i = 0; i < published->count; i++) {
        const struct published_table *table = &published->tables[i];
        if (oids_find(&recorded_oids, table->oid))
            continue;
        if (!published->is_for_all_tables || !is_filter_same)
            return publication_table_added(options, table->schema, table->name, err);
        SCOPED_BUFFER name;
        byte_buffer_init(&name, 1024);
        table_write_name(&name, table->schema, table->name);
        append_name(&change->created, byte_buffer_text(&name));
    }
    return true;
}

bool publication_compare(struct connection *connection, const struct publication_options *options,
                         const struct published *published, const struct recorded *recorded,
                         bool is_filter_same, struct publication_change *change, struct error *err)
{
    size_t expected = options->insert_name ? 2 : 1;
    publication_change_init(change);
    if (published->name_count < expected) {
        error_stop(err, STOP_PUBLICATION_MISSING, "publication %s%s%s has gone from the source",
                   options->name, options->insert_name ? " or " : "", second_name(options));
        return error_remedy(
            err, "changes made while it was away are not in the stream; see docs/stops.md, "
                 "PUBLICATION_MISSING");
    }
    if (strcmp(published->fingerprint, recorded->publication) != 0) {
        error_stop(err, STOP_PUBLICATION_CHANGED, "publication %s was altered or made anew",
                   options->name);
        return error_remedy(err,
                            "what it left out meanwhile is not in the stream; see docs/stops.md, "
                            "PUBLICATION_CHANGED");
    }
    return compare_recorded(connection, options, published, recorded, change, err) &&
           compare_added(options, published, recorded, is_filter_same, change, err);
}
