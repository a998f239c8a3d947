/* SPDX-License-Identifier: Apache-2.0 */
/* check: the source's tables: what the role may do with them, and what of their changes is replicated. */
#include <inttypes.h>
#include <string.h>

#include "cli/check.h"

/* ---- reading ---- */

/* $1, $2 the publications. */
static const char TABLES[] =
    "SELECT c.oid, n.nspname, c.relname, quote_ident(pg_get_userbyid(c.relowner)), c.relkind,"
    " c.relpersistence, c.relreplident,"
    " CASE c.relreplident WHEN 'f' THEN true WHEN 'd' THEN p.indisprimary IS NOT NULL"
    "  WHEN 'i' THEN EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid"
    "   AND i.indisreplident AND i.indisvalid) ELSE false END,"
    " p.indisprimary IS NOT NULL, has_schema_privilege(n.oid, 'USAGE'),"
    " has_table_privilege(c.oid, 'SELECT'), pg_has_role(c.relowner, 'USAGE'),"
    " row_security_active(c.oid), g.relid IS NOT NULL, COALESCE(g.is_update, false)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_index p ON p.indrelid = c.oid AND p.indisprimary AND p.indisvalid"
    " LEFT JOIN (SELECT t.relid, bool_or(b.pubupdate OR b.pubdelete) AS is_update"
    "  FROM pg_catalog.pg_publication b"
    "  CROSS JOIN LATERAL pg_get_publication_tables(b.pubname::text) t"
    "  WHERE b.pubname IN ($1, $2) GROUP BY t.relid) g ON g.relid = c.oid"
    " WHERE c.relkind IN ('r', 'p', 'f') AND c.oid >= 16384 AND n.nspname !~ '^pg_'"
    " AND n.nspname NOT IN ('information_schema', 'penstock')"
    " ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

static void read_table(struct check *check, const struct query *query, int row,
                       struct checked_table *table)
{
    struct arena *arena = check->arena;
    *table = (struct checked_table){.oid = (uint32_t)query_uint64(query, row, 0),
                                    .schema = arena_copy_string(arena, query_text(query, row, 1)),
                                    .name = arena_copy_string(arena, query_text(query, row, 2)),
                                    .owner = arena_copy_string(arena, query_text(query, row, 3)),
                                    .kind = query_text(query, row, 4)[0],
                                    .persistence = query_text(query, row, 5)[0],
                                    .identity = query_text(query, row, 6)[0],
                                    .has_identity = query_bool(query, row, 7),
                                    .has_primary_key = query_bool(query, row, 8),
                                    .is_usable = query_bool(query, row, 9),
                                    .is_readable = query_bool(query, row, 10),
                                    .is_owned = query_bool(query, row, 11),
                                    .is_row_secured = query_bool(query, row, 12),
                                    .is_published = query_bool(query, row, 13),
                                    .is_update_published = query_bool(query, row, 14)};
    /* Before the first start our own publications are still to be made, of all that matches. */
    bool is_to_be_published = check->publication.options.is_ours && !check_is_streaming(check);
    table->is_captured = table->kind == 'r' && table->persistence == 'p' &&
                         (table->is_published || is_to_be_published);
}

bool check_read_tables(struct check *check)
{
    const struct publication_options *publication = &check->publication.options;
    SCOPED_QUERY query = check_query(
        check, check->source, "source tables", TABLES,
        PARAMS(publication->name, publication->insert_name ? publication->insert_name : ""));
    if (!query)
        return false;
    check->tables =
        arena_allocate(check->arena, (size_t)query_rows(query) * sizeof(*check->tables));
    for (int row = 0; row < query_rows(query); row++)
        if (endpoints_want_table(check->config, query_text(query, row, 1),
                                 query_text(query, row, 2)))
            read_table(check, query, row, &check->tables[check->table_count++]);
    return true;
}

/* ---- lists ---- */

typedef bool (*table_test)(const struct checked_table *table);

/* The tables that pass the test; the caller releases the list. */
static void list_tables(const struct check *check, table_test test, struct name_list *list)
{
    name_list_init(list);
    for (size_t i = 0; i < check->table_count; i++)
        if (test(&check->tables[i]))
            name_list_add(list, check->tables[i].schema, check->tables[i].name);
}

/* A `do:` line for each of the first ten tables that pass the test, with its name between the two texts. */
static void do_for_each(const struct check *check, table_test test, const char *before,
                        const char *after)
{
    enum { SHOWN_COMMANDS = 10 };
    int count = 0;
    for (size_t i = 0; i < check->table_count; i++) {
        const struct checked_table *table = &check->tables[i];
        if (!test(table) || ++count > SHOWN_COMMANDS)
            continue;
        SCOPED_NAMES name;
        name_list_init(&name);
        name_list_add(&name, table->schema, table->name);
        finding_do("%s%s%s", before, name_list_sql(&name), after);
    }
    if (count > SHOWN_COMMANDS)
        finding_do("the same for %d more", count - SHOWN_COMMANDS);
}

static bool is_captured(const struct checked_table *table)
{
    return table->is_captured;
}

/* ---- rights ---- */

static bool lacks_select(const struct checked_table *table)
{
    return table->is_captured && !table->is_readable;
}

static bool is_hidden_by_policy(const struct checked_table *table)
{
    return table->is_captured && table->is_readable && table->is_row_secured;
}

static void check_schemas(struct check *check)
{
    const char *last = "";
    for (size_t i = 0; i < check->table_count; i++) {
        const struct checked_table *table = &check->tables[i];
        if (table->is_usable || !table->is_captured || strcmp(table->schema, last) == 0)
            continue;
        SCOPED_BUFFER quoted;
        byte_buffer_init(&quoted, 1024);
        last = table->schema;
        finding(&check->findings, FINDING_FAIL, "source tables",
                "role %s may not look into schema %s", check->source_role, last);
        if (identifier_write(&quoted, last))
            finding_do("GRANT USAGE ON SCHEMA %s TO %s;", byte_buffer_text(&quoted),
                       check->source_role);
    }
}

static void check_readable(struct check *check)
{
    SCOPED_NAMES unreadable;
    SCOPED_NAMES secured;
    list_tables(check, lacks_select, &unreadable);
    list_tables(check, is_hidden_by_policy, &secured);
    if (unreadable.count > 0) {
        finding(&check->findings, FINDING_FAIL, "source tables",
                "role %s may not read %zu to be copied: %s", check->source_role, unreadable.count,
                name_list_text(&unreadable));
        finding_do("GRANT SELECT ON %s TO %s;", name_list_sql(&unreadable), check->source_role);
    }
    if (secured.count > 0) {
        finding(&check->findings, FINDING_FAIL, "source tables",
                "row-level security would hide rows from role %s: %s", check->source_role,
                name_list_text(&secured));
        finding_do("ALTER ROLE %s BYPASSRLS;", check->source_role);
    }
}

/* ---- what is replicated ---- */

static bool is_unlogged(const struct checked_table *table)
{
    return table->persistence == 'u';
}

static bool is_foreign(const struct checked_table *table)
{
    return table->kind == 'f';
}

static bool is_partitioned(const struct checked_table *table)
{
    return table->kind == 'p';
}

static void check_kinds(struct check *check)
{
    SCOPED_NAMES unlogged;
    SCOPED_NAMES foreign;
    SCOPED_NAMES partitioned;
    list_tables(check, is_unlogged, &unlogged);
    list_tables(check, is_foreign, &foreign);
    list_tables(check, is_partitioned, &partitioned);
    if (unlogged.count > 0) {
        finding(&check->findings, FINDING_WARN, "source tables", "unlogged, so not replicated: %s",
                name_list_text(&unlogged));
        do_for_each(check, is_unlogged, "ALTER TABLE ", " SET LOGGED;");
    }
    if (foreign.count > 0) {
        finding(&check->findings, FINDING_WARN, "source tables", "foreign, so not replicated: %s",
                name_list_text(&foreign));
        finding_do("name them in source.exclude, to say that you know");
    }
    if (partitioned.count > 0) {
        finding(&check->findings, FINDING_WARN, "source tables",
                "partitioned; each partition that matches is replicated as a table of its own, "
                "the parent itself isn't: %s",
                name_list_text(&partitioned));
        finding_do("create the parent and its partitions at the target before the first start "
                   "(pg_dump --schema-only), if you want them to be joined there too");
    }
}

static bool has_identity_nothing(const struct checked_table *table)
{
    return table->is_captured && table->identity == 'n';
}

static bool could_use_its_key(const struct checked_table *table)
{
    return has_identity_nothing(table) && table->has_primary_key;
}

static bool lacks_identity(const struct checked_table *table)
{
    return table->is_captured && !table->has_identity && table->identity != 'n';
}

static bool needs_full_identity(const struct checked_table *table)
{
    return table->is_captured && !table->has_identity && !could_use_its_key(table);
}

/* The publication is made of what the tables are at the first start. */
static const char *identity_advice(const struct check *check)
{
    return check_is_streaming(check) ? " (what is changed now counts from the next copy on)" : "";
}

static void check_identities(struct check *check)
{
    SCOPED_NAMES nothing;
    SCOPED_NAMES lacking;
    list_tables(check, has_identity_nothing, &nothing);
    list_tables(check, lacks_identity, &lacking);
    if (nothing.count > 0)
        finding(&check->findings, FINDING_WARN, "source tables",
                "REPLICA IDENTITY NOTHING: their UPDATE and DELETE are not replicated%s: %s",
                identity_advice(check), name_list_text(&nothing));
    do_for_each(check, could_use_its_key, "ALTER TABLE ", " REPLICA IDENTITY DEFAULT;");
    if (lacking.count > 0)
        finding(&check->findings, FINDING_WARN, "source tables",
                "no replica identity (no primary key): their UPDATE and DELETE are not "
                "replicated%s: %s",
                identity_advice(check), name_list_text(&lacking));
    do_for_each(check, needs_full_identity, "ALTER TABLE ",
                " REPLICA IDENTITY FULL;  or give it a primary key");
}

void check_source_tables(struct check *check)
{
    SCOPED_NAMES captured;
    list_tables(check, is_captured, &captured);
    if (captured.count > 0) {
        finding(&check->findings, FINDING_OK, "source tables", "%zu to replicate: %s",
                captured.count, name_list_text(&captured));
    } else if (check->publication.options.is_ours && !check_is_streaming(check)) {
        finding(&check->findings, FINDING_WARN, "source tables", "none matches source.tables");
        finding_do("correct source.tables: patterns of the form schema.table, *.* for all");
    }
    check_schemas(check);
    check_readable(check);
    check_kinds(check);
    check_identities(check);
}
