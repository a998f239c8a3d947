/* SPDX-License-Identifier: Apache-2.0 */
/* check: what the source's server must allow, and what would make the first start wait. */
#include <inttypes.h>
#include <string.h>

#include "cli/check.h"
#include "postgres/replication.h"

/* ---- settings and room ---- */

static const char SETTINGS[] =
    "SELECT current_setting('wal_level'),"
    " current_setting('max_replication_slots')::int,"
    " (SELECT count(*) FROM pg_catalog.pg_replication_slots),"
    " current_setting('max_wal_senders')::int,"
    " (SELECT count(*) FROM pg_catalog.pg_stat_replication),"
    " (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size'),"
    " current_setting('wal_sender_timeout') = '0'";

static void check_wal_level(struct check *check, const struct query *settings)
{
    const char *level = query_text(settings, 0, 0);
    if (strcmp(level, "logical") == 0) {
        finding(&check->findings, FINDING_OK, "source wal_level", "logical");
        return;
    }
    finding(&check->findings, FINDING_FAIL, "source wal_level",
            "%s; changes can be decoded only with logical", level);
    finding_do("ALTER SYSTEM SET wal_level = 'logical';  then restart the source's server");
}

/* Whether one more of what `what` counts fits under `setting`. */
static void check_room(struct check *check, const char *what, const char *setting, int64_t used,
                       int64_t most)
{
    if (used < most) {
        finding(&check->findings, FINDING_OK, what, "%" PRId64 " of %" PRId64 " in use", used,
                most);
        return;
    }
    finding(&check->findings, FINDING_FAIL, what, "all %" PRId64 " of %s are in use", most,
            setting);
    finding_do("ALTER SYSTEM SET %s = %" PRId64 ";  then restart the source's server", setting,
               most + 4);
}

static void check_settings(struct check *check, const struct query *settings, bool is_active)
{
    check_wal_level(check, settings);
    if (!check->has_slot)
        check_room(check, "source replication slots", "max_replication_slots",
                   query_int64(settings, 0, 2), query_int64(settings, 0, 1));
    if (!is_active)
        check_room(check, "source wal senders", "max_wal_senders", query_int64(settings, 0, 4),
                   query_int64(settings, 0, 3));
    if (query_int64(settings, 0, 5) < 0) {
        finding(&check->findings, FINDING_WARN, "source max_slot_wal_keep_size",
                "unlimited: while penstock is stopped, WAL may fill the source's disk");
        finding_do("ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf();  "
                   "(less than the free space; beyond it the slot is lost and a new copy is due)");
    }
    if (query_bool(settings, 0, 6)) {
        finding(&check->findings, FINDING_WARN, "source wal_sender_timeout",
                "0: a penstock whose machine died holds the slot for ever");
        finding_do("ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();");
    }
}

/* ---- the right to replicate ---- */

static void check_system(struct check *check, struct connection *session)
{
    struct system_identity identity;
    struct error err;
    if (!replication_identify(session, &identity, &err)) {
        finding_error(&check->findings, "source replication", &err);
        return;
    }
    finding(&check->findings, FINDING_OK, "source replication", "role %s may replicate",
            check->source_role);
    if (!check_is_streaming(check) || identity.system_id == check->recorded.system_id)
        return;
    finding(&check->findings, FINDING_FAIL, "source",
            "SYSID_CHANGED: it is another cluster (%" PRIu64 ") than the one that was copied "
            "(%" PRIu64 ")",
            identity.system_id, check->recorded.system_id);
    finding_do("point source.url at the cluster that was copied; else see docs/stops.md, "
               "SYSID_CHANGED");
}

/* The attribute is not the last word, managed services grant the right otherwise: a session is. */
static void check_replication(struct check *check, const struct connection_options *options)
{
    struct connection_options replicating = *options;
    struct error err;
    replicating.is_replication = true;
    struct connection *session = connection_open(&replicating, &err);
    if (session) {
        check_system(check, session);
        connection_close(session);
        return;
    }
    SCOPED_QUERY role = check_query(check, check->source, "source replication",
                                    "SELECT rolsuper OR rolreplication FROM pg_catalog.pg_roles"
                                    " WHERE rolname = current_user",
                                    NO_PARAMS);
    if (!role || query_rows(role) == 0 || query_bool(role, 0, 0)) {
        finding_error(&check->findings, "source replication", &err);
        return;
    }
    finding(&check->findings, FINDING_FAIL, "source replication",
            "role %s lacks the attribute REPLICATION", check->source_role);
    finding_do("ALTER ROLE %s REPLICATION;", check->source_role);
}

void check_source_server(struct check *check, const struct connection_options *options)
{
    const char *slot = check->config->source.slot;
    SCOPED_QUERY active = check_query(
        check, check->source, "source slot",
        "SELECT active FROM pg_catalog.pg_replication_slots WHERE slot_name = $1", PARAMS(slot));
    SCOPED_QUERY settings =
        check_query(check, check->source, "source settings", SETTINGS, NO_PARAMS);
    if (!active || !settings)
        return;
    check->has_slot = query_rows(active) > 0;
    bool is_active = check->has_slot && query_bool(active, 0, 0);
    check_settings(check, settings, is_active);
    check_replication(check, options);
}

/* ---- what makes the making of a slot wait ---- */

/* A transaction in any database of the cluster counts, as long as it has written. */
static const char WRITERS[] =
    "SELECT a.pid, COALESCE(a.datname, '?'), COALESCE(quote_ident(a.usename), '?'),"
    " EXTRACT(epoch FROM clock_timestamp() - a.xact_start)::bigint, COALESCE(a.state, '?')"
    " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'transactionid' AND l.granted AND l.mode = 'ExclusiveLock'"
    " AND a.xact_start < clock_timestamp() - interval '5 s' ORDER BY a.xact_start LIMIT 10";

static const char PREPARED[] =
    "SELECT quote_literal(gid), database, EXTRACT(epoch FROM clock_timestamp() - prepared)::bigint"
    " FROM pg_catalog.pg_prepared_xacts ORDER BY prepared LIMIT 10";

static void check_writers(struct check *check)
{
    SCOPED_QUERY query =
        check_query(check, check->source, "source transactions", WRITERS, NO_PARAMS);
    for (int row = 0; query && row < query_rows(query); row++) {
        finding(&check->findings, FINDING_WARN, "source transactions",
                "pid %s (database %s, role %s, %s) has had a transaction open for %s s; the first "
                "start waits until it ends",
                query_text(query, row, 0), query_text(query, row, 1), query_text(query, row, 2),
                query_text(query, row, 4), query_text(query, row, 3));
        finding_do("SELECT pg_terminate_backend(%s);  if nobody needs it",
                   query_text(query, row, 0));
    }
    if (query && query_rows(query) == 0)
        finding(&check->findings, FINDING_OK, "source transactions",
                "none is open for so long that the first start would have to wait");
}

static void check_prepared(struct check *check)
{
    const char *effect = check->has_slot ? "as long as it is there, WAL is kept for it"
                                         : "the first start waits until it is decided";
    SCOPED_QUERY query =
        check_query(check, check->source, "source prepared transactions", PREPARED, NO_PARAMS);
    for (int row = 0; query && row < query_rows(query); row++) {
        finding(&check->findings, FINDING_WARN, "source prepared transactions",
                "%s in database %s is undecided for %s s; %s", query_text(query, row, 0),
                query_text(query, row, 1), query_text(query, row, 2), effect);
        finding_do("COMMIT PREPARED %s;  or  ROLLBACK PREPARED %s;  in database %s",
                   query_text(query, row, 0), query_text(query, row, 0), query_text(query, row, 1));
    }
}

void check_source_waits(struct check *check)
{
    if (!check->has_slot)
        check_writers(check);
    check_prepared(check);
}
