/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of capture/ share, and nobody else sees. */
#ifndef PENSTOCK_CAPTURE_INTERNAL_H
#define PENSTOCK_CAPTURE_INTERNAL_H

#include "capture/capture.h"
#include "capture/format.h"
#include "capture/progress.h"
#include "capture/relations.h"
#include "postgres/replication.h"

struct capture {
    const struct capture_options *options;
    struct message_writer *writer;
    struct change_format *format;
    struct connection *replication; /* holds the lock of the name, then streams */
    struct connection *catalog;
    struct replication *stream; /* NULL until the slot is held */
    struct relations *relations;
    struct recorded recorded; /* R, as of its last change of state */
    struct system_identity identity;
    char database[256];
    struct progress progress;
    struct chain chain;
    uint64_t states_sent;
    int keep_alive_ms; /* a third of the server's wal_sender_timeout */
    int64_t publication_read_ms;
    struct capture_stats stats;
};

/* How long to wait for locks and an active slot before ALREADY_RUNNING. */
enum { LOCK_WAIT_MS = 75000 };

/* ---- common: capture/common.c ---- */

int64_t capture_now_ms(const struct capture *capture);

/* ERROR_ENDED if we were asked to end. */
bool capture_goes_on(const struct capture *capture, struct error *err) MUST_USE;

/* Waits for news of the writer, at most `timeout_ms`, without reading the stream; if the slot is held the server is
 * told that we live, without moving anything but what is confirmed already. */
bool capture_pause(struct capture *capture, int timeout_ms, struct error *err) MUST_USE;

/* Waits until the transport has room. */
bool capture_wait_for_room(struct capture *capture, struct error *err) MUST_USE;

/* Writes a message with the chain's fields filled in; `position` NULL keeps the last one. */
bool capture_write(struct capture *capture, enum message_kind kind, uint32_t shape_id,
                   const struct position *position, struct bytes body, struct error *err) MUST_USE;

/* Writes one change in the format's messages, waiting for what it needs; `*messages` says how many steps it took. */
bool capture_write_change(struct capture *capture, struct relation *relation,
                          const struct position *position, const struct change_context *context,
                          const struct change *change, uint32_t *messages,
                          struct error *err) MUST_USE;

/* `origin` NULL: none. */
bool capture_write_end(struct capture *capture, const struct position *position,
                       const struct unit_end *end, const char *origin, struct error *err) MUST_USE;

/* Sends the state and waits until it is durable; then it is capture->recorded. */
bool capture_record(struct capture *capture, const struct recorded *recorded,
                    struct error *err) MUST_USE;

/* ---- start: capture/start.c ---- */

/* From the lock to a held slot and a checked R, through the initial copy where one is due. */
bool capture_start(struct capture *capture, struct error *err) MUST_USE;

/* Holds the slot, waiting while another has it: START_REPLICATION, its data left unread. */
bool capture_hold_slot(struct capture *capture, struct error *err) MUST_USE;

/* Reads the publications and compares them with R; harmless changes are logged and go into R. */
bool capture_check_publication(struct capture *capture, struct error *err) MUST_USE;

/* Puts our routing into R. */
void capture_set_routing(const struct capture *capture, struct recorded *recorded);

/* Names the tables that match but aren't published, so that nobody waits for them; TABLE_ADDED for those that match
 * only since the filter was changed. */
bool capture_check_unpublished(struct capture *capture, bool is_filter_same,
                               struct error *err) MUST_USE;

/* ---- copy: capture/copy.c ---- */

/* A first start, or one anew: states, publications, slot, rows. Leaves R streaming. */
bool capture_copy(struct capture *capture, struct error *err) MUST_USE;

/* ---- stream: capture/stream.c ---- */

bool capture_stream(struct capture *capture, struct error *err) MUST_USE;

#endif
