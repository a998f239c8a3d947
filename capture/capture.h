/* SPDX-License-Identifier: Apache-2.0 */
/* The capture: from a replication slot to messages. */
#ifndef PENSTOCK_CAPTURE_CAPTURE_H
#define PENSTOCK_CAPTURE_CAPTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/stop_flag.h"
#include "capture/catalog.h"
#include "capture/publication.h"
#include "postgres/connection.h"
#include "transport/message.h"

struct capture_options {
    const char *name;
    const char *slot;
    struct publication_options publication;
    struct connection_options source; /* is_replication is set as needed */
    table_filter is_wanted;           /* which published tables are captured */
    const void *is_wanted_context;
    const char *filter_hash; /* of what is_wanted goes by: 16 hexadecimal digits */
    bool adopts_slot;        /* --adopt-slot */
    bool until_caught_up;    /* end once all is durable that was committed before the start */
    uint32_t copy_unit_rows;
    size_t max_row_bytes;
    const struct clock *clock;
    struct stop_flag *stop;
};

/* For the live line; may be read from any thread. */
struct capture_stats {
    atomic_ullong changes;       /* sent to the transport, rows of the copy included */
    atomic_ullong received_lsn;  /* the newest commit or keepalive */
    atomic_ullong confirmed_lsn; /* told to the slot */
    atomic_llong commit_time_us; /* of the newest commit */
    atomic_bool is_copying;
};

struct capture;
struct change_format;

/* Connects and locks the name at the source, waiting for at most 75 s. ALREADY_RUNNING. */
struct capture *capture_open(const struct capture_options *options, struct error *err) MUST_USE;
void capture_close(struct capture *capture);

const struct capture_stats *capture_stats(const struct capture *capture);

/* The name of the source's database. */
const char *capture_database(const struct capture *capture);

/* Runs from Start (DESIGN §3) on: R, the checks, the copy if one is due, then the stream, written by `format` to `writer`; until
 * the stop flag is set or all is caught up (true), or an error (false): ERROR_RETRY asks for a new start. */
bool capture_run(struct capture *capture, struct message_writer *writer,
                 struct change_format *format, struct error *err) MUST_USE;

#endif
