/* SPDX-License-Identifier: Apache-2.0 */
/* verify: waiting until the target has what the source has committed. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "capture/barrier.h"
#include "cli/verify.h"
#include "sink/target_postgres.h"
#include "transport/kafka_look.h"

enum {
    LOOK_EVERY_MS = 100,
    UNREAD_PATIENCE_MS = 5000, /* a supervisor may be starting `run` again */
};

/* ---- the slot ---- */

struct slot_use {
    bool exists;
    bool is_active;
};

static bool look_at_slot(const struct verify *verify, struct slot_use *use, struct error *err)
{
    SCOPED_QUERY query =
        query_run(verify->sessions[SOURCE],
                  "SELECT active FROM pg_catalog.pg_replication_slots WHERE slot_name = $1"
                  " AND wal_status IS DISTINCT FROM 'lost'",
                  PARAMS(verify->config->source.slot), err);
    if (!query)
        return error_add(err, "slot %s", verify->config->source.slot);
    use->exists = query_rows(query) > 0;
    use->is_active = use->exists && query_bool(query, 0, 0);
    return true;
}

/* Another cluster's positions can't be compared with ours. */
static bool is_same_system(const struct verify *verify, const struct recorded *recorded)
{
    struct error ignored;
    SCOPED_QUERY query =
        query_run(verify->sessions[SOURCE],
                  "SELECT system_identifier::numeric FROM pg_catalog.pg_control_system()",
                  NO_PARAMS, &ignored);
    return !query || recorded->system_id == 0 || query_uint64(query, 0, 0) == recorded->system_id;
}

/* ---- what is to be reached ---- */

/* $1 the slot, $2 the publications, $3 the last position (16 hex digits) that the target has. Of pgoutput's messages,
 * Begin (B) has the commit's position in its bytes 1 to 8; I, U, D and T are changes. */
static const char PENDING[] =
    "WITH message AS MATERIALIZED (SELECT xid, data, get_byte(data, 0) AS kind"
    " FROM pg_logical_slot_peek_binary_changes($1, NULL, 10000, 'proto_version', '1',"
    "  'publication_names', $2))"
    " SELECT EXISTS (SELECT FROM message b WHERE b.kind = 66"
    "  AND substring(b.data FROM 2 FOR 8) > decode($3, 'hex')"
    "  AND EXISTS (SELECT FROM message c WHERE c.xid = b.xid AND c.kind IN (73, 85, 68, 84)))"
    " OR (SELECT count(*) FROM message) >= 10000";

static bool write_publications(const struct publication_options *options, struct byte_buffer *out)
{
    if (!identifier_write(out, options->name))
        return false;
    if (!options->insert_name)
        return true;
    write_text(out, ",");
    return identifier_write(out, options->insert_name);
}

/* While nobody reads the slot nobody acknowledges either: so it is asked itself whether there is anything to come. */
static bool is_pending(const struct verify *verify, const struct recorded *recorded, bool *pending,
                       struct error *err)
{
    SCOPED_BUFFER publications;
    char last[24];
    byte_buffer_init(&publications, 1024);
    if (!write_publications(&verify->names.options, &publications))
        return error_set(err, ERROR_CONFIG, "the publication's name can't be quoted");
    pg_lsn lsn = recorded->position.commit_lsn;
    if (recorded->acked_lsn > lsn + 1)
        lsn = recorded->acked_lsn - 1; /* a commit can begin exactly there */
    snprintf(last, sizeof(last), "%016llx", (unsigned long long)lsn);
    SCOPED_QUERY query =
        query_run(verify->sessions[SOURCE], PENDING,
                  PARAMS(verify->config->source.slot, byte_buffer_text(&publications), last), err);
    *pending = true;
    if (query)
        *pending = query_bool(query, 0, 0);
    if (query || strcmp(err->sqlstate, "55006") == 0) /* object_in_use: somebody reads it now */
        return true;
    return error_add(err, "looking what is left in slot %s", verify->config->source.slot);
}

/* ---- waiting ---- */

/* What target and capture have recorded. The target is asked first: so it is never ahead of R. */
static bool read_recorded(const struct verify *verify, struct settlement *settlement,
                          struct error *err)
{
    struct kafka_look kafka;
    if (!target_postgres_read_checkpoint(verify->sessions[TARGET],
                                         endpoints_sink_name(verify->config), &settlement->recorded,
                                         err))
        return false;
    if (!verify->kafka) {
        recorded_assign(&settlement->captured, &settlement->recorded);
        return true;
    }
    bool is_read = kafka_look(verify->kafka, COMMAND_PATIENCE_MS, &kafka, err);
    if (is_read)
        recorded_assign(&settlement->captured, &kafka.recorded);
    kafka_look_release(&kafka);
    return is_read;
}

/* What the sink has yet to take from Kafka will come though nobody reads the slot. */
static bool is_behind_kafka(const struct settlement *settlement)
{
    const struct recorded *applied = &settlement->recorded;
    const struct recorded *captured = &settlement->captured;
    return applied->state != captured->state ||
           applied->position.epoch != captured->position.epoch ||
           recorded_confirmable(applied) < recorded_confirmable(captured);
}

static bool find_idle(const struct verify *verify, const struct slot_use *use,
                      struct settlement *settlement, struct error *err)
{
    bool is_sink_active = true;
    if (verify->kafka &&
        !target_postgres_is_locked(verify->sessions[TARGET], endpoints_sink_name(verify->config),
                                   &is_sink_active, err))
        return false;
    settlement->idle = NULL;
    if (!is_sink_active)
        settlement->idle = "nobody applies to the target: start penstock sink";
    else if (!use->is_active && !is_behind_kafka(settlement))
        settlement->idle = verify->kafka ? "nobody reads the slot: start penstock capture"
                                         : "nobody reads the slot: start penstock run";
    return true;
}

/* One look. */
static bool look(const struct verify *verify, pg_lsn wanted, struct settlement *settlement,
                 struct error *err)
{
    struct slot_use use = {0};
    bool pending = true;
    if (!read_recorded(verify, settlement, err) || !look_at_slot(verify, &use, err) ||
        !find_idle(verify, &use, settlement, err))
        return false;
    pg_lsn reached = recorded_confirmable(&settlement->recorded);
    bool is_behind = is_behind_kafka(settlement);
    settlement->is_detached =
        (!use.exists && !is_behind) || settlement->captured.state == RECORDED_NONE;
    settlement->lag_bytes = wanted > reached ? wanted - reached : 0;
    if (settlement->recorded.state != RECORDED_STREAMING || settlement->is_detached)
        return true;
    if (!use.is_active && !is_behind && settlement->lag_bytes > 0 &&
        !is_pending(verify, &settlement->captured, &pending, err))
        return false;
    settlement->is_reached = settlement->lag_bytes == 0 || !pending;
    return true;
}

void settlement_release(struct settlement *settlement)
{
    recorded_release(&settlement->recorded);
    recorded_release(&settlement->captured);
}

bool verify_settle(const struct verify *verify, int patience_ms, struct settlement *settlement,
                   struct error *err)
{
    pg_lsn wanted = 0;
    *settlement = (struct settlement){0};
    if (!barrier_set(verify->sessions[SOURCE], &wanted, err))
        return false;
    int64_t started_ms = clock_now_ms(&system_clock);
    int64_t active_ms = started_ms;
    for (;;) {
        if (!look(verify, wanted, settlement, err))
            return false;
        settlement->is_detached |= !is_same_system(verify, &settlement->captured);
        int64_t now_ms = clock_now_ms(&system_clock);
        if (!settlement->idle)
            active_ms = now_ms;
        if (settlement->is_reached || settlement->is_detached ||
            now_ms - started_ms >= patience_ms || now_ms - active_ms >= UNREAD_PATIENCE_MS)
            return true;
        if (stop_flag_wait(command_stop_flag(), LOOK_EVERY_MS))
            return error_set(err, ERROR_ENDED, "ended on request");
    }
}
