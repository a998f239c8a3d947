/* SPDX-License-Identifier: Apache-2.0 */
/* The units: entries of the control topic one after the other, and what each asks for. */
#include "sink/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "postgres/connection.h"
#include "sink/units_internal.h"

enum {
    SLICE_MS = 1000,
    MAX_BODY_BYTES = 1 << 30,
};

static int64_t now_ms(const struct units *units)
{
    return clock_now_ms(units->options->clock);
}

/* ---- giving out ---- */

struct byte_buffer *unit_body(struct units *units)
{
    struct byte_buffer *body = &units->bodies[units->pending_first + units->pending_count];
    byte_buffer_clear(body);
    return body;
}

void unit_give(struct units *units, enum message_kind kind, uint32_t shape_id,
               const struct position *position)
{
    size_t at = units->pending_first + units->pending_count++;
    const struct byte_buffer *body = &units->bodies[at];
    units->pending[at] = (struct message){.kind = kind,
                                          .shape_id = shape_id,
                                          .position = position ? *position : units->last_given,
                                          .previous = units->last_given,
                                          .body = {body->data, body->size}};
    units->last_given = units->pending[at].position;
}

static const struct message *next_pending(struct units *units)
{
    if (units->pending_count == 0)
        return NULL;
    const struct message *message = &units->pending[units->pending_first++];
    if (--units->pending_count == 0)
        units->pending_first = 0;
    return message;
}

/* ---- places ---- */

static void write_place(struct units *units, const char *topic, const struct unit_partition *at)
{
    struct place place = {.topic = topic,
                          .partition = at->partition,
                          .next_offset = at->next_offset,
                          .last = at->last};
    place_write(&units->place_bytes, &place);
}

/* Puts into the last message given out where we stand behind it. As long as an entry of a control record isn't done, that record is
 * to be read again. */
static void give_places(struct units *units, bool is_entry_done)
{
    struct unit_partition control = units->control;
    byte_buffer_clear(&units->place_bytes);
    for (size_t i = 0; i < units->moved_count; i++) {
        write_place(units, units->moved[i]->topic->name, units->moved[i]);
        units->moved[i]->is_moved = false;
    }
    units->moved_count = 0;
    if (units->record && units->entries.left == 0 && is_entry_done) {
        control.next_offset = units->record->offset + 1;
        control.last = units->record->header.position;
    }
    write_place(units, control.topic->name, &control);
    struct message *message = &units->pending[units->pending_first + units->pending_count - 1];
    message->places = (struct bytes){units->place_bytes.data, units->place_bytes.size};
}

/* ---- states ---- */

/* `position` is that of the entry which it is made of, and which it ends; NULL: it goes before an entry. */
static void give_state(struct units *units, enum recorded_state state, const char *tables,
                       const struct position *position)
{
    struct byte_buffer *body = unit_body(units);
    char *copy = memory_copy_string(tables);
    free(units->recorded.tables);
    units->recorded.tables = copy;
    units->recorded.state = state;
    recorded_write(body, &units->recorded);
    unit_give(units, MESSAGE_STATE, 0, position);
    give_places(units, position != NULL);
}

static bool write_table(struct units *units, const struct control_table *table,
                        struct byte_buffer *lines, struct error *err)
{
    char schema[KAFKA_TOPIC_SIZE];
    char name[KAFKA_TOPIC_SIZE];
    SCOPED_BUFFER quoted;
    byte_buffer_init(&quoted, RECORDED_TABLE_NAME_SIZE);
    if (!unit_text(table->schema, schema, err) || !unit_text(table->name, name, err))
        return false;
    if (!units->options->is_wanted(units->options->is_wanted_context, schema, name))
        return true;
    if (!qualified_write(&quoted, schema, name))
        return error_set(err, ERROR_CONFIG, "the name of table %s can't be quoted", name);
    recorded_write_table(lines, 0, "-", byte_buffer_text(&quoted));
    return true;
}

/* What was given out of the epoch before is void: the named tables are emptied, and the copy comes anew. */
static bool on_epoch(struct units *units, struct error *err)
{
    struct bytes tables = units->entry.tables;
    struct control_table table;
    SCOPED_BUFFER lines;
    byte_buffer_init(&lines, MAX_BODY_BYTES);
    if (units->is_unit_open) {
        *units->options->stalled = units->unit; /* its END won't ever come */
        return error_set(err, ERROR_RETRY, "a new copy begins: what was half applied is undone");
    }
    while (control_next_table(&tables, &table))
        if (!write_table(units, &table, &lines, err))
            return false;
    units->awaits_epoch = false;
    units->announced_count = 0;
    units->recorded.position = units->entry.position;
    units->recorded.end_lsn = units->recorded.acked_lsn = 0;
    log_info("new epoch", "epoch=%" PRIu32 " tables=%" PRIu32, units->entry.position.epoch,
             units->entry.table_count);
    give_state(units, units->entry.table_count > 0 ? RECORDED_COPYING : RECORDED_STREAMING,
               byte_buffer_text(&lines), &units->entry.position);
    return true;
}

/* The first thing behind the copy: from here on transactions are atomic at the target. */
static bool ends_copy(struct units *units)
{
    if (units->recorded.state == RECORDED_STREAMING || units->entry.position.commit_lsn == 0)
        return false;
    give_state(units, RECORDED_STREAMING, "", NULL);
    return true;
}

/* ---- entries ---- */

static void give_end(struct units *units)
{
    const struct control_entry *entry = &units->entry;
    struct unit_end end = {.end_lsn = entry->lsn,
                           .commit_time_us = entry->time_us,
                           .count = units->unit_changes,
                           .xid = entry->xid};
    units->is_unit_open = false;
    units->recorded.position = entry->position;
    /* A unit of other tables only: the next one, or a WATERMARK, takes its place along. */
    if (units->unit_changes == 0)
        return;
    write_bytes(unit_body(units), &end, sizeof(end));
    unit_give(units, MESSAGE_END, 0, &entry->position);
    give_places(units, true);
}

static void give_watermark(struct units *units)
{
    struct watermark watermark = {.lsn = units->entry.lsn, .time_us = units->entry.time_us};
    units->recorded.position = units->entry.position;
    write_bytes(unit_body(units), &watermark, sizeof(watermark));
    unit_give(units, MESSAGE_WATERMARK, 0, &units->entry.position);
    give_places(units, true);
}

static bool is_same_unit(const struct position *left, const struct position *right)
{
    return left->epoch == right->epoch && left->commit_lsn == right->commit_lsn;
}

static void open_unit(struct units *units)
{
    if (units->is_unit_open)
        return;
    units->is_unit_open = true;
    units->unit = units->entry.position;
    units->unit_changes = 0;
    units->unit_number++;
}

/* The entry was read whole: what it says. */
static bool begin_entry(struct units *units, struct error *err)
{
    const struct control_entry *entry = &units->entry;
    units->heard_ms = now_ms(units);
    switch (entry->kind) {
    case CONTROL_EPOCH:
        units->has_entry = false;
        return on_epoch(units, err);
    case CONTROL_WATERMARK:
        units->has_entry = false;
        give_watermark(units);
        return true;
    case CONTROL_SHAPE:
        units->has_entry = false;
        unit_announce(units);
        return true;
    case CONTROL_END:
    case CONTROL_PART:
        return unit_begin_entry(units, err);
    case CONTROL_GAP:
        break;
    }
    return error_stop(err, STOP_CHAIN_GAP, "the capture left out a transaction: %.*s",
                      (int)entry->origin.size, (const char *)entry->origin.data);
}

/* A unit that stalled half-way isn't begun again by its PARTs: its END counts it whole. */
static bool is_to_skip(const struct units *units)
{
    const struct control_entry *entry = &units->entry;
    if (units->awaits_epoch)
        return entry->kind != CONTROL_EPOCH;
    return position_compare(&entry->position, &units->recorded.position) <= 0 ||
           (entry->kind == CONTROL_PART && is_same_unit(&entry->position, units->options->stalled));
}

/* Finishes the control record, and with it its place. */
static void finish_record(struct units *units)
{
    unit_partition_took(units, &units->control, units->record);
    units->topics->ops->take(units->topics, units->control.handle);
    units->record = NULL;
}

static bool at_end(struct error *err)
{
    return error_set(err, ERROR_ENDED, "all that was there is applied");
}

/* Nothing is in the control topic now. What ends Kafka's transactions takes offsets too, so that the end may never be met by number. */
static bool on_nothing(struct units *units, enum peeked peeked, struct error *err)
{
    if (units->end_offset >= 0 && peeked == PEEKED_END && !units->is_unit_open &&
        !units->awaits_epoch)
        return at_end(err);
    if (units->awaits_epoch && peeked == PEEKED_END)
        return error_stop(err, STOP_HISTORY_TRUNCATED,
                          "the control topic was trimmed, and no new copy begins in it");
    if (units->is_unit_open &&
        now_ms(units) - units->heard_ms >= units->options->part_patience_ms) {
        *units->options->stalled = units->unit;
        return error_set(err, ERROR_RETRY,
                         "a large transaction doesn't go on: it is rolled back, and begun again "
                         "once its end is there");
    }
    return true;
}

static bool is_at_end(const struct units *units)
{
    return units->end_offset >= 0 && !units->is_unit_open && !units->record &&
           units->control.next_offset >= units->end_offset;
}

/* Reads on to the next entry that says something new; `has_entry` stays false if there is none within `timeout_ms`. */
static bool next_entry(struct units *units, int timeout_ms, struct error *err)
{
    enum peeked peeked;
    bool is_new;
    while (!units->has_entry) {
        if (units->record && units->entries.left == 0)
            finish_record(units);
        if (!units->record) {
            if (is_at_end(units))
                return at_end(err);
            if (!units->topics->ops->peek(units->topics, units->control.handle, timeout_ms,
                                          &units->record, &peeked, err))
                return false;
            if (!units->record)
                return on_nothing(units, peeked, err);
            if (!unit_check_chain(units, &units->control, units->record, &is_new, err) ||
                !control_open(&units->entries, units->record->value, err))
                return unit_poison(&units->control, units->record, err);
            if (!is_new)
                units->entries.left = 0;
            continue;
        }
        if (!control_next(&units->entries, &units->entry, err))
            return unit_poison(&units->control, units->record, err);
        units->has_entry = !is_to_skip(units);
    }
    return true;
}

/* One step: gives out something, or moves on inside. `*is_idle`: nothing was there within `timeout_ms`. */
static bool step(struct units *units, int timeout_ms, bool *is_idle, struct error *err)
{
    enum taken taken;
    *is_idle = false;
    if (!units->has_entry) {
        if (!next_entry(units, timeout_ms, err))
            return false;
        *is_idle = !units->has_entry;
        units->is_entry_begun = false;
        return true;
    }
    if (!units->is_entry_begun) {
        bool is_of_unit = units->entry.kind == CONTROL_END || units->entry.kind == CONTROL_PART;
        if (ends_copy(units))
            return true;
        if (is_of_unit)
            open_unit(units);
        if (is_of_unit && units->announced_count > 0)
            return unit_give_announced(units, err);
        units->is_entry_begun = true;
        return begin_entry(units, err) || unit_poison(&units->control, units->record, err);
    }
    if (!unit_take(units, timeout_ms, &taken, err))
        return false;
    *is_idle = taken == TAKEN_NOTHING;
    if (taken == TAKEN_ALL) {
        units->has_entry = false;
        if (units->entry.kind == CONTROL_END)
            give_end(units);
    }
    return true;
}

/* ---- the reader ---- */

static struct units *units_of(struct message_reader *reader)
{
    return (struct units *)reader;
}

static const struct message *units_read(struct message_reader *reader, int timeout_ms,
                                        struct error *err)
{
    struct units *units = units_of(reader);
    int64_t deadline = timeout_ms < 0 ? INT64_MAX : now_ms(units) + timeout_ms;
    error_clear(err);
    for (;;) {
        const struct message *message = next_pending(units);
        if (message)
            return message;
        if (stop_flag_is_set(units->options->stop)) {
            error_set(err, ERROR_ENDED, "ended on request");
            return NULL;
        }
        int64_t left = deadline - now_ms(units);
        bool is_idle;
        int slice_ms = left < 0 ? 0 : left > SLICE_MS ? SLICE_MS : (int)left;
        if (!step(units, slice_ms, &is_idle, err))
            return NULL;
        if (is_idle && (left <= 0 || atomic_exchange(&units->is_woken, false)))
            return NULL;
    }
}

static void units_wake(struct message_reader *reader)
{
    struct units *units = units_of(reader);
    atomic_store(&units->is_woken, true);
    units->topics->ops->wake(units->topics);
}

/* Behind Kafka nobody waits for durability: rows and checkpoint go back together, and are read again. */
static void units_report_durable(struct message_reader *reader, const struct durable *durable)
{
    (void)reader;
    (void)durable;
}

static const struct message_reader_ops ops = {
    .read = units_read, .wake = units_wake, .report_durable = units_report_durable};

struct message_reader *units_reader(struct units *units)
{
    return &units->base;
}

/* ---- life ---- */

static bool open_control(struct units *units, struct error *err)
{
    char name[KAFKA_TOPIC_SIZE];
    struct unit_partition *control = &units->control;
    kafka_control_name(units->options->prefix, name);
    const struct place *place = places_find(&units->places, name, 0);
    control->topic = unit_topic(units, name);
    control->next_offset = place ? place->next_offset : -1;
    control->last = place ? place->last : (struct position){0};
    control->is_fresh = !place;
    if (!unit_open_partition(units, control, err))
        return false;
    int64_t first;
    if (!units->options->until_end)
        return true;
    return units->topics->ops->bounds(units->topics, control->handle, &first, &units->end_offset,
                                      err);
}

struct units *units_new(const struct units_options *options, struct topic_reader *topics,
                        struct registry *registry, const struct recorded *recorded,
                        const struct places *places, struct error *err)
{
    struct units *units = memory_new(sizeof(*units));
    units->base.ops = &ops;
    units->options = options;
    units->topics = topics;
    units->registry = registry;
    units->end_offset = -1;
    units->values = memory_new(sizeof(*units->values));
    recorded_assign(&units->recorded, recorded);
    units->last_given = recorded->position;
    for (size_t i = 0; i < places->count; i++)
        places_set(&units->places, &places->items[i]);
    for (size_t i = 0; i < MAX_PENDING; i++)
        byte_buffer_init(&units->bodies[i], MAX_BODY_BYTES);
    byte_buffer_init(&units->place_bytes, MAX_BODY_BYTES);
    byte_buffer_init(&units->texts, MAX_BODY_BYTES);
    byte_buffer_init(&units->key_change, MAX_BODY_BYTES);
    if (open_control(units, err))
        return units;
    units_free(units);
    return NULL;
}

void units_free(struct units *units)
{
    if (!units)
        return;
    for (size_t i = 0; i < units->partition_count; i++)
        free(units->partitions[i]);
    for (size_t i = 0; i < units->shape_count; i++)
        unit_shape_free(units->shapes[i]);
    unit_topics_free(units);
    for (size_t i = 0; i < MAX_PENDING; i++)
        byte_buffer_release(&units->bodies[i]);
    byte_buffer_release(&units->place_bytes);
    byte_buffer_release(&units->texts);
    byte_buffer_release(&units->key_change);
    recorded_release(&units->recorded);
    places_release(&units->places);
    free(units->announced);
    free(units->partitions);
    free(units->active);
    free(units->moved);
    free(units->shapes);
    free(units->values);
    free(units);
}
