/* SPDX-License-Identifier: Apache-2.0 */
/* Writing messages in chain, and waiting without letting the server think that we died. */
#include <poll.h>
#include <string.h>

#include "capture/internal.h"

enum { MAX_STATE_BYTES = 64 * 1024 * 1024 };

int64_t capture_now_ms(const struct capture *capture)
{
    return clock_now_ms(capture->options->clock);
}

bool capture_goes_on(const struct capture *capture, struct error *err)
{
    if (!stop_flag_is_set(capture->options->stop))
        return true;
    return error_set(err, ERROR_ENDED, "ended on request");
}

/* Tells the server what it was told before: nothing moves, but our silence doesn't look like death. */
static bool show_life(struct capture *capture, struct error *err)
{
    if (!capture->stream)
        return true;
    int64_t now = capture_now_ms(capture);
    if (now - capture->progress.told_ms < capture->progress.keep_alive_ms)
        return true;
    capture->progress.told_ms = now;
    return capture->stream->ops->confirm(capture->stream, capture->progress.confirmed, false, err);
}

bool capture_pause(struct capture *capture, int timeout_ms, struct error *err)
{
    struct message_writer *writer = capture->writer;
    struct pollfd wait[2] = {{.fd = writer->ops->fd(writer), .events = POLLIN},
                             {.fd = capture->options->stop->fd, .events = POLLIN}};
    (void)poll(wait, 2, timeout_ms);
    if (wait[0].revents)
        writer->ops->acknowledge(writer);
    return capture_goes_on(capture, err) && show_life(capture, err);
}

bool capture_wait_for_room(struct capture *capture, struct error *err)
{
    enum { LOOK_EVERY_MS = 1000 };
    struct message_writer *writer = capture->writer;
    if (writer->ops->has_room(writer))
        return true;
    if (!writer->ops->flush(writer, err))
        return false;
    while (!writer->ops->has_room(writer)) {
        struct durable durable;
        if (!writer->ops->durable(writer, &durable, err) ||
            !capture_pause(capture, LOOK_EVERY_MS, err))
            return false;
    }
    return true;
}

struct message chain_message(struct chain *chain, enum message_kind kind, uint32_t shape_id,
                             const struct position *position)
{
    struct message message = {.kind = kind,
                              .shape_id = shape_id,
                              .position = position ? *position : chain->last,
                              .previous = chain->last};
    chain->last = message.position;
    return message;
}

bool capture_write(struct capture *capture, enum message_kind kind, uint32_t shape_id,
                   const struct position *position, struct bytes body, struct error *err)
{
    struct message message = chain_message(&capture->chain, kind, shape_id, position);
    message.body = body;
    return capture->writer->ops->write(capture->writer, &message, err);
}

bool capture_write_change(struct capture *capture, struct relation *relation,
                          const struct position *position, const struct change_context *context,
                          const struct change *change, uint32_t *messages, struct error *err)
{
    enum { LOOK_EVERY_MS = 200 };
    const struct change_format_ops *ops = capture->format->ops;
    while (!ops->write(capture->format, relation, &capture->chain, position, context, change,
                       messages, err))
        if (err->kind != ERROR_NONE || !capture_pause(capture, LOOK_EVERY_MS, err))
            return false;
    return true;
}

bool capture_write_end(struct capture *capture, const struct position *position,
                       const struct unit_end *end, const char *origin, struct error *err)
{
    struct message message = chain_message(&capture->chain, MESSAGE_END, 0, position);
    message.body = (struct bytes){(const uint8_t *)end, sizeof(*end)};
    message.origin = origin;
    return capture->writer->ops->write(capture->writer, &message, err);
}

static bool wait_for_state(struct capture *capture, struct error *err)
{
    enum { LOOK_EVERY_MS = 1000 };
    struct message_writer *writer = capture->writer;
    for (;;) {
        struct durable durable;
        /* Again and again: while Kafka still commits what was before the state, flush leaves the state for later. */
        if (!writer->ops->flush(writer, err) || !writer->ops->durable(writer, &durable, err))
            return false;
        if (durable.state_count >= capture->states_sent)
            return true;
        if (!capture_pause(capture, LOOK_EVERY_MS, err))
            return false;
    }
}

bool capture_record(struct capture *capture, const struct recorded *recorded, struct error *err)
{
    SCOPED_BUFFER body;
    byte_buffer_init(&body, MAX_STATE_BYTES);
    recorded_write(&body, recorded);
    if (body.overrun)
        return error_set(err, ERROR_FATAL, "the recorded state is too large");
    capture->states_sent++;
    bool is_written =
        capture_write(capture, MESSAGE_STATE, 0, NULL, (struct bytes){body.data, body.size}, err) &&
        wait_for_state(capture, err);
    if (is_written)
        recorded_assign(&capture->recorded, recorded);
    return is_written;
}
