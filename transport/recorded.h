/* SPDX-License-Identifier: Apache-2.0 */
/* R, the capture's checkpoint (DESIGN §3): over Kafka in the offsets topic, in the pipe in the target's checkpoint. */
#ifndef PENSTOCK_TRANSPORT_RECORDED_H
#define PENSTOCK_TRANSPORT_RECORDED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/position.h"

enum recorded_state {
    RECORDED_NONE,     /* there is no R yet */
    RECORDED_CREATING, /* publications and slot are being made */
    RECORDED_COPYING,  /* the slot is there, the initial copy is under way */
    RECORDED_STREAMING,
};

/* A version of this layout that we don't know is refused, never guessed at. */
enum {
    RECORDED_VERSION = 1,
    RECORDED_NAME_SIZE = 64,
    RECORDED_HASH_SIZE = 33,
    RECORDED_TABLE_NAME_SIZE = 264, /* two names of 63 bytes, each doubled and quoted, and a dot */
};

struct recorded {
    enum recorded_state state;
    struct position position; /* of the last unit that is wholly recorded */
    pg_lsn end_lsn;           /* of the last whole source transaction; 0 if none yet */
    pg_lsn
        acked_lsn; /* at first the slot's consistent point, then what an idle source had reached */
    uint64_t system_id;
    uint32_t timeline;
    char slot[RECORDED_NAME_SIZE];
    char publication[RECORDED_HASH_SIZE]; /* fingerprint of the publications, tables apart */
    char routing[RECORDED_HASH_SIZE];     /* hash of all that decides routing and ordinals */
    int64_t commit_time_us;               /* of the last unit, since 1970 UTC; for people */
    char *
        tables; /* a line for each captured table, see struct recorded_table; owned; never NULL once set */
};

/* A line of R's tables: `oid fingerprint "schema"."table"`, a newline or backslash in the name escaped. */
struct recorded_table {
    uint32_t oid;
    char fingerprint[RECORDED_HASH_SIZE]; /* of its column list and row filter */
    char name[RECORDED_TABLE_NAME_SIZE];  /* quoted, so that it can stand in SQL */
};

/* Appends the line of a table. */
void recorded_write_table(struct byte_buffer *lines, uint32_t oid, const char *fingerprint,
                          const char *name);

/* Reads the line at `*at` and moves behind it; false at the end. */
bool recorded_next_table(const char **at, struct recorded_table *table);

void recorded_release(struct recorded *recorded);

/* Copies `from` over `to`, which must be initialised (zeros will do). */
void recorded_assign(struct recorded *to, const struct recorded *from);

/* "creating", "copying", "streaming", or "none". */
const char *recorded_state_text(enum recorded_state state);
bool recorded_state_parse(const char *text, enum recorded_state *state) MUST_USE;

/* Takes over a new state. One of the same epoch may have been written when less was recorded: it never moves R back. */
void recorded_advance(struct recorded *recorded, const struct recorded *state);

/* max(end_lsn, acked_lsn): how far the slot may be confirmed once this R is durable. */
pg_lsn recorded_confirmable(const struct recorded *recorded);

void recorded_write(struct byte_buffer *buffer, const struct recorded *recorded);
bool recorded_read(struct bytes bytes, struct recorded *recorded, struct error *err) MUST_USE;

#endif
