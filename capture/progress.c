/* SPDX-License-Identifier: Apache-2.0 */
/* Confirmation: only what is durable, never back, and not too often. */
#include "capture/progress.h"

void progress_init(struct progress *progress, const struct recorded *recorded, int keep_alive_ms,
                   int64_t now_ms)
{
    pg_lsn start = recorded_confirmable(recorded);
    *progress = (struct progress){.confirmable = start,
                                  .keep_alive_ms = keep_alive_ms,
                                  .told_ms = now_ms,
                                  .watermark_lsn = start,
                                  .watermark_ms = now_ms};
}

void progress_durable(struct progress *progress, const struct durable *durable)
{
    pg_lsn lsn = durable->end_lsn > durable->acked_lsn ? durable->end_lsn : durable->acked_lsn;
    if (lsn > progress->confirmable)
        progress->confirmable = lsn;
}

void progress_begin(struct progress *progress)
{
    progress->is_in_transaction = true;
}

void progress_commit(struct progress *progress, pg_lsn end_lsn, bool is_sent, int64_t now_ms)
{
    progress->is_in_transaction = false;
    if (end_lsn > progress->idle_lsn)
        progress->idle_lsn = end_lsn;
    if (is_sent && end_lsn > progress->watermark_lsn)
        progress_watermark_sent(progress, end_lsn, now_ms);
}

void progress_keepalive(struct progress *progress, pg_lsn wal_end)
{
    if (!progress->is_in_transaction && wal_end > progress->idle_lsn)
        progress->idle_lsn = wal_end;
}

pg_lsn progress_watermark_due(const struct progress *progress, int64_t now_ms)
{
    if (progress->is_in_transaction || progress->idle_lsn <= progress->watermark_lsn)
        return 0;
    bool is_due = progress->wants_watermark ||
                  progress->idle_lsn - progress->watermark_lsn >= WATERMARK_EVERY_BYTES ||
                  now_ms - progress->watermark_ms >= WATERMARK_EVERY_MS;
    return is_due ? progress->idle_lsn : 0;
}

void progress_watermark_sent(struct progress *progress, pg_lsn lsn, int64_t now_ms)
{
    progress->watermark_lsn = lsn;
    progress->watermark_ms = now_ms;
    progress->wants_watermark = false;
}

bool progress_confirm_due(const struct progress *progress, int64_t now_ms)
{
    int64_t waited_ms = now_ms - progress->told_ms;
    if (progress->confirmable > progress->confirmed && waited_ms >= CONFIRM_EVERY_MS)
        return true;
    return waited_ms >= progress->keep_alive_ms;
}

void progress_told(struct progress *progress, int64_t now_ms)
{
    progress->confirmed = progress->confirmable;
    progress->told_ms = now_ms;
}
