/* SPDX-License-Identifier: Apache-2.0 */
/* The replication slot: what it is, who uses it, and the lock that lets one capture of a name run at a time. */
#ifndef PENSTOCK_CAPTURE_SLOT_H
#define PENSTOCK_CAPTURE_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/position.h"
#include "postgres/connection.h"

struct slot_info {
    bool exists;
    bool is_ours_to_read; /* logical, pgoutput, of this database */
    bool is_lost;         /* WAL that it needs is gone */
    pg_lsn restart_lsn;
    pg_lsn confirmed_flush;
};

bool slot_look_up(struct connection *connection, const char *slot, struct slot_info *info,
                  struct error *err) MUST_USE;

/* Tries to take the lock of this name for the session `holder`. */
bool slot_try_lock(struct connection *holder, const char *name, bool *is_locked,
                   struct error *err) MUST_USE;

/* ALREADY_RUNNING, naming the holder of the lock or of the slot: pid and address, as `connection` sees them. */
bool slot_already_running(struct connection *connection, const char *name, const char *slot,
                          struct error *err);

#endif
