/* SPDX-License-Identifier: Apache-2.0 */
/* What `status` has found out, for its two ways of showing it. */
#ifndef PENSTOCK_CLI_STATUS_H
#define PENSTOCK_CLI_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/position.h"
#include "cli/page.h"
#include "transport/recorded.h"

struct query;

struct unpublished_table {
    const char *schema;
    const char *name;
};

enum verdict {
    VERDICT_NOT_STARTED,  /* neither state nor slot */
    VERDICT_COPYING,      /* the initial copy is under way, or will start anew */
    VERDICT_IN_STEP,      /* all that was committed is applied, but for the last moments */
    VERDICT_CATCHING_UP,  /* the slot is read, and there is more to apply */
    VERDICT_NOT_RUNNING,  /* nobody reads the slot */
    VERDICT_SLOT_MISSING, /* the target has state, the source no slot */
    VERDICT_SLOT_LOST,    /* WAL that the slot needs is gone */
    VERDICT_SLOT_FOREIGN, /* the source has the slot, the target no state */
};

struct status {
    const char *name;
    const char *slot;
    enum verdict verdict;

    bool has_slot;
    bool is_active;
    int active_pid;
    char wal_status[16]; /* "" if there is none */
    uint64_t retained_bytes;
    int64_t safe_bytes; /* until the slot gets lost; -1: no limit */
    pg_lsn restart_lsn;
    pg_lsn confirmed_flush;
    pg_lsn source_lsn; /* flushed */

    struct recorded recorded;
    int64_t recorded_age_us; /* since the target's state was last written, by the target's clock */
    uint64_t lag_bytes;
    double lag_seconds;

    const struct query *tables; /* table_name, copied, inserted, updated, deleted, truncated */
    const struct query *parked; /* as parked_list() has it; NULL without state */
    struct unpublished_table *unpublished; /* they match, but their changes do not come */
    size_t unpublished_count;
};

/* The state of things as a word: "in_step". */
const char *verdict_word(enum verdict verdict);

void status_print_page(const struct status *status);
void status_print_json(const struct status *status);

#endif
