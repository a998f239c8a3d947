/* SPDX-License-Identifier: Apache-2.0 */
/* What `status` has found out, for its two ways of showing it. */
#ifndef PENSTOCK_CLI_STATUS_H
#define PENSTOCK_CLI_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/position.h"
#include "cli/page.h"
#include "transport/kafka_look.h"
#include "transport/recorded.h"

struct query;

struct unpublished_table {
    const char *schema;
    const char *name;
};

enum verdict {
    VERDICT_NOT_STARTED,      /* neither state nor slot */
    VERDICT_COPYING,          /* the initial copy is under way, or will start anew */
    VERDICT_IN_STEP,          /* all that was committed is applied, but for the last moments */
    VERDICT_CATCHING_UP,      /* the slot is read, and there is more to apply */
    VERDICT_NOT_RUNNING,      /* nobody reads the slot */
    VERDICT_SLOT_MISSING,     /* the target has state, the source no slot */
    VERDICT_SLOT_LOST,        /* WAL that the slot needs is gone */
    VERDICT_SLOT_FOREIGN,     /* the source has the slot, but there is no state */
    VERDICT_SINK_NOT_RUNNING, /* over Kafka: the capture is fine, nobody applies */
};

/* What is configured is there: source and target without Kafka, or Kafka and one of them or both. */
struct status {
    const char *name;
    const char *sink; /* the checkpoint's name */
    const char *slot;
    bool has_source;
    bool has_kafka;
    bool has_target;
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

    struct recorded recorded; /* the target's checkpoint */
    int64_t recorded_age_us;  /* since it was last written, by the target's clock */
    struct kafka_look kafka;
    bool is_sink_active; /* over Kafka: somebody holds the sink's lock at the target */
    int64_t sink_offset; /* of the control topic, to be read next; -1: none yet */
    int64_t now_us;      /* by the source's clock, or by ours if there is no source */

    uint64_t lag_bytes; /* from the first to the last of source, Kafka and target */
    double lag_seconds;
    uint64_t capture_lag_bytes; /* over Kafka: from the source to Kafka */
    uint64_t sink_lag_bytes;    /* over Kafka: from there to the target */

    const struct query *tables; /* table_name, copied, inserted, updated, deleted, truncated */
    const struct query *parked; /* as parked_list() has it; NULL without state */
    struct unpublished_table *unpublished; /* they match, but their changes do not come */
    size_t unpublished_count;
};

/* What the capture has recorded: over Kafka in the offsets topic, else in the target's checkpoint. */
const struct recorded *status_captured(const struct status *status);

/* The last that is known to have arrived: of the target, or of Kafka if no target is configured. */
const struct recorded *status_arrived(const struct status *status);

/* Whether retention removed records of the control topic that the sink has yet to read. */
bool status_is_sink_cut_off(const struct status *status);

/* Sets verdict and lags from all the rest. */
void status_conclude(struct status *status);

/* The state of things as a word: "in_step". */
const char *verdict_word(enum verdict verdict);

void status_print_page(const struct status *status);
void status_print_json(const struct status *status);

#endif
