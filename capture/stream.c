/* SPDX-License-Identifier: Apache-2.0 */
/* The capture's loop: frames to changes, changes to messages, and confirmation back to the slot. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "capture/barrier.h"
#include "capture/internal.h"

enum {
    TURNS_PER_LOOK = 64, /* of the loop, between two looks at the clock while frames flow */
    PUBLICATION_EVERY_MS = 10000,
    IDLE_WAIT_MS = 1000,
    CATCH_UP_WAIT_MS = 10,
    MAX_ORIGIN_BYTES = 513, /* pg_replication_origin_create() takes 512 */
};

struct stream {
    struct capture *capture;
    struct pgoutput_decoder *decoder;
    bool is_in_transaction;
    struct pgoutput_begin begin;
    uint64_t ordinal;              /* of the last change decoded in this transaction */
    uint64_t sent;                 /* messages of it that were written */
    pg_lsn lsn;                    /* of the frame at hand */
    char origin[MAX_ORIGIN_BYTES]; /* of this transaction; "" if none */
    bool has_lingered;             /* since the last frame */
    pg_lsn caught_up_lsn;          /* where --until-caught-up ends; 0: never */
    int64_t asked_ms;              /* when the server was last asked for a keepalive */
    bool is_caught_up;
};

static struct position position_at(const struct stream *stream, uint64_t ordinal, uint32_t step)
{
    return (struct position){.epoch = stream->capture->recorded.position.epoch,
                             .commit_lsn = stream->begin.final_lsn,
                             .ordinal = ordinal,
                             .step = step};
}

/* What R already has is dropped, by position alone; over Kafka by the writer, since it counts. */
static bool is_known(const struct stream *stream, const struct position *position)
{
    return !stream->capture->format->ops->wants_known &&
           position_compare(position, &stream->capture->recorded.position) <= 0;
}

static const char *origin_of(const struct stream *stream)
{
    return stream->origin[0] ? stream->origin : NULL;
}

/* `*step` is the message's, and moves behind those that were written. */
static bool write_change(struct stream *stream, struct relation *relation, uint32_t *step,
                         const struct change *change, struct error *err)
{
    struct position position = position_at(stream, stream->ordinal, *step);
    struct change_context context = {.commit_time_us = stream->begin.commit_time_us,
                                     .lsn = stream->lsn,
                                     .xid = stream->begin.xid,
                                     .origin = origin_of(stream)};
    uint32_t messages = 1;
    if (!is_known(stream, &position)) {
        if (!capture_write_change(stream->capture, relation, &position, &context, change, &messages,
                                  err))
            return false;
        stream->sent += messages;
    }
    *step += messages;
    return true;
}

static bool unknown_relation(uint32_t oid, struct error *err)
{
    return error_stop(err, STOP_PROTOCOL_ERROR,
                      "a change of relation %u, which was never described", oid);
}

static bool on_row(struct stream *stream, const struct pgoutput_row *row, struct error *err)
{
    struct relation *relation = relations_find(stream->capture->relations, row->oid);
    stream->ordinal++;
    if (!relation)
        return unknown_relation(row->oid, err);
    if (!relation->is_wanted)
        return true;
    uint16_t width = relation->table->column_count;
    const struct change *change = &row->change;
    bool fits = (change->kind == CHANGE_DELETE || change->new_tuple.count == width) &&
                (change->old_kind == OLD_TUPLE_NONE || change->old_tuple.count == width);
    if (!fits)
        return error_stop(err, STOP_PROTOCOL_ERROR, "a row of %s has not the %u columns described",
                          relation->table->name, width);
    uint32_t step = 0;
    return write_change(stream, relation, &step, change, err);
}

static bool on_truncate(struct stream *stream, const struct pgoutput_truncate *truncate,
                        struct error *err)
{
    struct byte_reader oids = byte_reader_over(truncate->oids);
    struct change change = {.kind = CHANGE_TRUNCATE,
                            .is_restart_identity = truncate->is_restart_identity};
    uint32_t step = 0;
    stream->ordinal++;
    for (uint32_t i = 0; i < truncate->count; i++) {
        uint32_t oid = read_u32(&oids);
        struct relation *relation = relations_find(stream->capture->relations, oid);
        if (!relation)
            return unknown_relation(oid, err);
        if (!relation->is_wanted)
            step++;
        else if (!write_change(stream, relation, &step, &change, err) ||
                 !failpoint("inside_truncate", err))
            return false;
    }
    return true;
}

/* Logical messages are counted, not carried. Our own asks for a watermark at once. */
static void on_logical(struct stream *stream, const struct pgoutput_logical *logical)
{
    if (!logical->is_transactional)
        return;
    stream->ordinal++;
    if (strcmp(logical->prefix, "penstock") == 0)
        stream->capture->progress.wants_watermark = true;
}

static bool on_begin(struct stream *stream, const struct pgoutput_begin *begin, struct error *err)
{
    if (stream->is_in_transaction)
        return error_stop(err, STOP_PROTOCOL_ERROR, "a transaction begins inside another");
    stream->is_in_transaction = true;
    stream->begin = *begin;
    stream->ordinal = 0;
    stream->sent = 0;
    stream->origin[0] = '\0';
    progress_begin(&stream->capture->progress);
    return true;
}

static bool write_unit_end(struct stream *stream, const struct pgoutput_commit *commit,
                           struct error *err)
{
    struct position position = position_at(stream, stream->ordinal + 1, 0);
    struct unit_end end = {.end_lsn = commit->end_lsn,
                           .commit_time_us = commit->commit_time_us,
                           .count = stream->sent,
                           .xid = stream->begin.xid};
    return capture_write_end(stream->capture, &position, &end, origin_of(stream), err);
}

static bool on_commit(struct stream *stream, const struct pgoutput_commit *commit,
                      struct error *err)
{
    struct capture *capture = stream->capture;
    if (!stream->is_in_transaction || commit->commit_lsn != stream->begin.final_lsn)
        return error_stop(err, STOP_PROTOCOL_ERROR, "a commit that fits no begin");
    bool is_sent = stream->sent > 0;
    if (is_sent && (!failpoint("before_unit_end", err) || !write_unit_end(stream, commit, err)))
        return false;
    stream->is_in_transaction = false;
    atomic_fetch_add(&capture->stats.changes, stream->sent);
    atomic_store(&capture->stats.received_lsn, commit->end_lsn);
    atomic_store(&capture->stats.commit_time_us, commit->commit_time_us);
    progress_commit(&capture->progress, commit->end_lsn, is_sent, capture_now_ms(capture));
    return true;
}

static bool on_message(struct stream *stream, const struct pgoutput_message *message,
                       struct error *err)
{
    struct capture *capture = stream->capture;
    bool needs_transaction = message->kind == PGOUTPUT_INSERT || message->kind == PGOUTPUT_UPDATE ||
                             message->kind == PGOUTPUT_DELETE || message->kind == PGOUTPUT_TRUNCATE;
    if (needs_transaction && !stream->is_in_transaction)
        return error_stop(err, STOP_PROTOCOL_ERROR, "a change outside a transaction");
    switch (message->kind) {
    case PGOUTPUT_BEGIN:
        return on_begin(stream, &message->begin, err);
    case PGOUTPUT_COMMIT:
        return on_commit(stream, &message->commit, err);
    case PGOUTPUT_RELATION:
        return relations_update(capture->relations, &message->relation, capture->catalog, err);
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
        return on_row(stream, &message->row, err);
    case PGOUTPUT_TRUNCATE:
        return on_truncate(stream, &message->truncate, err);
    case PGOUTPUT_MESSAGE:
        on_logical(stream, &message->logical);
        return true;
    case PGOUTPUT_ORIGIN:
        snprintf(stream->origin, sizeof(stream->origin), "%s", message->origin.name);
        return true;
    case PGOUTPUT_TYPE: /* types are read from the catalog, by the columns that use them */
        return true;
    }
    return error_set(err, ERROR_FATAL, "a message kind that the decoder let through");
}

static bool tell_slot(struct stream *stream, bool wants_reply, struct error *err)
{
    struct capture *capture = stream->capture;
    if (!failpoint("before_confirm", err) ||
        !capture->stream->ops->confirm(capture->stream, capture->progress.confirmable, wants_reply,
                                       err))
        return false;
    progress_told(&capture->progress, capture_now_ms(capture));
    atomic_store(&capture->stats.confirmed_lsn, capture->progress.confirmed);
    return true;
}

static bool on_keepalive(struct stream *stream, const struct frame *frame, struct error *err)
{
    struct capture *capture = stream->capture;
    progress_keepalive(&capture->progress, frame->wal_end);
    if (!stream->is_in_transaction)
        atomic_store(&capture->stats.received_lsn, frame->wal_end);
    if (stream->caught_up_lsn != 0 && frame->wal_end >= stream->caught_up_lsn)
        capture->progress.wants_watermark = true;
    return frame->wants_reply ? tell_slot(stream, false, err) : true;
}

static bool on_frame(struct stream *stream, const struct frame *frame, struct error *err)
{
    if (frame->kind == FRAME_KEEPALIVE)
        return on_keepalive(stream, frame, err);
    struct pgoutput_message message;
    stream->lsn = frame->start_lsn;
    stream->has_lingered = false;
    return pgoutput_decode(stream->decoder, frame->body, &message, err) &&
           on_message(stream, &message, err) && capture_wait_for_room(stream->capture, err);
}

static bool send_watermark(struct stream *stream, pg_lsn lsn, struct error *err)
{
    struct capture *capture = stream->capture;
    struct watermark watermark = {.lsn = lsn, .time_us = clock_wall_us(capture->options->clock)};
    progress_watermark_sent(&capture->progress, lsn, capture_now_ms(capture));
    return capture_write(capture, MESSAGE_WATERMARK, 0, NULL,
                         (struct bytes){(const uint8_t *)&watermark, sizeof(watermark)}, err) &&
           capture->writer->ops->flush(capture->writer, err);
}

/* What does not hang on frames: durability, confirmation, watermarks, the publication. */
static bool look_around(struct stream *stream, struct error *err)
{
    struct capture *capture = stream->capture;
    struct durable durable;
    if (!capture_goes_on(capture, err) ||
        !capture->writer->ops->durable(capture->writer, &durable, err))
        return false;
    progress_durable(&capture->progress, &durable);
    int64_t now = capture_now_ms(capture);
    pg_lsn watermark = progress_watermark_due(&capture->progress, now);
    if (watermark != 0 && !send_watermark(stream, watermark, err))
        return false;
    bool is_caught_up =
        stream->caught_up_lsn != 0 && capture->progress.confirmable >= stream->caught_up_lsn;
    if ((is_caught_up || progress_confirm_due(&capture->progress, now)) &&
        !tell_slot(stream, false, err))
        return false;
    stream->is_caught_up = is_caught_up;
    bool is_checked = now - capture->publication_read_ms < PUBLICATION_EVERY_MS;
    return is_checked || stream->is_in_transaction || capture_check_publication(capture, err);
}

/* While catching up: the server's keepalive tells how far it has read, also where it had nothing to send. */
static bool ask_for_keepalive(struct stream *stream, struct error *err)
{
    const struct progress *progress = &stream->capture->progress;
    int64_t now = capture_now_ms(stream->capture);
    if (stream->is_in_transaction || progress->idle_lsn >= stream->caught_up_lsn ||
        now - stream->asked_ms < CATCH_UP_WAIT_MS)
        return true;
    stream->asked_ms = now;
    return tell_slot(stream, true, err);
}

/* Nothing is here: the far end gets what there is, and we wait. Of an open transaction it gets full chunks only: it
 * can't commit before the end, and each chunk wakes it. */
static bool idle(struct stream *stream, struct error *err)
{
    struct capture *capture = stream->capture;
    struct message_writer *writer = capture->writer;
    bool lingers = !stream->is_in_transaction && writer->linger_ms > 0 && !stream->has_lingered;
    if (!stream->is_in_transaction && !lingers && !writer->ops->flush(writer, err))
        return false;
    if (!look_around(stream, err) || stream->is_caught_up)
        return stream->is_caught_up;
    int timeout_ms = capture->progress.confirmable > capture->progress.confirmed ? CONFIRM_EVERY_MS
                                                                                 : IDLE_WAIT_MS;
    stream->has_lingered = true;
    if (lingers)
        timeout_ms = writer->linger_ms;
    else if (stream->caught_up_lsn != 0) {
        timeout_ms = CATCH_UP_WAIT_MS;
        if (!ask_for_keepalive(stream, err))
            return false;
    }
    bool is_news = false;
    if (!capture->stream->ops->wait(capture->stream, writer->ops->fd(writer), timeout_ms, &is_news,
                                    err))
        return false;
    if (is_news)
        writer->ops->acknowledge(writer);
    return true;
}

static bool on_nothing(struct stream *stream, struct error *err)
{
    struct replication *source = stream->capture->stream;
    bool is_read = false;
    return source->ops->read_on(source, &is_read, err) && (is_read || idle(stream, err));
}

static bool loop(struct stream *stream, struct error *err)
{
    struct capture *capture = stream->capture;
    for (unsigned turns = 1; !stream->is_caught_up; turns++) {
        struct frame frame;
        if (!capture->stream->ops->next(capture->stream, &frame, err))
            return false;
        bool is_good =
            frame.kind == FRAME_NONE ? on_nothing(stream, err) : on_frame(stream, &frame, err);
        if (!is_good || (turns % TURNS_PER_LOOK == 0 && !look_around(stream, err)))
            return false;
    }
    return true;
}

bool capture_stream(struct capture *capture, struct error *err)
{
    struct stream stream = {.capture = capture};
    char lsn[LSN_TEXT_SIZE];
    stream.decoder = memory_new(sizeof(*stream.decoder));
    stream.decoder->max_row_bytes = capture->options->max_row_bytes;
    log_info("streaming", "slot=%s from=%s", capture->options->slot,
             lsn_text(recorded_confirmable(&capture->recorded), lsn));
    bool is_done = (!capture->options->until_caught_up ||
                    barrier_set(capture->catalog, &stream.caught_up_lsn, err)) &&
                   loop(&stream, err);
    free(stream.decoder);
    return is_done;
}
