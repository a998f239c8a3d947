/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of a logical replication slot (PostgreSQL manual, "Streaming Replication Protocol"). */
#ifndef PENSTOCK_POSTGRES_REPLICATION_H
#define PENSTOCK_POSTGRES_REPLICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/position.h"
#include "postgres/connection.h"

enum frame_kind { FRAME_NONE, FRAME_DATA, FRAME_KEEPALIVE };

/* One CopyData message of the server. */
struct frame {
    enum frame_kind kind;
    pg_lsn start_lsn;  /* of DATA */
    pg_lsn wal_end;    /* of KEEPALIVE: all before it was decoded and sent */
    int64_t time_us;   /* the server's clock, since 1970 UTC */
    bool wants_reply;  /* of KEEPALIVE */
    struct bytes body; /* of DATA: a pgoutput message; valid until the next call of next() */
};

/* What the capture needs of a stream; tests put their own behind it. */
struct replication;
struct replication_ops {
    /* The next frame that is already here, or FRAME_NONE. Never waits. */
    bool (*next)(struct replication *stream, struct frame *frame, struct error *err);
    /* Reads on at once where the server is far ahead and much of it is here already; `is_read` says whether. */
    bool (*read_on)(struct replication *stream, bool *is_read, struct error *err);
    /* Waits until a frame may be here, `other_fd` is readable (which `is_other_ready` tells), or `timeout_ms` passed.
     * While the server is far ahead, frames are let gather for a moment: fewer, larger reads and writes on both
     * sides. */
    bool (*wait)(struct replication *stream, int other_fd, int timeout_ms, bool *is_other_ready,
                 struct error *err);
    /* Tells the server how far all is safe; `wants_reply` asks for a keepalive. 0 moves nothing. */
    bool (*confirm)(struct replication *stream, pg_lsn lsn, bool wants_reply, struct error *err);
    void (*free)(struct replication *stream);
};

struct replication {
    const struct replication_ops *ops;
};

/* Starts streaming from where the slot stands, on a session opened with is_replication; pgoutput protocol 1 with
 * messages. The session stays the caller's, and must not be used otherwise until the stream is freed; freeing
 * the stream doesn't end it: close the session. SLOT_MISSING, SLOT_LOST; ERROR_RETRY with SQLSTATE 55006 while the
 * slot is in use by another. */
struct replication *replication_start(struct connection *connection, const char *slot,
                                      const char *const *publications, struct error *err) MUST_USE;

struct system_identity {
    uint64_t system_id;
    uint32_t timeline;
    pg_lsn flushed;
};

bool replication_identify(struct connection *connection, struct system_identity *identity,
                          struct error *err) MUST_USE;

/* Where timeline `timeline` left timeline `ancestor`; 0 if it never did. */
bool replication_switch_point(struct connection *connection, uint32_t timeline, uint32_t ancestor,
                              pg_lsn *lsn, struct error *err) MUST_USE;

enum { SNAPSHOT_NAME_SIZE = 64 };

/* Makes the slot. Its snapshot can be used by other sessions until this session's next command. Waits for
 * transactions that are open now; `lock_timeout` doesn't bound that, the stop flag does. */
bool replication_create_slot(struct connection *connection, const char *slot,
                             pg_lsn *consistent_point, char *snapshot, struct error *err) MUST_USE;

bool replication_drop_slot(struct connection *connection, const char *slot,
                           struct error *err) MUST_USE;

/* Microseconds since 1970 of a server's time, which counts from 2000. */
int64_t server_time_us(int64_t since_2000_us);

#endif
