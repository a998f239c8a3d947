/* SPDX-License-Identifier: Apache-2.0 */
/* penstock verify: waits until both sides should be the same, then compares them table by table. */
#include "cli/verify.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "capture/oids.h"
#include "cli/page.h"
#include "sink/target_postgres.h"

enum { SETTLE_MS = 60000, SETTLE_AGAIN_MS = 10000 };

/* ---- sessions ---- */

static bool connect_side(struct verify *verify, enum side side,
                         const struct connection_options *options, struct error *err)
{
    verify->sessions[side] = command_connect(options, COMMAND_PATIENCE_MS, err);
    if (!verify->sessions[side])
        return false;
    SCOPED_QUERY encoding =
        query_run(verify->sessions[side], "SELECT current_setting('server_encoding') = 'UTF8'",
                  NO_PARAMS, err);
    verify->is_utf8[side] = encoding && query_bool(encoding, 0, 0);
    return encoding != NULL;
}

/* The snapshot is taken by the first query. */
static bool begin_snapshot(struct connection *session, struct error *err)
{
    return connection_execute(session,
                              "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT "
                              "pg_current_snapshot()",
                              NO_PARAMS, err);
}

static bool end_snapshots(struct verify *verify, struct error *err)
{
    return connection_execute(verify->sessions[SOURCE], "ROLLBACK", NO_PARAMS, err) &&
           connection_execute(verify->sessions[TARGET], "ROLLBACK", NO_PARAMS, err);
}

/* ---- the tables ---- */

static void skip_table(struct verify *verify, const struct listed_table *table)
{
    SCOPED_BUFFER name;
    byte_buffer_init(&name, 1024);
    table_write_name(&name, table->schema, table->name);
    verify->skipped_tables++;
    page_line("skipped    %s  it is not published any more", byte_buffer_text(&name));
}

/* Whether it was captured, and the sink takes it. */
static bool is_compared(const struct verify *verify, const struct oids *captured, uint32_t oid,
                        const char *schema, const char *name)
{
    return oids_find(captured, oid) && endpoints_sink_wants_table(verify->config, schema, name);
}

static bool compare_listed(struct verify *verify, const struct listed_tables *listed,
                           const struct published *published, struct error *err)
{
    SCOPED_OIDS captured = oids_of_recorded(&verify->captured);
    SCOPED_OIDS published_oids = oids_of_published(published);
    for (size_t i = 0; i < published->count; i++) {
        const struct published_table *table = &published->tables[i];
        if (is_compared(verify, &captured, table->oid, table->schema, table->name) &&
            !verify_table(verify, table, err))
            return false;
    }
    for (size_t i = 0; i < listed->count; i++) {
        const struct listed_table *table = &listed->items[i];
        if (is_compared(verify, &captured, table->oid, table->schema, table->name) &&
            !oids_find(&published_oids, table->oid))
            skip_table(verify, table);
    }
    return true;
}

static bool compare_tables(struct verify *verify, struct error *err)
{
    struct listed_tables listed;
    struct published published;
    struct connection *source = verify->sessions[SOURCE];
    if (!catalog_list_tables(source, endpoints_want_table, verify->config, &listed, err))
        return false;
    if (!publication_read(source, &verify->names.options, endpoints_want_table, verify->config,
                          &published, err)) {
        listed_tables_release(&listed);
        return false;
    }
    bool is_done = compare_listed(verify, &listed, &published, err);
    published_release(&published);
    listed_tables_release(&listed);
    return is_done;
}

static bool compare_snapshots(struct verify *verify, struct error *err)
{
    return begin_snapshot(verify->sessions[SOURCE], err) &&
           begin_snapshot(verify->sessions[TARGET], err) &&
           target_postgres_read_checkpoint(verify->sessions[TARGET],
                                           endpoints_sink_name(verify->config), &verify->recorded,
                                           err) &&
           compare_tables(verify, err) && end_snapshots(verify, err);
}

/* ---- verdicts ---- */

static enum exit_code not_settled(const struct settlement *settlement)
{
    char behind[SIZE_TEXT_SIZE];
    size_text(settlement->lag_bytes, behind);
    page_line("not compared: the target is %s of WAL behind the source", behind);
    log_warn("not compared", "reason=%s lag_bytes=%lu do=%s", "the target is behind",
             (unsigned long)settlement->lag_bytes,
             settlement->idle ? settlement->idle
                              : "wait until penstock status says that it is in step");
    return EXIT_TRY_AGAIN;
}

static enum exit_code not_copied(const struct verify *verify, const struct settlement *settlement)
{
    enum recorded_state state = settlement->recorded.state;
    const char *remedy = "start penstock run, and let it finish the copy";
    if (verify->kafka)
        remedy = settlement->captured.state == RECORDED_STREAMING
                     ? "start penstock sink, and let it take the copy from Kafka"
                     : "start penstock capture, and let it finish the copy";
    page_line("not compared: %s",
              state == RECORDED_NONE ? "nothing was copied yet" : "the initial copy isn't done");
    log_warn("not compared", "name=%s state=%s do=%s", verify->config->name,
             recorded_state_text(state), remedy);
    return EXIT_TRY_AGAIN;
}

/* Differences count only if no captured change was committed between the two snapshots: then the target has come no
 * further since, though it has all that the source has. */
static bool has_moved(const struct verify *verify, bool *is_moved, struct error *err)
{
    struct settlement after;
    bool is_settled = verify_settle(verify, SETTLE_AGAIN_MS, &after, err);
    if (is_settled)
        *is_moved = !(after.is_reached || after.is_detached) ||
                    position_compare(&after.recorded.position, &verify->recorded.position) != 0;
    settlement_release(&after);
    return is_settled;
}

static enum exit_code conclude(const struct verify *verify, bool is_moved)
{
    size_t count = verify->equal_tables + verify->different_tables;
    char skipped[64] = "";
    if (verify->skipped_tables > 0)
        snprintf(skipped, sizeof(skipped), ", %zu skipped", verify->skipped_tables);
    if (verify->different_tables == 0) {
        page_line("equal: %zu tables, %" PRIu64 " rows%s", count, verify->rows, skipped);
        return EXIT_OK;
    }
    if (is_moved) {
        page_line("not decided: %zu of %zu tables differ, but changes were committed meanwhile: "
                  "try again while the source is quiet",
                  verify->different_tables, count);
        return EXIT_TRY_AGAIN;
    }
    page_line("different: %zu of %zu tables%s", verify->different_tables, count, skipped);
    return EXIT_DIFFERENT;
}

/* ---- the command ---- */

/* True with an exit code, or false with an error. */
static bool run_settled(struct verify *verify, const struct settlement *settlement,
                        enum exit_code *code, struct error *err)
{
    bool is_moved = false;
    if (settlement->recorded.state != RECORDED_STREAMING) {
        *code = not_copied(verify, settlement);
        return true;
    }
    if (settlement->is_detached) {
        log_warn("comparing without waiting", "slot=%s reason=%s", verify->config->source.slot,
                 "the slot is gone, or the source is another cluster");
    } else if (!settlement->is_reached) {
        *code = not_settled(settlement);
        return true;
    }
    recorded_assign(&verify->captured, &settlement->captured);
    if (!compare_snapshots(verify, err) ||
        (verify->different_tables > 0 && !has_moved(verify, &is_moved, err)))
        return false;
    *code = conclude(verify, is_moved);
    return true;
}

static bool run(struct verify *verify, enum exit_code *code, struct error *err)
{
    struct settlement settlement;
    bool is_done = verify_settle(verify, SETTLE_MS, &settlement, err) &&
                   run_settled(verify, &settlement, code, err);
    settlement_release(&settlement);
    return is_done;
}

static bool connect(struct verify *verify, const struct endpoints *endpoints, struct error *err)
{
    return connect_side(verify, SOURCE, &endpoints->source, err) &&
           connect_side(verify, TARGET, &endpoints->target, err);
}

enum exit_code command_verify(const struct arguments *arguments, const struct config *config)
{
    struct endpoints endpoints = {0};
    struct kafka_endpoint kafka = {0};
    struct error err;
    enum exit_code code = EXIT_BUG;
    (void)arguments;
    struct verify verify = {.config = config,
                            .kafka = config->kafka.count > 0 ? &kafka.options : NULL};
    publication_names_set(&verify.names, config);
    bool is_done = endpoints_read(&endpoints, config, &err) &&
                   (!verify.kafka || kafka_endpoint_read(&kafka, config, &err)) &&
                   connect(&verify, &endpoints, &err) && run(&verify, &code, &err);
    for (int side = 0; side < SIDES; side++)
        connection_close(verify.sessions[side]);
    recorded_release(&verify.recorded);
    recorded_release(&verify.captured);
    kafka_endpoint_release(&kafka);
    endpoints_release(&endpoints);
    if (is_done)
        return code;
    return err.kind == ERROR_ENDED ? EXIT_TRY_AGAIN : command_stopped(&err);
}
