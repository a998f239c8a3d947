/* SPDX-License-Identifier: Apache-2.0 */
/* What may be confirmed to the slot, and when. No clock, no connection: numbers in, decisions out. */
#ifndef PENSTOCK_CAPTURE_PROGRESS_H
#define PENSTOCK_CAPTURE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/position.h"
#include "transport/message.h"

enum {
    WATERMARK_EVERY_MS = 10000,
    WATERMARK_EVERY_BYTES = 16 * 1024 * 1024,
    CONFIRM_EVERY_MS = 100, /* at most this often, when there is something new to confirm */
};

struct progress {
    pg_lsn confirmable;   /* durable at the far end: the slot may be told so */
    pg_lsn confirmed;     /* what the slot was told last */
    int64_t told_ms;      /* when that was */
    int keep_alive_ms;    /* tell the slot something at least this often */
    pg_lsn idle_lsn;      /* the source has sent all before this, and no transaction is open */
    pg_lsn watermark_lsn; /* the last WATERMARK sent, or the end of the last unit sent */
    int64_t watermark_ms; /* when that was */
    bool wants_watermark; /* somebody waits for it: as soon as there is anything new */
    bool is_in_transaction;
};

void progress_init(struct progress *progress, const struct recorded *recorded, int keep_alive_ms,
                   int64_t now_ms);

/* The far end's durable state moves what may be confirmed: forward only. */
void progress_durable(struct progress *progress, const struct durable *durable);

void progress_begin(struct progress *progress);

/* A transaction is over. `is_sent`: a unit END with this end_lsn was sent, so that no WATERMARK is needed for it. */
void progress_commit(struct progress *progress, pg_lsn end_lsn, bool is_sent, int64_t now_ms);

/* A keepalive of the server: counts only when no transaction is open. */
void progress_keepalive(struct progress *progress, pg_lsn wal_end);

/* The LSN to send as WATERMARK now, or 0. The caller has then to call progress_watermark_sent(). */
pg_lsn progress_watermark_due(const struct progress *progress, int64_t now_ms);
void progress_watermark_sent(struct progress *progress, pg_lsn lsn, int64_t now_ms);

/* Whether the slot is to be told `confirmable` now; then the caller calls progress_told(). */
bool progress_confirm_due(const struct progress *progress, int64_t now_ms);
void progress_told(struct progress *progress, int64_t now_ms);

#endif
