/* SPDX-License-Identifier: Apache-2.0 */
/* A message, and how it travels: the interfaces that the capture writes to and the sink reads from. */
#ifndef PENSTOCK_TRANSPORT_MESSAGE_H
#define PENSTOCK_TRANSPORT_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/position.h"
#include "transport/recorded.h"

enum message_kind {
    MESSAGE_SHAPE,  /* a table's shape, before its first row; body: schema/table */
    MESSAGE_CHANGE, /* one change; body: schema/wire */
    MESSAGE_END,    /* a unit is whole; body: struct unit_end */
    MESSAGE_WATERMARK, /* the source has nothing before this LSN that was not sent; body: struct watermark */
    MESSAGE_STATE, /* a change of R itself, to be durable before the next step; body: struct recorded */
};

struct message {
    enum message_kind kind;
    uint32_t shape_id;        /* SHAPE: the id being defined; CHANGE: the table's */
    struct position position; /* of SHAPE, WATERMARK and STATE: that of the message before */
    struct position previous; /* of the message before in this partition; none in the first */
    struct bytes body;        /* borrowed: valid until the next call of the reader */
    const char *origin;       /* of END: the transaction's replication origin; NULL: none */
    struct bytes
        places; /* of END, WATERMARK and STATE that came out of topics: where the reader stands behind
                               * them, in the form of sink/places; empty in the pipe */
};

/* The end of a source transaction or of a part of the initial copy. */
struct unit_end {
    pg_lsn end_lsn;         /* 0 in the initial copy */
    int64_t commit_time_us; /* since 1970 UTC */
    uint64_t count;         /* of the CHANGE messages of this unit */
    uint32_t xid;
};

struct watermark {
    pg_lsn lsn;
    int64_t time_us; /* of the source, since 1970 UTC */
};

/* What the far end has made durable. */
struct durable {
    enum recorded_state state;
    struct position position;
    pg_lsn end_lsn;
    pg_lsn acked_lsn;
    uint64_t state_count; /* how many STATE messages are durable */
};

struct message_writer;
struct message_reader;

struct message_writer_ops {
    /* Takes over the message's content. Never waits: may go past the limit by one message. */
    bool (*write)(struct message_writer *writer, const struct message *message, struct error *err);
    /* Like write(), the body being made in place: returns `size` bytes to fill before the next call. */
    uint8_t *(*reserve)(struct message_writer *writer, const struct message *message, size_t size,
                        struct error *err);
    /* Lets the far end see all that was written. */
    bool (*flush)(struct message_writer *writer, struct error *err);
    bool (*has_room)(struct message_writer *writer);
    /* A descriptor that becomes readable when room or durable() may have changed; clear it by acknowledge(). */
    int (*fd)(struct message_writer *writer);
    void (*acknowledge)(struct message_writer *writer);
    /* R as it stood when the far end began; `is_known` is false until it has been read. */
    bool (*recorded)(struct message_writer *writer, struct recorded *recorded, bool *is_known,
                     struct error *err);
    /* Fills `durable`; false when the far end has failed or ended, with its reason. */
    bool (*durable)(struct message_writer *writer, struct durable *durable, struct error *err);
};

struct message_reader_ops {
    /* The next message, or NULL: with ERROR_NONE when `timeout_ms` passed (-1: never) or wake() was called,
     * with ERROR_ENDED when the writer has closed and all was read. */
    const struct message *(*read)(struct message_reader *reader, int timeout_ms, struct error *err);
    void (*wake)(struct message_reader *reader);
    void (*report_durable)(struct message_reader *reader, const struct durable *durable);
};

struct message_writer {
    const struct message_writer_ops *ops;
    int linger_ms; /* how long to wait for more before flush(), when the source seems idle: what a flush costs */
};

struct message_reader {
    const struct message_reader_ops *ops;
};

#endif
