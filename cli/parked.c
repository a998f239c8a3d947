/* SPDX-License-Identifier: Apache-2.0 */
/* Parked changes, counted table by table. */
#include "cli/parked.h"

#include <string.h>

/* A target that an older version has begun has no such table; a query of no rows with the same columns stands for it. */
static bool has_table(struct connection *target, bool *has, struct error *err)
{
    SCOPED_QUERY query = query_run(
        target, "SELECT pg_catalog.to_regclass('penstock.parked') IS NOT NULL", NO_PARAMS, err);
    if (query)
        *has = query_bool(query, 0, 0);
    return query != NULL;
}

struct query *parked_list(struct connection *target, const char *name, struct error *err)
{
    bool has = false;
    if (!has_table(target, &has, err))
        return NULL;
    if (!has)
        return query_run(target, "SELECT WHERE false", NO_PARAMS, err);
    return query_run(
        target,
        "SELECT schema_name, table_name, count(*), count(*) FILTER (WHERE NOT is_waiting),"
        " to_char(min(parked_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        " FROM penstock.parked WHERE name = $1 AND resolved_at IS NULL"
        " GROUP BY 1, 2 ORDER BY 1, 2",
        PARAMS(name), err);
}

bool parked_count(struct connection *target, const char *name, const char *schema,
                  const char *table, uint64_t *count, struct error *err)
{
    SCOPED_QUERY list = parked_list(target, name, err);
    if (!list)
        return error_add(err, "counting what is parked");
    *count = 0;
    for (int row = 0; row < query_rows(list); row++)
        if (strcmp(query_text(list, row, 0), schema) == 0 &&
            strcmp(query_text(list, row, 1), table) == 0)
            *count = query_uint64(list, row, 2);
    return true;
}
