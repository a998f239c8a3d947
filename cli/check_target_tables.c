/* SPDX-License-Identifier: Apache-2.0 */
/* check: the target's tables, compared with the source's: there, writable, with the same columns and keys, empty. */
#include <inttypes.h>
#include <string.h>

#include "cli/check.h"

static const char WHAT[] = "target tables";

enum { MAX_SQL_BYTES = 64 * 1024 * 1024 };

/* ---- what the source has, as one JSON array ---- */

/* $1 the tables' OIDs; $2, $3 the publications. A type that a person made comes with the table, one of an extension
 * does not. */
#define SHAPES(column_list)                                                                        \
    "SELECT COALESCE(jsonb_agg(jsonb_build_object('schema', n.nspname, 'name', c.relname,"         \
    " 'columns', (SELECT jsonb_agg(jsonb_build_object('name', a.attname,"                          \
    "   'type', format_type(a.atttypid, a.atttypmod),"                                             \
    "   'is_made', t.typtype IN ('e', 'd', 'c') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend"  \
    "    d WHERE d.objid = t.oid AND d.deptype = 'e'"                                              \
    "    AND d.classid = 'pg_catalog.pg_type'::regclass)) ORDER BY a.attnum)"                      \
    "  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type e ON e.oid = a.atttypid"             \
    "  JOIN pg_catalog.pg_type t ON t.oid = CASE WHEN e.typelem <> 0 AND e.typlen = -1"            \
    "   THEN e.typelem ELSE e.oid END"                                                             \
    "  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"   \
    "  AND COALESCE(a.attnum = ANY ((" column_list ")::int2[]), true)),"                           \
    " 'key', (SELECT jsonb_agg(a.attname) FROM pg_catalog.pg_index i"                              \
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)"         \
    "  WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'i' THEN i.indisreplident"            \
    "   ELSE i.indisprimary END))), '[]')::text"                                                   \
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"         \
    " WHERE c.oid = ANY ($1::oid[]) AND $2::text || $3::text IS NOT NULL"

static const char SHAPES_15[] = SHAPES("SELECT r.prattrs FROM pg_catalog.pg_publication_rel r"
                                       "   JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid"
                                       "   WHERE r.prrelid = c.oid AND p.pubname IN ($2::text, "
                                       "$3::text) AND r.prattrs IS NOT NULL LIMIT 1");
static const char SHAPES_14[] = SHAPES("NULL");

static struct query *read_shapes(struct check *check)
{
    const struct publication_options *publication = &check->publication.options;
    SCOPED_BUFFER oids;
    byte_buffer_init(&oids, MAX_SQL_BYTES);
    write_text(&oids, "{");
    for (size_t i = 0; i < check->table_count; i++)
        if (check->tables[i].is_captured &&
            endpoints_sink_wants_table(check->config, check->tables[i].schema,
                                       check->tables[i].name))
            write_format(&oids, "%s%" PRIu32, oids.size > 1 ? "," : "", check->tables[i].oid);
    write_text(&oids, "}");
    return check_query(check, check->source, WHAT,
                       connection_server_version(check->source) >= 150000 ? SHAPES_15 : SHAPES_14,
                       PARAMS(byte_buffer_text(&oids), publication->name,
                              publication->insert_name ? publication->insert_name : ""));
}

/* ---- tables ---- */

#define WANTED                                                                                     \
    "FROM jsonb_to_recordset($1::jsonb) AS w(schema text, name text, columns jsonb, key jsonb)"
#define FOUND                                                                                      \
    " JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema"                                      \
    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name"                 \
    "  AND c.relkind IN ('r', 'p')"

/* $1 the shapes. */
static const char TABLES[] =
    "SELECT w.schema, w.name, c.oid IS NOT NULL, n.oid IS NOT NULL, quote_ident(w.schema),"
    " has_schema_privilege(n.oid, 'USAGE'), has_schema_privilege(n.oid, 'CREATE'),"
    " COALESCE((SELECT string_agg(r.word, ', ' ORDER BY r.place) FROM unnest(ARRAY['SELECT',"
    "  'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH ORDINALITY AS r(word, place)"
    "  WHERE NOT has_table_privilege(c.oid, r.word)), ''),"
    " COALESCE(row_security_active(c.oid), false),"
    " w.key IS NULL OR EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid"
    "  AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL"
    "  AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text) FROM unnest("
    "   i.indkey::int2[]) WITH ORDINALITY AS k(number, place) JOIN pg_catalog.pg_attribute a"
    "   ON a.attrelid = c.oid AND a.attnum = k.number WHERE k.place <= i.indnkeyatts)"
    "  = (SELECT array_agg(e ORDER BY e) FROM jsonb_array_elements_text(w.key) e)),"
    " (SELECT string_agg(quote_ident(e), ', ') FROM jsonb_array_elements_text(w.key) e),"
    " has_database_privilege(current_database(), 'CREATE')"
    " " WANTED " LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema"
    " LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name"
    "  AND c.relkind IN ('r', 'p')"
    " ORDER BY w.schema COLLATE \"C\", w.name COLLATE \"C\"";

enum {
    SCHEMA,
    NAME,
    EXISTS,
    HAS_SCHEMA,
    SCHEMA_SQL,
    MAY_USE_SCHEMA,
    MAY_CREATE_IN_SCHEMA,
    RIGHTS_LACKING,
    IS_ROW_SECURED,
    HAS_KEY,
    KEY_SQL,
    MAY_CREATE_SCHEMA,
};

/* A table that isn't there: whether it can be made. */
static void check_missing(struct check *check, const struct query *query, int row,
                          struct name_list *missing)
{
    const char *schema = query_text(query, row, SCHEMA_SQL);
    bool is_said = row > 0 && strcmp(schema, query_text(query, row - 1, SCHEMA_SQL)) == 0 &&
                   !query_bool(query, row - 1, EXISTS);
    name_list_add(missing, query_text(query, row, SCHEMA), query_text(query, row, NAME));
    if (!check->config->target.create_tables || is_said)
        return;
    bool has_schema = query_bool(query, row, HAS_SCHEMA);
    if (has_schema && !query_bool(query, row, MAY_CREATE_IN_SCHEMA)) {
        finding(&check->findings, FINDING_FAIL, WHAT, "role %s may not create tables in schema %s",
                check->target_role, schema);
        finding_do("GRANT USAGE, CREATE ON SCHEMA %s TO %s;", schema, check->target_role);
    }
    if (!has_schema && !query_bool(query, row, MAY_CREATE_SCHEMA)) {
        finding(&check->findings, FINDING_FAIL, WHAT, "role %s may not create schema %s",
                check->target_role, schema);
        finding_do("GRANT CREATE ON DATABASE %s TO %s;", check->target_database,
                   check->target_role);
    }
}

static void report_missing(struct check *check, struct name_list *missing)
{
    if (missing->count == 0)
        return;
    if (check->config->target.create_tables) {
        finding(&check->findings, FINDING_OK, WHAT, "%zu will be created: %s", missing->count,
                name_list_text(missing));
        return;
    }
    finding(&check->findings, FINDING_FAIL, WHAT, "TABLE_MISSING: %s", name_list_text(missing));
    finding_do("target.create_tables: true  or create them: pg_dump --schema-only -t … from the "
               "source");
}

static void check_existing(struct check *check, const struct query *query, int row)
{
    const char *rights = query_text(query, row, RIGHTS_LACKING);
    SCOPED_NAMES table;
    name_list_init(&table);
    name_list_add(&table, query_text(query, row, SCHEMA), query_text(query, row, NAME));
    const char *shown = name_list_text(&table);
    if (!query_bool(query, row, MAY_USE_SCHEMA)) {
        finding(&check->findings, FINDING_FAIL, WHAT, "role %s may not look into the schema of %s",
                check->target_role, shown);
        finding_do("GRANT USAGE ON SCHEMA %s TO %s;", query_text(query, row, SCHEMA_SQL),
                   check->target_role);
    }
    if (*rights) {
        finding(&check->findings, FINDING_FAIL, WHAT, "role %s lacks %s on %s", check->target_role,
                rights, shown);
        finding_do("GRANT %s ON %s TO %s;", rights, name_list_sql(&table), check->target_role);
    }
    if (query_bool(query, row, IS_ROW_SECURED)) {
        finding(&check->findings, FINDING_FAIL, WHAT,
                "row-level security of %s stands in the way of role %s", shown, check->target_role);
        finding_do("ALTER ROLE %s BYPASSRLS;", check->target_role);
    }
    if (!query_bool(query, row, HAS_KEY)) {
        finding(&check->findings, FINDING_WARN, WHAT,
                "%s has no unique index on (%s), the source's key: rows are looked for one by one, "
                "slowly",
                shown, query_text(query, row, KEY_SQL));
        finding_do("CREATE UNIQUE INDEX ON %s (%s);", name_list_sql(&table),
                   query_text(query, row, KEY_SQL));
    }
}

static void check_each(struct check *check, const struct query *query)
{
    SCOPED_NAMES missing;
    size_t existing = 0;
    name_list_init(&missing);
    for (int row = 0; row < query_rows(query); row++) {
        if (!query_bool(query, row, EXISTS)) {
            check_missing(check, query, row, &missing);
            continue;
        }
        existing++;
        check_existing(check, query, row);
    }
    report_missing(check, &missing);
    if (existing > 0)
        finding(&check->findings, FINDING_OK, WHAT, "%zu exist", existing);
}

/* ---- columns ---- */

/* $1 the shapes. What is wrong: m(issing), t(ype differs), n(ot null, and nothing fills it). */
static const char COLUMNS[] =
    "SELECT 'm', w.schema, w.name, quote_ident(l.name), l.type, ''"
    " " WANTED FOUND " CROSS JOIN LATERAL jsonb_to_recordset(w.columns) AS l(name text, type text)"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid"
    "  AND a.attname = l.name AND a.attnum > 0 AND NOT a.attisdropped)"
    " UNION ALL SELECT 't', w.schema, w.name, quote_ident(l.name), l.type,"
    "  format_type(a.atttypid, a.atttypmod)"
    " " WANTED FOUND " CROSS JOIN LATERAL jsonb_to_recordset(w.columns) AS l(name text, type text)"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = l.name AND a.attnum > 0"
    "  AND NOT a.attisdropped AND format_type(a.atttypid, a.atttypmod) <> l.type"
    " UNION ALL SELECT 'n', w.schema, w.name, quote_ident(a.attname), '', ''"
    " " WANTED FOUND
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    "  AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''"
    " WHERE NOT EXISTS (SELECT FROM jsonb_to_recordset(w.columns) AS l(name text)"
    "  WHERE l.name = a.attname)"
    " ORDER BY 2, 3, 4";

static void report_column(struct check *check, const struct query *query, int row)
{
    SCOPED_NAMES table;
    name_list_init(&table);
    name_list_add(&table, query_text(query, row, 1), query_text(query, row, 2));
    const char *shown = name_list_text(&table);
    const char *column = query_text(query, row, 3);
    const char *type = query_text(query, row, 4);
    switch (query_text(query, row, 0)[0]) {
    case 'm':
        finding(&check->findings, FINDING_FAIL, WHAT, "COLUMN_MISSING: %s has no column %s", shown,
                column);
        finding_do("ALTER TABLE %s ADD COLUMN %s %s;", name_list_sql(&table), column, type);
        return;
    case 't':
        finding(&check->findings, FINDING_WARN, WHAT,
                "column %s of %s is %s, at the source %s: a value that doesn't fit stops the "
                "replication",
                column, shown, query_text(query, row, 5), type);
        finding_do("ALTER TABLE %s ALTER COLUMN %s TYPE %s;", name_list_sql(&table), column, type);
        return;
    default:
        finding(&check->findings, FINDING_FAIL, WHAT,
                "column %s of %s is NOT NULL, has no default, and the source has no such column",
                column, shown);
        finding_do("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL;  or SET DEFAULT …",
                   name_list_sql(&table), column);
    }
}

/* $1 the shapes. Types that a table to be made needs, and that nobody will make. */
static const char TYPES[] =
    "SELECT DISTINCT l.type " WANTED
    " CROSS JOIN LATERAL jsonb_to_recordset(w.columns) AS l(type text, is_made boolean)"
    " WHERE NOT l.is_made AND to_regtype(l.type) IS NULL AND NOT EXISTS ("
    "  SELECT FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid"
    "  WHERE n.nspname = w.schema AND c.relname = w.name) ORDER BY 1";

static void check_types(struct check *check, const char *shapes)
{
    if (!check->config->target.create_tables)
        return;
    SCOPED_QUERY query = check_query(check, check->target, WHAT, TYPES, PARAMS(shapes));
    for (int row = 0; query && row < query_rows(query); row++) {
        finding(&check->findings, FINDING_FAIL, WHAT,
                "TYPE_MISSING: the target has no type %s, which tables to be created need",
                query_text(query, row, 0));
        finding_do("CREATE EXTENSION … at the target, in the same schema as at the source");
    }
}

/* ---- emptiness ---- */

/* Before the first copy; what may not be read was reported already. */
static void check_empty(struct check *check, const struct query *tables)
{
    SCOPED_BUFFER sql;
    SCOPED_NAMES filled;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    name_list_init(&filled);
    for (int row = 0; row < query_rows(tables); row++) {
        struct error ignored;
        bool is_readable = query_bool(tables, row, EXISTS) &&
                           query_bool(tables, row, MAY_USE_SCHEMA) &&
                           !query_bool(tables, row, IS_ROW_SECURED) &&
                           strstr(query_text(tables, row, RIGHTS_LACKING), "SELECT") == NULL;
        byte_buffer_clear(&sql);
        write_text(&sql, "SELECT FROM ");
        if (!is_readable ||
            !qualified_write(&sql, query_text(tables, row, SCHEMA), query_text(tables, row, NAME)))
            continue;
        write_text(&sql, " LIMIT 1");
        SCOPED_QUERY rows = query_run(check->target, byte_buffer_text(&sql), NO_PARAMS, &ignored);
        if (rows && query_rows(rows) > 0)
            name_list_add(&filled, query_text(tables, row, SCHEMA), query_text(tables, row, NAME));
    }
    if (filled.count == 0)
        return;
    finding(&check->findings, FINDING_FAIL, WHAT,
            "TARGET_NOT_EMPTY: rows that are there already would be mixed with the copy: %s",
            name_list_text(&filled));
    finding_do("TRUNCATE %s;  if those rows are not needed; if they are a copy already, see "
               "penstock run --adopt-slot",
               name_list_sql(&filled));
}

void check_target_tables(struct check *check)
{
    if (!check->source || check->table_count == 0)
        return;
    SCOPED_QUERY shapes = read_shapes(check);
    if (!shapes)
        return;
    const char *json = query_text(shapes, 0, 0);
    SCOPED_QUERY tables = check_query(check, check->target, WHAT, TABLES, PARAMS(json));
    SCOPED_QUERY columns = check_query(check, check->target, WHAT, COLUMNS, PARAMS(json));
    if (!tables || !columns)
        return;
    check_each(check, tables);
    for (int row = 0; row < query_rows(columns); row++)
        report_column(check, columns, row);
    check_types(check, json);
    if (check_is_first_copy(check))
        check_empty(check, tables);
}
