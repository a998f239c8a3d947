/* SPDX-License-Identifier: Apache-2.0 */
/* check: the slot, and whether it and the recorded state belong together. */
#include <inttypes.h>
#include <string.h>

#include "capture/slot.h"
#include "cli/check.h"

static const char WHAT[] = "source slot";

static const char SLOT[] =
    "SELECT active, COALESCE(active_pid, 0), COALESCE(wal_status, 'lost'),"
    " COALESCE(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint,"
    " COALESCE(safe_wal_size, -1)"
    " FROM pg_catalog.pg_replication_slots WHERE slot_name = $1";

/* From here on a slot that nobody reads is worth a warning. */
static const int64_t MUCH_WAL = INT64_C(1) << 30;

static void report_state(struct check *check, const struct query *slot)
{
    const char *name = check->config->source.slot;
    char retained[SIZE_TEXT_SIZE];
    char safe[SIZE_TEXT_SIZE];
    int64_t bytes = query_int64(slot, 0, 3);
    size_text(bytes > 0 ? (uint64_t)bytes : 0, retained);
    if (strcmp(query_text(slot, 0, 2), "unreserved") == 0) {
        finding(&check->findings, FINDING_WARN, WHAT,
                "%s holds %s of WAL, beyond max_slot_wal_keep_size: it will be lost at the next "
                "checkpoint",
                name, retained);
        finding_do("start %s now, and raise the limit: ALTER SYSTEM SET "
                   "max_slot_wal_keep_size = '…'; SELECT pg_reload_conf();",
                   check_starter(check));
        return;
    }
    if (!query_bool(slot, 0, 0) && bytes > MUCH_WAL) {
        finding(&check->findings, FINDING_WARN, WHAT, "nobody reads %s, which holds %s of WAL",
                name, retained);
        finding_do("start %s; or, if it isn't needed any more: SELECT "
                   "pg_drop_replication_slot('%s');",
                   check_starter(check), name);
        return;
    }
    int64_t left = query_int64(slot, 0, 4);
    finding(&check->findings, FINDING_OK, WHAT, "%s, %s, WAL %s, %s retained%s%s%s", name,
            query_bool(slot, 0, 0) ? "in use" : "not in use", query_text(slot, 0, 2), retained,
            left >= 0 ? ", lost after another " : "",
            left >= 0 ? size_text((uint64_t)left, safe) : "", left >= 0 ? " of WAL" : "");
}

/* The stops that `run` would end with; true if there are none. */
static bool check_slot_fits(struct check *check, const struct slot_info *info)
{
    const char *name = check->config->source.slot;
    if (!info->is_ours_to_read) {
        finding(&check->findings, FINDING_FAIL, WHAT,
                "SLOT_UNSUITABLE: %s is not a permanent pgoutput slot of this database", name);
        finding_do("set source.slot to another name, or, if nobody needs it: SELECT "
                   "pg_drop_replication_slot('%s');",
                   name);
        return false;
    }
    if (info->is_lost) {
        finding(&check->findings, FINDING_FAIL, WHAT,
                "SLOT_LOST: WAL that %s needs was removed; a new copy is needed", name);
        finding_do("see docs/stops.md, SLOT_LOST; raise max_slot_wal_keep_size before");
        return false;
    }
    return true;
}

static void check_slot_recorded(struct check *check, const struct slot_info *info)
{
    const struct recorded *recorded = &check->recorded;
    const char *name = check->config->source.slot;
    char slot_lsn[LSN_TEXT_SIZE];
    char target_lsn[LSN_TEXT_SIZE];
    if (check_is_first_start(check)) {
        finding(&check->findings, FINDING_FAIL, WHAT,
                "SLOT_FOREIGN: %s exists, but %s has no state for %s", name, check_keeper(check),
                check->config->name);
        finding_do("if nobody needs it: SELECT pg_drop_replication_slot('%s');  to take it over "
                   "with a target that has a copy already: %s --adopt-slot",
                   name, check_starter(check));
    }
    if (!check_is_streaming(check))
        return;
    if (strcmp(recorded->slot, name) != 0) {
        finding(&check->findings, FINDING_FAIL, WHAT,
                "SLOT_FOREIGN: %s records slot %s, the configuration says %s", check_keeper(check),
                recorded->slot, name);
        finding_do("source.slot: %s", recorded->slot);
        return;
    }
    if (info->confirmed_flush <= recorded_confirmable(recorded))
        return;
    finding(&check->findings, FINDING_FAIL, WHAT,
            "SLOT_AHEAD: %s was moved to %s by somebody, %s has only what is before %s", name,
            lsn_text(info->confirmed_flush, slot_lsn), check_keeper(check),
            lsn_text(recorded_confirmable(recorded), target_lsn));
    finding_do("a new copy is needed: see docs/stops.md, SLOT_AHEAD");
}

static void check_no_slot(struct check *check)
{
    const char *name = check->config->source.slot;
    if (!check_is_streaming(check)) {
        finding(&check->findings, FINDING_OK, WHAT, "%s will be made", name);
        return;
    }
    finding(&check->findings, FINDING_FAIL, WHAT,
            "SLOT_MISSING: %s is not there, though %s has its changes; a new copy is needed", name,
            check_keeper(check));
    finding_do("see docs/stops.md, SLOT_MISSING");
}

void check_source_slot(struct check *check)
{
    const char *name = check->config->source.slot;
    struct slot_info info;
    struct error err;
    if (!slot_look_up(check->source, name, &info, &err)) {
        finding_error(&check->findings, WHAT, &err);
        return;
    }
    if (!info.exists) {
        check_no_slot(check);
        return;
    }
    SCOPED_QUERY slot = check_query(check, check->source, WHAT, SLOT, PARAMS(name));
    if (!slot || query_rows(slot) == 0 || !check_slot_fits(check, &info))
        return;
    report_state(check, slot);
    check_slot_recorded(check, &info);
}
