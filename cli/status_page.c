/* SPDX-License-Identifier: Apache-2.0 */
/* status for people: the verdict first, then what it rests on. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/parked.h"
#include "cli/status.h"
#include "postgres/connection.h"
#include "schema/table.h"

static void print_verdict(const struct status *status)
{
    char behind[SIZE_TEXT_SIZE];
    const char *name = status->name;
    size_text(status->lag_bytes, behind);
    switch (status->verdict) {
    case VERDICT_NOT_STARTED:
        page_line("%s: not started: penstock run begins with a copy", name);
        return;
    case VERDICT_COPYING:
        page_line("%s: copying (an interrupted copy starts anew with penstock run)", name);
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
    case VERDICT_SLOT_MISSING:
        page_line("%s: slot missing: %s is not at the source; see docs/stops.md, SLOT_MISSING",
                  name, status->slot);
        return;
    case VERDICT_SLOT_LOST:
        page_line("%s: slot lost: WAL that %s needs was removed; see docs/stops.md, SLOT_LOST",
                  name, status->slot);
        return;
    case VERDICT_SLOT_FOREIGN:
        page_line("%s: slot foreign: %s is at the source, but the target has no state; see "
                  "docs/stops.md, SLOT_FOREIGN",
                  name, status->slot);
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

static void print_positions(const struct status *status)
{
    const struct recorded *recorded = &status->recorded;
    char source[LSN_TEXT_SIZE];
    char confirmed[LSN_TEXT_SIZE];
    char commit[LSN_TEXT_SIZE];
    char end[LSN_TEXT_SIZE];
    char acked[LSN_TEXT_SIZE];
    lsn_text(status->source_lsn, source);
    if (status->has_slot)
        page_line("source     at %s, confirmed to it %s", source,
                  lsn_text(status->confirmed_flush, confirmed));
    else
        page_line("source     at %s", source);
    if (recorded->state == RECORDED_NONE) {
        page_line("target     no state");
        return;
    }
    page_line("target     %s, epoch %" PRIu32 ", commit %s, end %s, acknowledged %s",
              recorded_state_text(recorded->state), recorded->position.epoch,
              lsn_text(recorded->position.commit_lsn, commit), lsn_text(recorded->end_lsn, end),
              lsn_text(recorded->acked_lsn, acked));
}

static void print_lag(const struct status *status)
{
    char behind[SIZE_TEXT_SIZE];
    if (status->recorded.state == RECORDED_STREAMING)
        page_line("lag        %s of WAL, %.1f s", size_text(status->lag_bytes, behind),
                  status->lag_seconds);
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
    print_slot(status);
    print_positions(status);
    print_lag(status);
    print_tables(status);
    print_unpublished(status);
    print_parked(status);
}
