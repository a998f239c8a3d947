/* SPDX-License-Identifier: Apache-2.0 */
/* status: what follows from slot, source, Kafka and target: a verdict, and how far things are behind. */
#include <string.h>

#include "cli/status.h"

enum {
    NOISE_BYTES = 64 * 1024,            /* what an idle server writes between two looks of ours */
    ACKNOWLEDGED_BYTES = 16 << 20,      /* an idle capture acknowledges after so much WAL … */
    ACKNOWLEDGED_US = 15 * 1000 * 1000, /* … or within 10 s, and then some */
    RECENT_US = 2 * 1000 * 1000,        /* a commit so young is on its way */
};

const struct recorded *status_captured(const struct status *status)
{
    return status->has_kafka ? &status->kafka.recorded : &status->recorded;
}

const struct recorded *status_arrived(const struct status *status)
{
    return status->has_target ? &status->recorded : &status->kafka.recorded;
}

bool status_is_sink_cut_off(const struct status *status)
{
    return status->has_kafka && status->has_target && status->sink_offset >= 0 &&
           status->sink_offset < status->kafka.control_first;
}

/* How long ago was committed, or acknowledged by an idle source, what has arrived. */
static int64_t arrived_age_us(const struct status *status)
{
    const struct recorded *arrived = status_arrived(status);
    int64_t age = status->now_us - arrived->commit_time_us;
    int64_t written_age = status->has_target ? status->recorded_age_us
                                             : status->now_us - status->kafka.recorded_ms * 1000;
    bool is_acknowledged = arrived->acked_lsn > arrived->end_lsn;
    if (is_acknowledged && written_age < age)
        age = written_age;
    return age > 0 ? age : 0;
}

/* WAL also grows by what isn't ours, and an idle capture acknowledges that only now and then. */
static bool is_in_step(const struct status *status, int64_t age_us)
{
    const struct recorded *arrived = status_arrived(status);
    bool is_acknowledged = arrived->acked_lsn > arrived->end_lsn;
    if (status->lag_bytes <= NOISE_BYTES)
        return true;
    return status->lag_bytes <= ACKNOWLEDGED_BYTES &&
           age_us <= (is_acknowledged ? ACKNOWLEDGED_US : RECENT_US);
}

/* The capture's side: IN_STEP if nothing is wrong with it. */
static enum verdict judge_capture(const struct status *status)
{
    switch (status_captured(status)->state) {
    case RECORDED_NONE:
        return status->has_slot ? VERDICT_SLOT_FOREIGN : VERDICT_NOT_STARTED;
    case RECORDED_CREATING:
    case RECORDED_COPYING:
        return VERDICT_COPYING;
    case RECORDED_STREAMING:
        break;
    }
    if (!status->has_source)
        return VERDICT_IN_STEP;
    if (!status->has_slot)
        return VERDICT_SLOT_MISSING;
    if (strcmp(status->wal_status, "lost") == 0)
        return VERDICT_SLOT_LOST;
    return status->is_active ? VERDICT_IN_STEP : VERDICT_NOT_RUNNING;
}

/* The sink's side, over Kafka. */
static enum verdict judge_sink(const struct status *status)
{
    if (!status->has_kafka || !status->has_target)
        return VERDICT_IN_STEP;
    if (!status->is_sink_active)
        return VERDICT_SINK_NOT_RUNNING;
    bool is_copied = status->recorded.state == RECORDED_STREAMING &&
                     status->recorded.position.epoch >= status->kafka.recorded.position.epoch;
    return is_copied ? VERDICT_IN_STEP : VERDICT_COPYING;
}

static enum verdict judge(const struct status *status, int64_t age_us)
{
    enum verdict verdict = judge_capture(status);
    if (verdict == VERDICT_IN_STEP)
        verdict = judge_sink(status);
    if (verdict != VERDICT_IN_STEP)
        return verdict;
    return is_in_step(status, age_us) ? VERDICT_IN_STEP : VERDICT_CATCHING_UP;
}

/* How far `back` is behind; positions of different epochs lie in the same WAL. */
static uint64_t behind(pg_lsn front, const struct recorded *back)
{
    pg_lsn arrived = recorded_confirmable(back);
    return back->state == RECORDED_STREAMING && front > arrived ? front - arrived : 0;
}

static void measure(struct status *status)
{
    const struct recorded *captured = status_captured(status);
    pg_lsn recorded_lsn =
        captured->state == RECORDED_STREAMING ? recorded_confirmable(captured) : 0;
    pg_lsn front = status->has_source ? status->source_lsn : recorded_lsn;
    status->lag_bytes = behind(front, status_arrived(status));
    if (status->has_kafka && status->has_source)
        status->capture_lag_bytes = behind(status->source_lsn, captured);
    if (status->has_kafka && status->has_target)
        status->sink_lag_bytes = behind(recorded_lsn, &status->recorded);
}

void status_conclude(struct status *status)
{
    int64_t age_us = 0;
    measure(status);
    if (status_arrived(status)->state == RECORDED_STREAMING)
        age_us = arrived_age_us(status);
    status->verdict = judge(status, age_us);
    bool is_behind = status->verdict != VERDICT_IN_STEP && status->lag_bytes > 0;
    status->lag_seconds = is_behind ? (double)age_us / 1e6 : 0;
}

const char *verdict_word(enum verdict verdict)
{
    static const char *const words[] = {
        [VERDICT_NOT_STARTED] = "not_started",
        [VERDICT_COPYING] = "copying",
        [VERDICT_IN_STEP] = "in_step",
        [VERDICT_CATCHING_UP] = "catching_up",
        [VERDICT_NOT_RUNNING] = "not_running",
        [VERDICT_SLOT_MISSING] = "slot_missing",
        [VERDICT_SLOT_LOST] = "slot_lost",
        [VERDICT_SLOT_FOREIGN] = "slot_foreign",
        [VERDICT_SINK_NOT_RUNNING] = "sink_not_running",
    };
    return words[verdict];
}
