/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in chain, without a source. */
#include "tests/support/feed.h"

#include <stdlib.h>

#include "tests/support/scene.h"

static void require(bool is_met)
{
    if (!is_met)
        abort();
}

void feed_open(struct feed *feed, size_t max_bytes)
{
    struct error err;
    *feed = (struct feed){.arena = arena_new(4096), .lsn = 0x100};
    feed->pipe = pipe_new(max_bytes, &err);
    require(feed->pipe != NULL);
}

void feed_close(struct feed *feed)
{
    pipe_free(feed->pipe);
    arena_free(feed->arena);
}

void feed_write(struct feed *feed, enum message_kind kind, uint32_t shape_id,
                const struct position *position, struct bytes body)
{
    struct error err;
    struct message_writer *writer = pipe_writer(feed->pipe);
    struct message message = {.kind = kind,
                              .shape_id = shape_id,
                              .position = position ? *position : feed->last,
                              .previous = feed->last,
                              .body = body};
    feed->last = message.position;
    require(writer->ops->write(writer, &message, &err));
}

void feed_shape(struct feed *feed, uint32_t shape_id, const char *name)
{
    SCOPED_BUFFER body;
    byte_buffer_init(&body, SIZE_MAX);
    table_write(&body, scene_shape(feed->arena, 1000 + shape_id, name, 2, 1));
    feed_write(feed, MESSAGE_SHAPE, shape_id, NULL, (struct bytes){body.data, body.size});
}

void feed_change(struct feed *feed, uint32_t shape_id, enum change_kind kind, const char *old,
                 const char *row)
{
    struct position position = {1, feed->lsn, ++feed->ordinal, 0};
    feed->count++;
    feed_write(feed, MESSAGE_CHANGE, shape_id, &position,
               scene_change(feed->arena, kind, old, row));
}

void feed_end(struct feed *feed)
{
    struct position position = {1, feed->lsn, feed->ordinal + 1, 0};
    struct unit_end end = {.end_lsn = feed->lsn + 8, .count = feed->count};
    feed_write(feed, MESSAGE_END, 0, &position, (struct bytes){(const uint8_t *)&end, sizeof(end)});
    feed->lsn += 0x10;
    feed->ordinal = feed->count = 0;
}

void feed_watermark(struct feed *feed, pg_lsn lsn)
{
    struct watermark watermark = {.lsn = lsn};
    feed_write(feed, MESSAGE_WATERMARK, 0, NULL,
               (struct bytes){(const uint8_t *)&watermark, sizeof(watermark)});
}

void feed_state(struct feed *feed, const struct recorded *recorded)
{
    SCOPED_BUFFER body;
    byte_buffer_init(&body, SIZE_MAX);
    recorded_write(&body, recorded);
    feed_write(feed, MESSAGE_STATE, 0, NULL, (struct bytes){body.data, body.size});
}

void feed_flush(struct feed *feed)
{
    struct error err;
    struct message_writer *writer = pipe_writer(feed->pipe);
    require(writer->ops->flush(writer, &err));
}
