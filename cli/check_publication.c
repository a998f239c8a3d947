/* SPDX-License-Identifier: Apache-2.0 */
/* check: whether the publications can be made, or are there and cover what the configuration chooses. */
#include <string.h>

#include "capture/oids.h"
#include "cli/check.h"

static const char WHAT[] = "source publication";

/* $1, $2 the publications. */
static const char PUBLICATIONS[] =
    "SELECT has_database_privilege(current_database(), 'CREATE'), count(p.oid),"
    " COALESCE(bool_and(pg_has_role(p.pubowner, 'USAGE')), true),"
    " COALESCE(bool_or(p.pubinsert), false) AND COALESCE(bool_or(p.pubupdate), false)"
    "  AND COALESCE(bool_or(p.pubdelete), false) AND COALESCE(bool_or(p.pubtruncate), false),"
    " COALESCE(string_agg(DISTINCT quote_ident(pg_get_userbyid(p.pubowner)), ', '), '')"
    " FROM (SELECT) one LEFT JOIN pg_catalog.pg_publication p ON p.pubname IN ($1, $2)";

static bool is_ordinary(const struct checked_table *table)
{
    return table->kind == 'r' && table->persistence == 'p';
}

/* Ordinary tables that match but aren't published. */
static void list_unpublished(const struct check *check, struct name_list *list)
{
    name_list_init(list);
    for (size_t i = 0; i < check->table_count; i++) {
        const struct checked_table *table = &check->tables[i];
        if (is_ordinary(table) && !table->is_published)
            name_list_add(list, table->schema, table->name);
    }
}

/* ---- ours ---- */

/* Whoever makes a publication must own its tables, himself or through a role. */
static void check_ownership(struct check *check)
{
    for (size_t i = 0; i < check->table_count; i++) {
        const struct checked_table *table = &check->tables[i];
        bool is_said = false;
        for (size_t j = 0; j < i && !is_said; j++)
            is_said = check->tables[j].is_captured && !check->tables[j].is_owned &&
                      strcmp(check->tables[j].owner, table->owner) == 0;
        if (!table->is_captured || table->is_owned || is_said)
            continue;
        finding(&check->findings, FINDING_FAIL, WHAT,
                "role %s can't publish tables that %s owns, %s.%s among them", check->source_role,
                table->owner, table->schema, table->name);
        finding_do("GRANT %s TO %s;  or let the owner make a publication of another name and name "
                   "it in source.publication",
                   table->owner, check->source_role);
    }
}

static void check_can_make(struct check *check, const struct query *found)
{
    int failures = check->findings.counts[FINDING_FAIL];
    if (!query_bool(found, 0, 0)) {
        finding(&check->findings, FINDING_FAIL, WHAT,
                "role %s may not create publications in database %s", check->source_role,
                check->source_database);
        finding_do("GRANT CREATE ON DATABASE %s TO %s;", check->source_database,
                   check->source_role);
    }
    if (!query_bool(found, 0, 2)) {
        finding(&check->findings, FINDING_FAIL, WHAT, "%s exists and belongs to %s",
                check->config->source.publication, query_text(found, 0, 4));
        finding_do("GRANT %s TO %s;  or name it in source.publication under another name",
                   query_text(found, 0, 4), check->source_role);
    }
    check_ownership(check);
    if (check->findings.counts[FINDING_FAIL] == failures)
        finding(&check->findings, FINDING_OK, WHAT, "%s %s", check->config->source.publication,
                query_uint64(found, 0, 1) > 0 ? "exists" : "will be made");
}

/* ---- as recorded ---- */

/* Whether R was written for the same source.tables and source.exclude: it ends with their hash. */
static bool is_filter_same(const struct check *check)
{
    char hash[FILTER_HASH_SIZE];
    endpoints_hash_filter(check->config, hash);
    size_t size = strlen(check->recorded.routing);
    return size >= strlen(hash) && strcmp(check->recorded.routing + size - strlen(hash), hash) == 0;
}

/* A table that matches only since the filter was changed may hold rows that were never copied. */
static bool check_widened(const struct check *check, struct error *err)
{
    SCOPED_OIDS recorded_oids = oids_of_recorded(&check->recorded);
    for (size_t i = 0; i < check->table_count; i++) {
        const struct checked_table *table = &check->tables[i];
        if (is_ordinary(table) && !oids_find(&recorded_oids, table->oid))
            return publication_table_added(&check->publication.options, table->schema, table->name,
                                           err);
    }
    return true;
}

/* What `run` would stop for. */
static void check_against_recorded(struct check *check)
{
    bool is_same_filter = is_filter_same(check);
    struct published published;
    struct publication_change change;
    struct error err;
    if (!publication_read(check->source, &check->publication.options, endpoints_want_table,
                          check->config, &published, &err)) {
        finding_error(&check->findings, WHAT, &err);
        return;
    }
    if (publication_compare(check->source, &check->publication.options, &published,
                            &check->recorded, is_same_filter, &change, &err) &&
        (is_same_filter || check_widened(check, &err)))
        finding(&check->findings, FINDING_OK, WHAT, "%s is as it was recorded",
                check->config->source.publication);
    else
        finding_error(&check->findings, WHAT, &err);
    publication_change_release(&change);
    published_release(&published);
}

static void warn_unpublished(struct check *check)
{
    SCOPED_NAMES unpublished;
    list_unpublished(check, &unpublished);
    if (unpublished.count == 0)
        return;
    finding(&check->findings, FINDING_WARN, WHAT, "these match, but are not published: %s",
            name_list_text(&unpublished));
    if (check_is_streaming(check))
        finding_do("name them in source.exclude, or replicate them by a second configuration "
                   "with a name of its own");
    else
        finding_do("ALTER PUBLICATION \"%s\" ADD TABLE %s;", check->config->source.publication,
                   name_list_sql(&unpublished));
}

/* ---- a person's ---- */

/* Where UPDATE is published the server refuses it on a table that has no identity. */
static void check_refused_updates(struct check *check)
{
    SCOPED_NAMES refused;
    name_list_init(&refused);
    for (size_t i = 0; i < check->table_count; i++) {
        const struct checked_table *table = &check->tables[i];
        if (is_ordinary(table) && table->is_update_published && !table->has_identity)
            name_list_add(&refused, table->schema, table->name);
    }
    if (refused.count == 0)
        return;
    finding(&check->findings, FINDING_WARN, WHAT,
            "%s publishes UPDATE or DELETE of tables without replica identity, which makes the "
            "application's own UPDATE and DELETE fail: %s",
            check->config->source.publication, name_list_text(&refused));
    finding_do("ALTER PUBLICATION \"%s\" DROP TABLE %s;  or give each a primary key or REPLICA "
               "IDENTITY FULL",
               check->config->source.publication, name_list_sql(&refused));
}

static void check_named(struct check *check, const struct query *found)
{
    const char *name = check->config->source.publication;
    SCOPED_NAMES all;
    list_unpublished(check, &all);
    if (query_uint64(found, 0, 1) == 0) {
        finding(&check->findings, FINDING_FAIL, WHAT, "PUBLICATION_MISSING: %s does not exist",
                name);
        if (all.count > 0)
            finding_do("CREATE PUBLICATION \"%s\" FOR TABLE %s;", name, name_list_sql(&all));
        else
            finding_do("CREATE PUBLICATION \"%s\" FOR ALL TABLES;", name);
        return;
    }
    finding(&check->findings, FINDING_OK, WHAT, "%s exists", name);
    if (!query_bool(found, 0, 3)) {
        finding(&check->findings, FINDING_WARN, WHAT, "%s doesn't publish every kind of change",
                name);
        finding_do("ALTER PUBLICATION \"%s\" SET (publish = 'insert, update, delete, truncate');",
                   name);
    }
    warn_unpublished(check);
    check_refused_updates(check);
}

void check_source_publication(struct check *check)
{
    const struct publication_options *options = &check->publication.options;
    SCOPED_QUERY found =
        check_query(check, check->source, WHAT, PUBLICATIONS,
                    PARAMS(options->name, options->insert_name ? options->insert_name : ""));
    if (!found)
        return;
    if (check_is_streaming(check)) {
        check_against_recorded(check);
        warn_unpublished(check);
        if (!options->is_ours)
            check_refused_updates(check);
    } else if (options->is_ours) {
        check_can_make(check, found);
    } else {
        check_named(check, found);
    }
}
