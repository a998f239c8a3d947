/* SPDX-License-Identifier: Apache-2.0 */
/* Messages written into a pipe by hand, in chain: the capture's part of a test of the sink. */
#ifndef PENSTOCK_TESTS_SUPPORT_FEED_H
#define PENSTOCK_TESTS_SUPPORT_FEED_H

#include "base/arena.h"
#include "schema/change.h"
#include "transport/pipe.h"

struct feed {
    struct arena *arena;
    struct pipe *pipe;
    struct position last; /* of the last message written */
    pg_lsn lsn;           /* of the transaction under way */
    uint64_t ordinal;
    uint64_t count; /* of its changes */
};

void feed_open(struct feed *feed, size_t max_bytes);
void feed_close(struct feed *feed);

/* A message of any kind, in chain behind the last. */
void feed_write(struct feed *feed, enum message_kind kind, uint32_t shape_id,
                const struct position *position, struct bytes body);

/* The shape of public.<name>, of two columns, the first of which is the key. */
void feed_shape(struct feed *feed, uint32_t shape_id, const char *name);

/* A change as scene_change() makes it. */
void feed_change(struct feed *feed, uint32_t shape_id, enum change_kind kind, const char *old,
                 const char *row);
void feed_end(struct feed *feed);
void feed_watermark(struct feed *feed, pg_lsn lsn);
void feed_state(struct feed *feed, const struct recorded *recorded);

/* Lets the reader see all of it. */
void feed_flush(struct feed *feed);

#endif
