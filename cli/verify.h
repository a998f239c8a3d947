/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `verify` share. */
#ifndef PENSTOCK_CLI_VERIFY_H
#define PENSTOCK_CLI_VERIFY_H

#include "base/arena.h"
#include "cli/command.h"
#include "cli/kafka.h"
#include "cli/publication_names.h"
#include "transport/recorded.h"

enum side { SOURCE, TARGET, SIDES };

struct verify {
    const struct config *config;
    const struct kafka_options *kafka; /* NULL: through the pipe */
    struct publication_names names;
    struct connection *sessions[SIDES];
    bool is_utf8[SIDES];      /* the database's encoding */
    struct recorded recorded; /* the target's, as of the snapshots */
    struct recorded captured; /* R, which knows the tables: over Kafka another than the target's */
    size_t equal_tables;
    size_t different_tables;
    size_t skipped_tables; /* captured once, but not published any more */
    uint64_t rows;         /* of the source's equal tables */
};

/* ---- waiting: cli/verify_settle.c ---- */

struct settlement {
    bool is_reached;  /* the target has all that was committed at the source when the wait began */
    bool is_detached; /* no slot ties the two together any more: there is nothing to wait for */
    const char
        *idle; /* who isn't running, though nothing comes without it, and what to do; or NULL */
    uint64_t lag_bytes;
    struct recorded recorded; /* the target's */
    struct recorded captured; /* R */
};

/* Waits, at most `patience_ms`. Not having reached it is no error. The caller releases the settlement. */
bool verify_settle(const struct verify *verify, int patience_ms, struct settlement *settlement,
                   struct error *err) MUST_USE;
void settlement_release(struct settlement *settlement);

/* ---- one table: cli/verify_table.c ---- */

/* How a table's rows are read on both sides. All strings are in the arena. */
struct compared_table {
    struct arena *arena;
    const char *display_name;
    const char *key_names;   /* "id" or "(a, b)", for people; NULL: it is compared as a multiset */
    const char *hash[SIDES]; /* SQL: the md5 of a row's text */
    const char *key[SIDES];  /* SQL: the text of a row's key */
    const char *rows[SIDES]; /* SQL: what follows FROM */
    uint64_t row_counts[SIDES];
};

/* Compares one table in both sessions' snapshots, prints its line and counts it in. */
bool verify_table(struct verify *verify, const struct published_table *published,
                  struct error *err) MUST_USE;

/* ---- its differences: cli/verify_merge.c ---- */

struct differences {
    uint64_t missing;   /* rows that the target lacks */
    uint64_t extra;     /* rows that only the target has */
    uint64_t different; /* keys whose rows differ */
    size_t shown_count;
    struct byte_buffer shown[10]; /* the first, as lines */
};

/* Reads both sides in the order of their keys (or hashes) through cursors. The caller releases it. */
bool differences_find(const struct verify *verify, const struct compared_table *table,
                      struct differences *differences, struct error *err) MUST_USE;
void differences_release(struct differences *differences);

#endif
