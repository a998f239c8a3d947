/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the slot and locking the name. */
#include "capture/slot.h"

#include <stdio.h>
#include <string.h>

static const char LOOK_UP[] =
    "SELECT COALESCE(slot_type = 'logical' AND plugin = 'pgoutput'"
    "  AND database = pg_catalog.current_database() AND NOT temporary, false),"
    " COALESCE(wal_status = 'lost', false), restart_lsn, confirmed_flush_lsn"
    " FROM pg_catalog.pg_replication_slots WHERE slot_name = $1";

bool slot_look_up(struct connection *connection, const char *slot, struct slot_info *info,
                  struct error *err)
{
    SCOPED_QUERY query = query_run(connection, LOOK_UP, PARAMS(slot), err);
    if (!query)
        return error_add(err, "slot %s", slot);
    *info = (struct slot_info){.exists = query_rows(query) > 0};
    if (!info->exists)
        return true;
    info->is_ours_to_read = query_bool(query, 0, 0);
    info->is_lost = query_bool(query, 0, 1);
    info->restart_lsn = query_lsn(query, 0, 2);
    info->confirmed_flush = query_lsn(query, 0, 3);
    return true;
}

bool slot_try_lock(struct connection *holder, const char *name, bool *is_locked, struct error *err)
{
    char sql[256];
    snprintf(
        sql, sizeof(sql),
        "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('penstock/%s', 0))",
        name);
    SCOPED_QUERY query = query_run(holder, sql, NO_PARAMS, err);
    if (!query)
        return error_add(err, "locking the name %s at the source", name);
    *is_locked = query_bool(query, 0, 0);
    return true;
}

/* $1 the lock's text, $2 the slot. A bigint's advisory lock has its halves in classid and objid, objsubid 1. */
static const char HOLDER[] =
    "SELECT a.pid, COALESCE(pg_catalog.host(a.client_addr), 'a local socket'), a.application_name"
    " FROM pg_catalog.pg_stat_activity a WHERE a.pid <> pg_catalog.pg_backend_pid() AND (a.pid IN ("
    " SELECT l.pid FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted"
    "  AND l.objsubid = 1 AND (l.classid::pg_catalog.int8 << 32 | l.objid::pg_catalog.int8)"
    "  = pg_catalog.hashtextextended($1, 0))"
    " OR a.pid IN (SELECT active_pid FROM pg_catalog.pg_replication_slots WHERE slot_name = $2))";

bool slot_already_running(struct connection *connection, const char *name, const char *slot,
                          struct error *err)
{
    char key[128];
    snprintf(key, sizeof(key), "penstock/%s", name);
    SCOPED_QUERY query = query_run(connection, HOLDER, PARAMS(key, slot), err);
    if (!query)
        return false;
    bool is_known = query_rows(query) > 0;
    error_stop(
        err, STOP_ALREADY_RUNNING,
        "another process serves %s: the lock or slot %s is held by source backend %s from %s", name,
        slot, is_known ? query_text(query, 0, 0) : "(gone by now)",
        is_known ? query_text(query, 0, 1) : "-");
    return error_remedy(err,
                        "stop the other one, or give this one a name of its own; if its machine is "
                        "dead, the server lets go of it after wal_sender_timeout");
}
