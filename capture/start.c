/* SPDX-License-Identifier: Apache-2.0 */
/* Start (DESIGN §3): hold the slot, learn R, compare the two and the source with it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "capture/internal.h"
#include "capture/slot.h"

static const char *const NO_PUBLICATION[] = {NULL};

bool capture_hold_slot(struct capture *capture, struct error *err)
{
    enum { TRY_EVERY_MS = 500 };
    const struct publication_options *publication = &capture->options->publication;
    const char *names[] = {publication->name, publication->insert_name, NULL};
    int64_t deadline = capture_now_ms(capture) + LOCK_WAIT_MS;
    for (;;) {
        capture->stream = replication_start(capture->replication, capture->options->slot,
                                            publication->name ? names : NO_PUBLICATION, err);
        if (capture->stream)
            break;
        if (strcmp(err->sqlstate, "55006") != 0) /* object_in_use: another reads the slot */
            return false;
        if (capture_now_ms(capture) >= deadline)
            return slot_already_running(capture->catalog, capture->options->name,
                                        capture->options->slot, err);
        if (stop_flag_wait(capture->options->stop, TRY_EVERY_MS))
            return error_set(err, ERROR_ENDED, "ended on request");
    }
    capture->progress.keep_alive_ms = capture->keep_alive_ms;
    capture->progress.told_ms = capture_now_ms(capture);
    return failpoint("slot_held", err);
}

static bool learn_recorded(struct capture *capture, struct error *err)
{
    enum { LOOK_EVERY_MS = 200 };
    for (bool is_known = false;;) {
        if (!capture->writer->ops->recorded(capture->writer, &capture->recorded, &is_known, err))
            return false;
        if (is_known)
            break;
        if (!capture_pause(capture, LOOK_EVERY_MS, err))
            return false;
    }
    capture->chain.last = capture->recorded.position;
    return true;
}

/* Where R is kept, for messages. */
static const char *keeper(const struct capture *capture)
{
    return capture->format->ops->keeper;
}

/* ---- checks of a streaming R ---- */

static bool check_system(struct capture *capture, struct error *err)
{
    const struct recorded *recorded = &capture->recorded;
    const struct system_identity *identity = &capture->identity;
    if (identity->system_id == recorded->system_id)
        return true;
    error_stop(err, STOP_SYSID_CHANGED,
               "the source is another cluster: system id %" PRIu64 ", recorded was %" PRIu64,
               identity->system_id, recorded->system_id);
    return error_remedy(
        err, "point source.url at the recorded cluster; after pg_upgrade or a move, make a new "
             "copy: see docs/stops.md, SYSID_CHANGED");
}

/* From here on the source's past is the new timeline's: it must not be compared with the old one's end again. */
static bool record_timeline(struct capture *capture, uint32_t timeline, struct error *err)
{
    struct recorded recorded = {0};
    recorded_assign(&recorded, &capture->recorded);
    recorded.timeline = timeline;
    bool is_recorded = capture_record(capture, &recorded, err);
    recorded_release(&recorded);
    return is_recorded;
}

/* A promoted standby goes on from its switch point: what we have beyond it never happened there. */
static bool check_timeline(struct capture *capture, struct error *err)
{
    const struct recorded *recorded = &capture->recorded;
    uint32_t timeline = capture->identity.timeline;
    if (timeline == recorded->timeline)
        return true;
    struct connection_options options = capture->options->source;
    options.is_replication = true;
    struct connection *session = connection_open(&options, err);
    pg_lsn switched = 0;
    bool is_read = session && (timeline < recorded->timeline ||
                               replication_switch_point(session, timeline, recorded->timeline,
                                                        &switched, err));
    connection_close(session);
    if (!is_read)
        return false;
    char have[LSN_TEXT_SIZE];
    char at[LSN_TEXT_SIZE];
    if (switched != 0 && recorded_confirmable(recorded) <= switched) {
        log_info("source was promoted", "timeline=%u from=%u switch=%s", timeline,
                 recorded->timeline, lsn_text(switched, at));
        return record_timeline(capture, timeline, err);
    }
    error_stop(
        err, STOP_TIMELINE_DIVERGED,
        "the source is on timeline %u, which left timeline %u at %s; %s already has what was "
        "committed up to %s",
        timeline, recorded->timeline, lsn_text(switched, at), keeper(capture),
        lsn_text(recorded_confirmable(recorded), have));
    return error_remedy(
        err, "it holds transactions that this source lost: compare with penstock verify, "
             "then make a new copy: see docs/stops.md, TIMELINE_DIVERGED");
}

static bool check_slot(struct capture *capture, const struct slot_info *slot, struct error *err)
{
    const struct recorded *recorded = &capture->recorded;
    const char *name = capture->options->slot;
    if (strcmp(recorded->slot, name) != 0) {
        error_stop(err, STOP_SLOT_FOREIGN,
                   "%s records slot %s for this name, the configuration says %s", keeper(capture),
                   recorded->slot, name);
        return error_remedy(err, "set source.slot: %s, or use another name for a new pipeline",
                            recorded->slot);
    }
    if (slot->confirmed_flush <= recorded_confirmable(recorded))
        return true;
    char from[LSN_TEXT_SIZE];
    char to[LSN_TEXT_SIZE];
    error_stop(err, STOP_SLOT_AHEAD,
               "slot %s was moved to %s by somebody; %s has only what is before %s", name,
               lsn_text(slot->confirmed_flush, to), keeper(capture),
               lsn_text(recorded_confirmable(recorded), from));
    return error_remedy(
        err, "the changes between the two are lost to this slot: a new copy is needed; see "
             "docs/stops.md, SLOT_AHEAD");
}

static bool check_routing(const struct capture *capture, struct error *err)
{
    const struct recorded *recorded = &capture->recorded;
    const char *routing = capture->format->ops->routing;
    if (strncmp(recorded->routing, routing, strlen(routing)) == 0)
        return true;
    error_stop(err, STOP_ROUTING_CHANGED,
               "the recorded state was written under other routing rules (%s)", recorded->routing);
    return error_remedy(err, "run the version of penstock that wrote it, or start a new pipeline");
}

/* ---- decisions ---- */

static bool slot_missing(const struct capture *capture, struct error *err)
{
    char lsn[LSN_TEXT_SIZE];
    error_stop(err, STOP_SLOT_MISSING, "slot %s is not there, though %s has its changes up to %s",
               capture->options->slot, keeper(capture),
               lsn_text(recorded_confirmable(&capture->recorded), lsn));
    return error_remedy(
        err, "a new slot would skip what was committed meanwhile, so none is made: a new copy is "
             "needed; see docs/stops.md, SLOT_MISSING");
}

static bool slot_foreign(const struct capture *capture, struct error *err)
{
    error_stop(
        err, STOP_SLOT_FOREIGN,
        "slot %s exists, but %s has no state for %s: it is somebody else's, or the target or "
        "the transport was changed (TRANSPORT_CHANGED)",
        capture->options->slot, keeper(capture), capture->options->name);
    return error_remedy(
        err,
        "if nobody needs it: SELECT pg_drop_replication_slot('%s') on the source; to take it "
        "over with a target that is already in step: --adopt-slot",
        capture->options->slot);
}

/* R for an existing slot and a copy made by other means: from where the slot stands. */
static bool adopt(struct capture *capture, const struct slot_info *slot, struct error *err)
{
    const struct capture_options *options = capture->options;
    struct published published;
    if (!publication_read(capture->catalog, &options->publication, options->is_wanted,
                          options->is_wanted_context, &published, err))
        return false;
    if (published.name_count == 0) {
        published_release(&published);
        error_stop(err, STOP_PUBLICATION_MISSING, "publication %s does not exist",
                   options->publication.name);
        return error_remedy(err, "name the slot's publication in source.publication");
    }
    struct recorded recorded = {.state = RECORDED_STREAMING,
                                .position = {.epoch = 1},
                                .acked_lsn = slot->confirmed_flush,
                                .system_id = capture->identity.system_id,
                                .timeline = capture->identity.timeline,
                                .tables = publication_record(&published)};
    snprintf(recorded.slot, sizeof(recorded.slot), "%s", options->slot);
    capture_set_routing(capture, &recorded);
    memcpy(recorded.publication, published.fingerprint, sizeof(recorded.publication));
    published_release(&published);
    bool is_recorded = capture_record(capture, &recorded, err);
    recorded_release(&recorded);
    char lsn[LSN_TEXT_SIZE];
    if (is_recorded)
        log_info("slot adopted", "slot=%s from=%s", options->slot,
                 lsn_text(slot->confirmed_flush, lsn));
    return is_recorded;
}

/* The session that holds the slot can't be used to drop it: it is closed, and the name locked anew. */
static bool start_anew(struct capture *capture, const struct slot_info *slot, struct error *err)
{
    if (slot->exists && strcmp(capture->recorded.slot, capture->options->slot) != 0)
        return slot_foreign(capture, err);
    if (!slot->exists)
        return capture_copy(capture, err);
    log_warn("initial copy starts anew", "slot=%s epoch=%u", capture->options->slot,
             capture->recorded.position.epoch + 1);
    capture->stream->ops->free(capture->stream);
    capture->stream = NULL;
    connection_close(capture->replication);
    struct connection_options options = capture->options->source;
    options.is_replication = true;
    capture->replication = connection_open(&options, err);
    bool is_locked = false;
    if (!capture->replication ||
        !slot_try_lock(capture->replication, capture->options->name, &is_locked, err))
        return false;
    if (!is_locked)
        return error_set(err, ERROR_RETRY, "the name's lock was taken meanwhile");
    return replication_drop_slot(capture->replication, capture->options->slot, err) &&
           capture_copy(capture, err);
}

static bool check_all(struct capture *capture, const struct slot_info *slot, struct error *err)
{
    return check_system(capture, err) && check_timeline(capture, err) &&
           check_slot(capture, slot, err) && check_routing(capture, err) &&
           capture_check_publication(capture, err) && capture_check_unpublished(capture, true, err);
}

static bool decide(struct capture *capture, const struct slot_info *slot, struct error *err)
{
    switch (capture->recorded.state) {
    case RECORDED_NONE:
        if (slot->exists)
            return capture->options->adopts_slot ? adopt(capture, slot, err)
                                                 : slot_foreign(capture, err);
        return capture->options->adopts_slot ? slot_missing(capture, err)
                                             : capture_copy(capture, err);
    case RECORDED_CREATING:
    case RECORDED_COPYING:
        return check_system(capture, err) && start_anew(capture, slot, err);
    case RECORDED_STREAMING:
        return slot->exists ? check_all(capture, slot, err) : slot_missing(capture, err);
    }
    return error_set(err, ERROR_FATAL, "unknown recorded state");
}

static bool check_usable(const struct capture *capture, const struct slot_info *slot,
                         struct error *err)
{
    if (slot->exists && !slot->is_ours_to_read) {
        error_stop(err, STOP_SLOT_UNSUITABLE,
                   "slot %s is not a permanent pgoutput slot of this database",
                   capture->options->slot);
        return error_remedy(err, "choose another source.slot, or drop that one");
    }
    if (slot->exists && slot->is_lost) {
        error_stop(err, STOP_SLOT_LOST,
                   "slot %s was invalidated: WAL that it needs was removed "
                   "(max_slot_wal_keep_size)",
                   capture->options->slot);
        return error_remedy(
            err,
            "a new copy is needed; raise max_slot_wal_keep_size; see docs/stops.md, SLOT_LOST");
    }
    return true;
}

bool capture_start(struct capture *capture, struct error *err)
{
    struct slot_info slot;
    if (!replication_identify(capture->replication, &capture->identity, err) ||
        !slot_look_up(capture->catalog, capture->options->slot, &slot, err) ||
        !check_usable(capture, &slot, err))
        return false;
    if (slot.exists && !capture_hold_slot(capture, err))
        return false;
    /* Look again: until it was held, another could move it. */
    if (!learn_recorded(capture, err) ||
        !slot_look_up(capture->catalog, capture->options->slot, &slot, err) ||
        !decide(capture, &slot, err))
        return false;
    if (!capture->stream && !capture_hold_slot(capture, err))
        return false;
    progress_init(&capture->progress, &capture->recorded, capture->keep_alive_ms,
                  capture_now_ms(capture));
    return true;
}
