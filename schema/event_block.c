/* SPDX-License-Identifier: Apache-2.0 */
/* What follows the rows in an event; all that is the same in each is made once. */
#include "schema/event_block.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/avro_bytes.h"
#include "schema/form.h"

/* Of all that is neither kept as bytes nor the origin. */
enum { MOST_SIZE = 512 };

/* One time in three units, as it was last written: rows of a transaction share it. */
struct stamp {
    int64_t us;
    uint8_t ms_size;
    uint8_t fine_size;
    uint8_t ms[AVRO_LONG_SIZE];
    uint8_t
        fine[2 + 2 * AVRO_LONG_SIZE]; /* microseconds, nanoseconds; each may be null, but isn't */
};

struct event_block {
    /* Parts that never change. */
    struct byte_buffer head;       /* version, connector, name */
    struct byte_buffer database;   /* db */
    struct byte_buffer table_name; /* schema, table */
    struct stamp commit_time;
    struct stamp write_time;
};

static void add_string(struct byte_buffer *buffer, const char *text)
{
    size_t size = strlen(text);
    uint8_t *out = byte_buffer_reserve(buffer, size + AVRO_LONG_SIZE);
    if (out)
        buffer->size += (size_t)(avro_put_bytes(out, text, size) - out);
}

struct event_block *event_block_new(const struct encoder_source *source, const struct table *table)
{
    struct event_block *block = memory_new(sizeof(*block));
    byte_buffer_init(&block->head, SIZE_MAX);
    byte_buffer_init(&block->database, SIZE_MAX);
    byte_buffer_init(&block->table_name, SIZE_MAX);
    add_string(&block->head, source->version);
    add_string(&block->head, "postgresql");
    add_string(&block->head, source->prefix);
    add_string(&block->database, source->database);
    add_string(&block->table_name, table->schema);
    add_string(&block->table_name, table->name);
    return block;
}

void event_block_free(struct event_block *block)
{
    if (!block)
        return;
    byte_buffer_release(&block->head);
    byte_buffer_release(&block->database);
    byte_buffer_release(&block->table_name);
    free(block);
}

static uint8_t *put_buffer(uint8_t *out, const struct byte_buffer *buffer)
{
    memcpy(out, buffer->data, buffer->size);
    return out + buffer->size;
}

static uint8_t *put_some_long(uint8_t *out, int64_t value)
{
    *out++ = 1 << 1;
    return avro_put_long(out, value);
}

static uint8_t *put_text(uint8_t *out, const char *text)
{
    return avro_put_bytes(out, text, strlen(text));
}

/* `["<last commit>","<lsn>"]`, the first null if unknown (Debezium's SourceInfo.sequence()). */
static uint8_t *put_sequence(uint8_t *out, const struct event *event)
{
    uint8_t text[64];
    uint8_t *at = text;
    *at++ = '[';
    if (event->last_commit_lsn == 0) {
        memcpy(at, "null", 4);
        at += 4;
    } else {
        *at++ = '"';
        at = text_put_u64(at, event->last_commit_lsn);
        *at++ = '"';
    }
    memcpy(at, ",\"", 2);
    at = text_put_u64(at + 2, event->lsn);
    memcpy(at, "\"]", 2);
    *out++ = 1 << 1;
    return avro_put_bytes(out, text, (size_t)(at + 2 - text));
}

static const char *snapshot_of(const struct event *event)
{
    if (event->op != EVENT_READ)
        return "false";
    return event->is_last ? "last" : event->is_first ? "first" : "true";
}

/* Milliseconds rounded down, as Java's Instant does. */
static int64_t us_to_ms(int64_t us)
{
    return us / 1000 - (us % 1000 < 0);
}

static int64_t us_to_ns(int64_t us)
{
    return (int64_t)((uint64_t)us * 1000);
}

static void set_stamp(struct stamp *stamp, int64_t us)
{
    if (stamp->us == us && stamp->ms_size > 0)
        return;
    stamp->us = us;
    stamp->ms_size = (uint8_t)(avro_put_long(stamp->ms, us_to_ms(us)) - stamp->ms);
    uint8_t *fine = put_some_long(stamp->fine, us);
    stamp->fine_size = (uint8_t)(put_some_long(fine, us_to_ns(us)) - stamp->fine);
}

static uint8_t *put_ms(uint8_t *out, const struct stamp *stamp)
{
    memcpy(out, stamp->ms, sizeof(stamp->ms));
    return out + stamp->ms_size;
}

static uint8_t *put_us_and_ns(uint8_t *out, const struct stamp *stamp)
{
    memcpy(out, stamp->fine, sizeof(stamp->fine));
    return out + stamp->fine_size;
}

static uint8_t *put_source(uint8_t *out, const struct event_block *block, const struct event *event)
{
    out = put_buffer(out, &block->head);
    out = put_ms(out, &block->commit_time);
    *out++ = 0; /* the first branch */
    out = put_text(out, snapshot_of(event));
    out = put_buffer(out, &block->database);
    out = put_sequence(out, event);
    out = put_us_and_ns(out, &block->commit_time);
    out = put_buffer(out, &block->table_name);
    if (event->xid == 0)
        *out++ = 0;
    else
        out = put_some_long(out, event->xid);
    out = put_some_long(out, (int64_t)event->lsn);
    *out++ = 0; /* xmin */
    if (event->origin) {
        *out++ = 1 << 1;
        out = put_text(out, event->origin);
    } else {
        *out++ = 0;
    }
    *out++ = 0; /* origin_lsn */
    return out;
}

uint8_t *event_block_put(struct event_block *block, const struct event *event, uint8_t *out)
{
    set_stamp(&block->commit_time, event->commit_time_us);
    set_stamp(&block->write_time, event->now_us);
    out = put_source(out, block, event);
    *out++ = 0; /* transaction */
    *out++ = 1 << 1;
    *out++ = (uint8_t)event->op;
    *out++ = 1 << 1;
    out = put_ms(out, &block->write_time);
    return put_us_and_ns(out, &block->write_time);
}

size_t event_block_room(const struct event_block *block, const struct event *event)
{
    return MOST_SIZE + block->head.size + block->database.size + block->table_name.size +
           (event->origin ? strlen(event->origin) : 0);
}
