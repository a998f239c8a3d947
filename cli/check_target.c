/* SPDX-License-Identifier: Apache-2.0 */
/* check: what the target's server must allow. */
#include <string.h>

#include "cli/check.h"

static const char STATE_WHAT[] = "target schema penstock";

/* Where the state is kept: is there, may be used, or may be made. */
static const char STATE[] =
    "SELECT (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
    "  ON n.oid = c.relnamespace WHERE n.nspname = 'penstock'"
    "  AND c.relname IN ('checkpoint', 'table_progress')) = 2,"
    " to_regnamespace('penstock') IS NOT NULL,"
    " has_database_privilege(current_database(), 'CREATE'),"
    " has_database_privilege(current_database(), 'TEMPORARY'),"
    " COALESCE(current_setting('max_active_replication_origins', true),"
    "  current_setting('max_replication_slots'))::int > 0, current_setting('server_encoding'),"
    " COALESCE((SELECT has_schema_privilege(oid, 'USAGE') FROM pg_catalog.pg_namespace"
    "  WHERE nspname = 'penstock'), true),"
    " COALESCE((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace"
    "  WHERE nspname = 'penstock'), true)";

static const char STATE_RIGHTS[] =
    "SELECT COALESCE(bool_and(has_table_privilege(c.oid, 'SELECT') AND"
    " has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')), false)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'penstock' AND c.relname IN ('checkpoint', 'table_progress')";

static void check_existing_state(struct check *check, bool is_usable)
{
    const char *role = check->target_role;
    SCOPED_QUERY rights = check_query(check, check->target, STATE_WHAT, STATE_RIGHTS, NO_PARAMS);
    if (!rights)
        return;
    if (is_usable && query_bool(rights, 0, 0)) {
        finding(
            &check->findings, FINDING_OK, STATE_WHAT, "%s: %s", endpoints_sink_name(check->config),
            check->is_checkpoint_known ? recorded_state_text(check->checkpoint.state) : "unknown");
        return;
    }
    finding(&check->findings, FINDING_FAIL, STATE_WHAT,
            "role %s may not read and write the state that is kept there", role);
    finding_do("GRANT USAGE ON SCHEMA penstock TO %s; GRANT SELECT, INSERT, UPDATE ON "
               "penstock.checkpoint, penstock.table_progress TO %s;",
               role, role);
}

static void check_state(struct check *check, const struct query *state)
{
    const char *role = check->target_role;
    bool has_schema = query_bool(state, 0, 1);
    if (query_bool(state, 0, 0)) {
        check_existing_state(check, query_bool(state, 0, 6));
    } else if (has_schema && !(query_bool(state, 0, 6) && query_bool(state, 0, 7))) {
        finding(&check->findings, FINDING_FAIL, STATE_WHAT, "role %s may not create tables in it",
                role);
        finding_do("GRANT USAGE, CREATE ON SCHEMA penstock TO %s;", role);
    } else if (!has_schema && !query_bool(state, 0, 2)) {
        finding(&check->findings, FINDING_FAIL, STATE_WHAT,
                "the state is kept in it, and role %s may not create schemas in database %s", role,
                check->target_database);
        finding_do("GRANT CREATE ON DATABASE %s TO %s;  or CREATE SCHEMA penstock AUTHORIZATION "
                   "%s;",
                   check->target_database, role, role);
    } else {
        finding(&check->findings, FINDING_OK, STATE_WHAT, "will be made");
    }
}

/* Large batches are staged in temporary tables. */
static void check_temporary(struct check *check, bool is_allowed)
{
    if (is_allowed)
        return;
    finding(&check->findings, FINDING_FAIL, "target temporary tables",
            "role %s may not create them; large batches go through them", check->target_role);
    finding_do("GRANT TEMPORARY ON DATABASE %s TO %s;", check->target_database, check->target_role);
}

static void check_encoding(struct check *check, const char *target_encoding)
{
    struct error ignored;
    if (!check->source || strcmp(target_encoding, "UTF8") == 0)
        return;
    SCOPED_QUERY source =
        query_run(check->source, "SELECT current_setting('server_encoding')", NO_PARAMS, &ignored);
    if (!source || strcmp(query_text(source, 0, 0), target_encoding) == 0)
        return;
    finding(&check->findings, FINDING_WARN, "target encoding",
            "%s, the source's is %s: a row with a character that %s doesn't have will stop the "
            "replication",
            target_encoding, query_text(source, 0, 0), target_encoding);
    finding_do("use a target database with ENCODING 'UTF8'");
}

/* The only sure way to know is to try, in this session only. */
static void check_replica_role(struct check *check)
{
    struct error err;
    if (connection_execute(check->target, "SET session_replication_role = replica", NO_PARAMS,
                           &err) &&
        connection_execute(check->target, "RESET session_replication_role", NO_PARAMS, &err)) {
        finding(&check->findings, FINDING_OK, "target session_replication_role",
                "can be set: triggers and foreign keys rest while changes are applied");
        return;
    }
    if (err.stop != STOP_PERMISSION_DENIED) {
        finding_error(&check->findings, "target session_replication_role", &err);
        return;
    }
    finding(&check->findings, FINDING_WARN, "target session_replication_role",
            "role %s may not set it: triggers fire and foreign keys are checked at the target as "
            "well",
            check->target_role);
    if (connection_server_version(check->target) >= 150000)
        finding_do("GRANT SET ON PARAMETER session_replication_role TO %s;", check->target_role);
    else
        finding_do("ALTER ROLE %s SUPERUSER;  (PostgreSQL 15 and newer have a smaller right), or "
                   "see that the target has no triggers and foreign keys",
                   check->target_role);
}

static const char ORIGIN[] =
    "SELECT bool_and(has_function_privilege(f::regprocedure, 'EXECUTE')) FROM unnest(ARRAY["
    "'pg_catalog.pg_replication_origin_oid(text)',"
    " 'pg_catalog.pg_replication_origin_create(text)',"
    " 'pg_catalog.pg_replication_origin_session_setup(text)']) f";

static void check_origin(struct check *check, bool has_origins)
{
    SCOPED_QUERY query =
        check_query(check, check->target, "target replication origin", ORIGIN, NO_PARAMS);
    if (!query)
        return;
    if (!query_bool(query, 0, 0)) {
        finding(&check->findings, FINDING_WARN, "target replication origin",
                "role %s may not use one: others that replicate from the target can't tell our "
                "changes from its own",
                check->target_role);
        finding_do("GRANT EXECUTE ON FUNCTION pg_replication_origin_oid(text), "
                   "pg_replication_origin_create(text), pg_replication_origin_session_setup(text) "
                   "TO %s;",
                   check->target_role);
        return;
    }
    if (!has_origins) {
        finding(&check->findings, FINDING_WARN, "target replication origin",
                "max_replication_slots (from PostgreSQL 18 on max_active_replication_origins) is "
                "0, which allows none");
        finding_do("ALTER SYSTEM SET max_replication_slots = 10;  then restart the target's "
                   "server");
        return;
    }
    finding(&check->findings, FINDING_OK, "target replication origin", "penstock_%s",
            endpoints_sink_name(check->config));
}

void check_target_server(struct check *check)
{
    SCOPED_QUERY state = check_query(check, check->target, "target", STATE, NO_PARAMS);
    if (!state)
        return;
    check_state(check, state);
    check_temporary(check, query_bool(state, 0, 3));
    check_encoding(check, query_text(state, 0, 5));
    check_replica_role(check);
    check_origin(check, query_bool(state, 0, 4));
}
