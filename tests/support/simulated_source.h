/* SPDX-License-Identifier: Apache-2.0 */
/* A source without a server: random transactions as pgoutput frames, a slot, and sessions that end at any frame. The
 * table t has the key c1 and a value; n has no key. */
#ifndef PENSTOCK_TESTS_SUPPORT_SIMULATED_SOURCE_H
#define PENSTOCK_TESTS_SUPPORT_SIMULATED_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "postgres/replication.h"
#include "tests/support/memory_target.h"

enum { SIMULATED_T = 1000, SIMULATED_N = 1001, SIMULATED_ROWS_SIZE = 16 * 1024 };

struct simulated_frame {
    struct bytes bytes;
    pg_lsn start_lsn;
    size_t transaction;
    bool is_last; /* of its transaction */
};

struct simulated_transaction {
    pg_lsn commit_lsn;
    pg_lsn end_lsn;
    size_t first_frame;
    bool has_changes;
    char *rows[2]; /* of t and n, as they are behind it */
};

struct simulated_source {
    struct replication stream;
    struct arena *arena;
    struct simulated_frame *frames;
    size_t frame_count;
    struct simulated_transaction *transactions;
    size_t transaction_count;
    pg_lsn wal_end;
    pg_lsn confirmed; /* the slot's */
    size_t next_frame;
    unsigned lost_in; /* frames until the session is lost; 0: never */
    uint64_t random;
    /* Called instead of waiting. */
    bool (*on_wait)(void *context, struct error *err);
    /* Called with each LSN that the slot is told. */
    void (*on_confirm)(void *context, pg_lsn lsn);
    void *context;
};

uint32_t simulated_random(uint64_t *random, uint32_t below);

/* Makes `count` transactions of at most `most` changes each. */
void simulated_source_open(struct simulated_source *source, uint64_t seed, size_t count,
                           uint32_t most);
void simulated_source_close(struct simulated_source *source);

/* A session from where the slot stands; it is lost after `lost_in` frames, unless that is 0. */
void simulated_source_start(struct simulated_source *source, unsigned lost_in);

/* The last transaction with changes at or before this commit; NULL: there is none. */
const struct simulated_transaction *simulated_source_at(const struct simulated_source *source,
                                                        pg_lsn commit_lsn);

#endif
