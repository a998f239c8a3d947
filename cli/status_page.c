/* SPDX-License-Identifier: Apache-2.0 */
/* status for people: the verdict first, then what it rests on. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/parked.h"
#include "cli/status.h"
#include "postgres/connection.h"
#include "schema/table.h"

static const char *starter(const struct status *status)
{
    return status->has_kafka ? "penstock capture" : "penstock run";
}

static void print_verdict(const struct status *status)
{
    char behind[SIZE_TEXT_SIZE];
    const char *name = status->name;
    size_text(status->lag_bytes, behind);
    switch (status->verdict) {
    case VERDICT_NOT_STARTED:
        page_line("%s: not started: %s begins with a copy", name, starter(status));
        return;
    case VERDICT_COPYING:
        page_line("%s: copying (an interrupted copy starts anew with %s)", name, starter(status));
        return;
    case VERDICT_IN_STEP:
        page_line("%s: in step", name);
        return;
    case VERDICT_CATCHING_UP:
        page_line("%s: catching up: %s behind, %.0f s", name, behind, status->lag_seconds);
        return;
    case VERDICT_NOT_RUNNING:
        page_line("%s: not running: nobody reads the slot; %s behind, %.0f s", name, behind,
                  status->lag_seconds);
        return;
    case VERDICT_SINK_NOT_RUNNING:
        page_line("%s: sink not running: nobody applies to the target as %s; %s behind, %.0f s",
                  name, status->sink, behind, status->lag_seconds);
        return;
    case VERDICT_SLOT_MISSING:
        page_line("%s: slot missing: %s is not at the source; see docs/stops.md, SLOT_MISSING",
                  name, status->slot);
        return;
    case VERDICT_SLOT_LOST:
        page_line("%s: slot lost: WAL that %s needs was removed; see docs/stops.md, SLOT_LOST",
                  name, status->slot);
        return;
    case VERDICT_SLOT_FOREIGN:
        page_line("%s: slot foreign: %s is at the source, but %s no state; see docs/stops.md, "
                  "SLOT_FOREIGN",
                  name, status->slot, status->has_kafka ? "Kafka has" : "the target has");
        return;
    }
}

static void print_slot(const struct status *status)
{
    char retained[SIZE_TEXT_SIZE];
    char safe[SIZE_TEXT_SIZE] = "";
    char user[64] = "nobody reads it";
    if (!status->has_slot) {
        page_line("slot       %s is not there", status->slot);
        return;
    }
    if (status->is_active)
        snprintf(user, sizeof(user), "read by pid %d", status->active_pid);
    if (status->safe_bytes >= 0)
        size_text((uint64_t)status->safe_bytes, safe);
    page_line("slot       %s, %s, WAL %s, %s retained%s%s%s", status->slot, user,
              status->wal_status, size_text(status->retained_bytes, retained),
              *safe ? ", lost after another " : "", safe, *safe ? " of WAL" : "");
}

static void print_source(const struct status *status)
{
    char source[LSN_TEXT_SIZE];
    char confirmed[LSN_TEXT_SIZE];
    lsn_text(status->source_lsn, source);
    if (status->has_slot)
        page_line("source     at %s, confirmed to it %s", source,
                  lsn_text(status->confirmed_flush, confirmed));
    else
        page_line("source     at %s", source);
}

static void print_recorded(const char *what, const struct recorded *recorded)
{
    char commit[LSN_TEXT_SIZE];
    char end[LSN_TEXT_SIZE];
    char acked[LSN_TEXT_SIZE];
    if (recorded->state == RECORDED_NONE) {
        page_line("%s no state", what);
        return;
    }
    page_line("%s %s, epoch %" PRIu32 ", commit %s, end %s, acknowledged %s", what,
              recorded_state_text(recorded->state), recorded->position.epoch,
              lsn_text(recorded->position.commit_lsn, commit), lsn_text(recorded->end_lsn, end),
              lsn_text(recorded->acked_lsn, acked));
}

static void print_control(const struct status *status)
{
    const struct kafka_look *kafka = &status->kafka;
    char place[32] = "nowhere yet";
    if (!kafka->has_control)
        return;
    if (status->sink_offset >= 0)
        snprintf(place, sizeof(place), "at %" PRId64, status->sink_offset);
    if (!status->has_target)
        page_line("control    offsets %" PRId64 " to %" PRId64, kafka->control_first,
                  kafka->control_end);
    else
        page_line("control    offsets %" PRId64 " to %" PRId64 "; sink %s is %s, and %s",
                  kafka->control_first, kafka->control_end, status->sink, place,
                  status->is_sink_active ? "runs" : "doesn't run");
    if (status_is_sink_cut_off(status))
        page_line("           retention took what the sink has yet to read: it will stop; see "
                  "docs/stops.md, CHAIN_GAP");
}

static void print_lag(const struct status *status)
{
    char behind[SIZE_TEXT_SIZE];
    char capture[SIZE_TEXT_SIZE];
    char sink[SIZE_TEXT_SIZE];
    if (status_arrived(status)->state != RECORDED_STREAMING)
        return;
    size_text(status->lag_bytes, behind);
    if (status->has_kafka && status->has_source && status->has_target)
        page_line("lag        %s of WAL, %.1f s: %s to Kafka, %s to the target", behind,
                  status->lag_seconds, size_text(status->capture_lag_bytes, capture),
                  size_text(status->sink_lag_bytes, sink));
    else
        page_line("lag        %s of WAL, %.1f s", behind, status->lag_seconds);
}

/* Columns, not bytes: characters of several bytes are one, near enough. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_tables(const struct status *status)
{
    const struct query *tables = status->tables;
    int width = 5;
    if (!tables || query_rows(tables) == 0)
        return;
    for (int row = 0; row < query_rows(tables); row++)
        if (width_of(query_text(tables, row, 0)) > width)
            width = width_of(query_text(tables, row, 0));
    page_line("%s", "");
    page_line("%-*s %12s %12s %12s %12s %10s", width, "table", "copied", "inserted", "updated",
              "deleted", "truncated");
    for (int row = 0; row < query_rows(tables); row++) {
        const char *name = query_text(tables, row, 0);
        page_line("%s%*s %12s %12s %12s %12s %10s", name, width - width_of(name), "",
                  query_text(tables, row, 1), query_text(tables, row, 2),
                  query_text(tables, row, 3), query_text(tables, row, 4),
                  query_text(tables, row, 5));
    }
}

static void print_unpublished(const struct status *status)
{
    if (status->unpublished_count == 0)
        return;
    page_line("%s", "");
    page_line("not replicated, though they match (they are not published):");
    for (size_t i = 0; i < status->unpublished_count; i++) {
        SCOPED_BUFFER name;
        byte_buffer_init(&name, 1024);
        table_write_name(&name, status->unpublished[i].schema, status->unpublished[i].name);
        page_line("  %s", byte_buffer_text(&name));
    }
}

static void print_parked(const struct status *status)
{
    const struct query *parked = status->parked;
    if (!parked || query_rows(parked) == 0)
        return;
    page_line("%s", "");
    page_line("parked, because the target refused them or they wait behind such a row (%s):",
              PARKED_REMEDY);
    for (int row = 0; row < query_rows(parked); row++) {
        SCOPED_BUFFER name;
        byte_buffer_init(&name, 1024);
        table_write_name(&name, query_text(parked, row, 0), query_text(parked, row, 1));
        page_line("  %s  %s changes, %s of them refused, since %s", byte_buffer_text(&name),
                  query_text(parked, row, 2), query_text(parked, row, 3),
                  query_text(parked, row, 4));
    }
}

void status_print_page(const struct status *status)
{
    print_verdict(status);
    page_line("%s", "");
    if (status->has_source) {
        print_slot(status);
        print_source(status);
    }
    if (status->has_kafka) {
        print_recorded("kafka     ", &status->kafka.recorded);
        print_control(status);
    }
    if (status->has_target)
        print_recorded("target    ", &status->recorded);
    print_lag(status);
    print_tables(status);
    print_unpublished(status);
    print_parked(status);
}
