/* SPDX-License-Identifier: Apache-2.0 */
/* penstock check: the servers are asked for all that `run`, `capture` and `sink` will need of them. */
#include "cli/check.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sink/target_postgres.h"

struct query *check_query(struct check *check, struct connection *connection, const char *what,
                          const char *sql, const char *const *params)
{
    struct error err;
    struct query *query = query_run(connection, sql, params, &err);
    if (!query)
        finding_error(&check->findings, what, &err);
    return query;
}

static const char ABOUT[] =
    "SELECT current_setting('server_version'), current_database(), current_setting("
    "'server_encoding'), quote_ident(current_user), quote_ident(current_database()),"
    " pg_is_in_recovery()";

/* What a session tells about its server; "" and a finding if it can't. */
static bool introduce(struct check *check, const struct connection_options *options,
                      struct connection *connection, const char **role, const char **database)
{
    SCOPED_QUERY query = check_query(check, connection, options->what, ABOUT, NO_PARAMS);
    *role = *database = "";
    if (!query)
        return false;
    *role = arena_copy_string(check->arena, query_text(query, 0, 3));
    *database = arena_copy_string(check->arena, query_text(query, 0, 4));
    finding(&check->findings, FINDING_OK, options->what,
            "PostgreSQL %s, database %s, encoding %s, role %s", query_text(query, 0, 0),
            query_text(query, 0, 1), query_text(query, 0, 2), query_text(query, 0, 3));
    if (!connection_is_verified(connection)) {
        finding(&check->findings, FINDING_WARN, options->what,
                "the server isn't verified: anyone on the way can read and change what is "
                "replicated");
        finding_do("remove %s.insecure from the configuration, and give sslrootcert=… in %s.url if "
                   "the server's certificate needs it",
                   options->what, options->what);
    }
    if (query_bool(query, 0, 5)) {
        finding(&check->findings, FINDING_FAIL, options->what, "it is a standby, and read-only");
        finding_do("point %s.url at the primary; with several hosts: target_session_attrs="
                   "read-write",
                   options->what);
    }
    return !query_bool(query, 0, 5);
}

/* NULL, and a finding, if it can't be reached; NULL alone if there is none. */
static struct connection *reach(struct check *check, const struct connection_options *options,
                                int64_t deadline_ms, const char **role, const char **database)
{
    struct error err;
    if (!options->url)
        return NULL;
    int64_t left_ms = deadline_ms - clock_now_ms(&system_clock);
    struct connection *connection = command_connect(options, left_ms > 0 ? (int)left_ms : 0, &err);
    if (!connection) {
        finding_error(&check->findings, options->what, &err);
        return NULL;
    }
    if (introduce(check, options, connection, role, database))
        return connection;
    connection_close(connection);
    return NULL;
}

/* Two sessions with one postmaster, in one database. */
static void check_distinct(struct check *check)
{
    static const char SELF[] =
        "SELECT concat_ws(' ', pg_postmaster_start_time(), current_database(),"
        " (SELECT system_identifier FROM pg_catalog.pg_control_system()))";
    struct error ignored;
    SCOPED_QUERY source = query_run(check->source, SELF, NO_PARAMS, &ignored);
    SCOPED_QUERY target = query_run(check->target, SELF, NO_PARAMS, &ignored);
    if (!source || !target || strcmp(query_text(source, 0, 0), query_text(target, 0, 0)) != 0)
        return;
    finding(&check->findings, FINDING_FAIL, "target", "it is the source itself: database %s",
            check->source_database);
    finding_do("point target.url at another database");
}

/* A target that can't tell is reported by check_target_server(). Without Kafka its checkpoint is R. */
static void read_checkpoint(struct check *check)
{
    struct error err;
    check->is_checkpoint_known = target_postgres_read_checkpoint(
        check->target, endpoints_sink_name(check->config), &check->checkpoint, &err);
    if (!check->is_checkpoint_known && err.stop != STOP_PERMISSION_DENIED)
        finding_error(&check->findings, "target checkpoint", &err);
    if (check->has_kafka)
        return;
    check->is_recorded_known = check->is_checkpoint_known;
    recorded_assign(&check->recorded, &check->checkpoint);
}

static void check_source(struct check *check, const struct endpoints *endpoints)
{
    check_source_server(check, &endpoints->source);
    check_source_slot(check);
    check_source_waits(check);
    if (check_read_tables(check)) {
        check_source_tables(check);
        check_source_publication(check);
    }
}

static void check_servers(struct check *check, const struct endpoints *endpoints)
{
    int64_t deadline_ms = clock_now_ms(&system_clock) + COMMAND_PATIENCE_MS;
    check->source =
        reach(check, &endpoints->source, deadline_ms, &check->source_role, &check->source_database);
    check->target =
        reach(check, &endpoints->target, deadline_ms, &check->target_role, &check->target_database);
    if (check->source && check->target)
        check_distinct(check);
    if (check->target)
        read_checkpoint(check);
    bool has_brokers = check->has_kafka && check_kafka(check);
    if (check->source)
        check_source(check, endpoints);
    if (has_brokers) {
        check_topics(check);
        check_registry(check);
    }
    if (check->target) {
        check_target_server(check);
        check_target_tables(check);
    }
}

enum exit_code command_check(const struct arguments *arguments, const struct config *config)
{
    struct endpoints endpoints;
    struct error err;
    if (!endpoints_read(&endpoints, config, &err))
        return command_stopped(&err);
    struct check check = {
        .config = config, .arena = arena_new(16 * 1024), .has_kafka = config->kafka.count > 0};
    finding(&check.findings, FINDING_OK, "configuration", "%s, replication %s",
            arguments->config_path ? arguments->config_path : "from the command line",
            config->name);
    publication_names_set(&check.publication, config);
    check_servers(&check, &endpoints);
    connection_close(check.source);
    connection_close(check.target);
    check_kafka_release(&check);
    recorded_release(&check.recorded);
    recorded_release(&check.checkpoint);
    arena_free(check.arena);
    endpoints_release(&endpoints);
    return findings_close(&check.findings);
}
