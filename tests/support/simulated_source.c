/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of a simulated source: frames, keepalives, lost sessions. */
#include "tests/support/simulated_source.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/simulated_history.h"

uint32_t simulated_random(uint64_t *random, uint32_t below)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*random >> 33) % below;
}

static struct simulated_source *source_of(struct replication *stream)
{
    return (struct simulated_source *)stream;
}

/* Inside a transaction a keepalive may name any LSN; between two, one before which all was sent. */
static pg_lsn keepalive_lsn(const struct simulated_source *source)
{
    if (source->next_frame == source->frame_count)
        return source->wal_end;
    size_t transaction = source->frames[source->next_frame].transaction;
    if (source->next_frame != source->transactions[transaction].first_frame)
        return source->wal_end;
    return transaction > 0 ? source->transactions[transaction - 1].end_lsn : 0;
}

static bool next(struct replication *stream, struct frame *frame, struct error *err)
{
    struct simulated_source *source = source_of(stream);
    *frame = (struct frame){.kind = FRAME_NONE};
    if (source->lost_in > 0 && --source->lost_in == 0)
        return error_set(err, ERROR_RETRY, "the source's session was lost");
    uint32_t dice = simulated_random(&source->random, 20);
    if (dice < 2)
        return true;
    if (dice < 4 || source->next_frame == source->frame_count) {
        bool is_quiet = simulated_random(&source->random, 2) == 0;
        frame->kind = is_quiet ? FRAME_NONE : FRAME_KEEPALIVE;
        frame->wal_end = keepalive_lsn(source);
        frame->wants_reply = simulated_random(&source->random, 5) == 0;
        return true;
    }
    const struct simulated_frame *sent = &source->frames[source->next_frame++];
    frame->kind = FRAME_DATA;
    frame->start_lsn = sent->start_lsn;
    frame->body = sent->bytes;
    return true;
}

static bool read_on(struct replication *stream, bool *is_read, struct error *err)
{
    (void)err;
    *is_read = simulated_random(&source_of(stream)->random, 2) == 0;
    return true;
}

static bool wait(struct replication *stream, int other_fd, int timeout_ms, bool *is_other_ready,
                 struct error *err)
{
    struct simulated_source *source = source_of(stream);
    (void)other_fd;
    (void)timeout_ms;
    *is_other_ready = simulated_random(&source->random, 2) == 0;
    return source->on_wait(source->context, err);
}

static bool confirm(struct replication *stream, pg_lsn lsn, bool wants_reply, struct error *err)
{
    struct simulated_source *source = source_of(stream);
    (void)wants_reply;
    (void)err;
    source->on_confirm(source->context, lsn);
    if (lsn > source->confirmed)
        source->confirmed = lsn;
    return true;
}

static void free_nothing(struct replication *stream)
{
    (void)stream;
}

static const struct replication_ops ops = {
    .next = next, .read_on = read_on, .wait = wait, .confirm = confirm, .free = free_nothing};

void simulated_source_open(struct simulated_source *source, uint64_t seed, size_t count,
                           uint32_t most)
{
    *source = (struct simulated_source){.stream = {.ops = &ops}, .random = seed};
    source->arena = arena_new(64 * 1024);
    simulated_history_make(source, count, most);
}

void simulated_source_close(struct simulated_source *source)
{
    for (size_t i = 0; i < source->transaction_count; i++) {
        free(source->transactions[i].rows[0]);
        free(source->transactions[i].rows[1]);
    }
    free(source->transactions);
    free(source->frames);
    arena_free(source->arena);
}

void simulated_source_start(struct simulated_source *source, unsigned lost_in)
{
    size_t at = 0;
    while (at < source->transaction_count && source->transactions[at].end_lsn <= source->confirmed)
        at++;
    source->next_frame =
        at < source->transaction_count ? source->transactions[at].first_frame : source->frame_count;
    source->lost_in = lost_in;
}

const struct simulated_transaction *simulated_source_at(const struct simulated_source *source,
                                                        pg_lsn commit_lsn)
{
    const struct simulated_transaction *found = NULL;
    for (size_t i = 0; i < source->transaction_count; i++)
        if (source->transactions[i].has_changes && source->transactions[i].commit_lsn <= commit_lsn)
            found = &source->transactions[i];
    return found;
}
