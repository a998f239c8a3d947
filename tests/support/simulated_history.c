/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions from a seed: each change goes into a frame and, as itself, into a model of the rows. */
#include "tests/support/simulated_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "capture/pgoutput.h"
#include "tests/support/memory_rows.h"
#include "tests/support/scene.h"

enum { KEYS = 8, LSN_STEP = 0x40 };

struct history {
    struct simulated_source *source;
    struct memory_table tables[2];
    struct memory_rows rows;
    uint32_t most;
    int version;
    pg_lsn lsn;
};

static uint32_t roll(struct history *history, uint32_t below)
{
    return simulated_random(&history->source->random, below);
}

static void add_frame(struct history *history, const struct pgoutput_message *message)
{
    struct simulated_source *source = history->source;
    SCOPED_BUFFER bytes;
    byte_buffer_init(&bytes, SIZE_MAX);
    pgoutput_encode(&bytes, message);
    source->frames =
        memory_resize(source->frames, source->frame_count + 1, sizeof(*source->frames));
    source->frames[source->frame_count++] = (struct simulated_frame){
        .bytes = arena_copy(source->arena, (struct bytes){bytes.data, bytes.size}),
        .start_lsn = ++history->lsn,
        .transaction = source->transaction_count,
        .is_last = message->kind == PGOUTPUT_COMMIT};
}

static struct tuple tuple_of(struct history *history, const char *text)
{
    return scene_tuple(history->source->arena, text);
}

static void add_row(struct history *history, int table, const struct change *change)
{
    struct pgoutput_message message = {
        .kind = (enum pgoutput_kind)change->kind,
        .row = {.oid = table == 0 ? SIMULATED_T : SIMULATED_N, .change = *change}};
    add_frame(history, &message);
    const struct memory_table *at = &history->tables[table];
    const struct tuple *identity =
        change->old_kind == OLD_TUPLE_NONE ? &change->new_tuple : &change->old_tuple;
    int row = memory_rows_find(&history->rows, at, identity);
    if (change->kind == CHANGE_INSERT)
        memory_rows_add(&history->rows, at, &change->new_tuple, history->source->arena);
    else if (change->kind == CHANGE_UPDATE)
        memory_rows_set(&history->rows, row, &change->new_tuple, history->source->arena);
    else
        memory_rows_remove(&history->rows, row);
}

static void truncate_both(struct history *history)
{
    static const uint8_t oids[] = {0, 0, SIMULATED_T >> 8, SIMULATED_T & 0xff,
                                   0, 0, SIMULATED_N >> 8, SIMULATED_N & 0xff};
    struct pgoutput_message message = {.kind = PGOUTPUT_TRUNCATE,
                                       .truncate = {.count = 2, .oids = {oids, sizeof(oids)}}};
    add_frame(history, &message);
    memory_rows_clear(&history->rows, &history->tables[0]);
    memory_rows_clear(&history->rows, &history->tables[1]);
}

static void change_without_key(struct history *history)
{
    char row[64];
    snprintf(row, sizeof(row), "x,%d", ++history->version);
    struct change change = {.kind = CHANGE_INSERT, .new_tuple = tuple_of(history, row)};
    add_row(history, 1, &change);
    if (roll(history, 4) > 0)
        return;
    change = (struct change){
        .kind = CHANGE_DELETE, .old_kind = OLD_TUPLE_FULL, .old_tuple = tuple_of(history, row)};
    add_row(history, 1, &change);
}

static void change_with_key(struct history *history)
{
    char row[64];
    char old[64];
    uint32_t key = roll(history, KEYS);
    uint32_t to = roll(history, KEYS);
    snprintf(old, sizeof(old), "k%u,-", key);
    snprintf(row, sizeof(row), "k%u,%d", key, ++history->version);
    struct change change = {.kind = CHANGE_INSERT, .new_tuple = tuple_of(history, row)};
    struct tuple old_tuple = tuple_of(history, old);
    uint32_t dice = roll(history, 10);
    if (memory_rows_find(&history->rows, &history->tables[0], &old_tuple) >= 0)
        change.kind = dice < 3 ? CHANGE_DELETE : CHANGE_UPDATE;
    if (change.kind == CHANGE_UPDATE && dice == 9) {
        snprintf(row, sizeof(row), "k%u,?", to);
        struct tuple moved = tuple_of(history, row);
        if (memory_rows_find(&history->rows, &history->tables[0], &moved) < 0) {
            change.new_tuple = moved;
            change.old_kind = OLD_TUPLE_KEY;
            change.old_tuple = old_tuple;
        }
    }
    if (change.kind == CHANGE_DELETE)
        change = (struct change){
            .kind = CHANGE_DELETE, .old_kind = OLD_TUPLE_KEY, .old_tuple = old_tuple};
    add_row(history, 0, &change);
}

static bool add_changes(struct history *history)
{
    uint32_t count = 1 + roll(history, history->most);
    if (roll(history, 8) == 0) {
        struct pgoutput_message message = {
            .kind = PGOUTPUT_MESSAGE,
            .logical = {.is_transactional = true, .lsn = history->lsn + 1, .prefix = "penstock"}};
        add_frame(history, &message);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t dice = roll(history, 40);
        if (dice == 0)
            truncate_both(history);
        else if (dice < 8)
            change_without_key(history);
        else
            change_with_key(history);
    }
    return true;
}

/* The rows, in memory of their own. */
static char *rows_text(const struct history *history, const char *table)
{
    char *text = memory_new(SIMULATED_ROWS_SIZE);
    (void)memory_rows_text(&history->rows, table, text, SIMULATED_ROWS_SIZE);
    return text;
}

static void add_transaction(struct history *history)
{
    struct simulated_source *source = history->source;
    struct simulated_transaction made = {.first_frame = source->frame_count};
    /* The commit's LSN is known before the first row: room for all rows lies before it. */
    made.commit_lsn = history->lsn + LSN_STEP * (history->most + 4);
    made.end_lsn = made.commit_lsn + LSN_STEP;
    struct pgoutput_message message = {
        .kind = PGOUTPUT_BEGIN,
        .begin = {.final_lsn = made.commit_lsn, .xid = (uint32_t)source->transaction_count + 700}};
    add_frame(history, &message);
    made.has_changes = add_changes(history);
    message = (struct pgoutput_message){
        .kind = PGOUTPUT_COMMIT,
        .commit = {.commit_lsn = made.commit_lsn, .end_lsn = made.end_lsn}};
    add_frame(history, &message);
    made.rows[0] = rows_text(history, "t");
    made.rows[1] = rows_text(history, "n");
    source->transactions[source->transaction_count++] = made;
    /* A commit may start exactly where the one before it ended. */
    history->lsn = made.end_lsn - (roll(history, 2) ? 0 : 1);
}

void simulated_history_make(struct simulated_source *source, size_t count, uint32_t most)
{
    struct history history = {.source = source,
                              .tables = {{.name = "t", .forms = "b"}, {.name = "n"}},
                              .most = most,
                              .lsn = 0x10000};
    source->confirmed = history.lsn;
    source->transactions = memory_new_array(count, sizeof(*source->transactions));
    for (size_t i = 0; i < count; i++)
        add_transaction(&history);
    source->wal_end = history.lsn + 0x1000;
    memory_rows_release(&history.rows);
}
