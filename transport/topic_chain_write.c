/* SPDX-License-Identifier: Apache-2.0 */
/* The chain at work: rows counted and sent, entries gathered, R moved, Kafka transactions closed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "transport/kafka.h"
#include "transport/topic_chain_internal.h"

static struct bytes text_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* ---- entries of the control topic ---- */

/* An entry at or before the last one is there already: the unit was sent again. */
static void add_entry(struct topic_chain *chain, const struct control_entry *entry)
{
    if (position_compare(&entry->position, &chain->last_entry) <= 0)
        return;
    if (chain->entry_count == 0)
        control_begin(&chain->entries);
    control_write_entry(&chain->entries, entry);
    chain->entry_count++;
    chain->last_entry = entry->position;
    chain->is_changed = true;
}

/* The counts of the open unit, into chain->counts. */
static void gather_counts(struct topic_chain *chain, enum control_kind kind)
{
    byte_buffer_clear(&chain->counts);
    for (uint32_t i = 0; i < chain->unit.count; i++) {
        const struct chain_partition *partition = &chain->partitions[chain->unit.items[i]];
        struct control_count count = {.topic = text_of(chain->topics[partition->topic].name),
                                      .partition = partition->number,
                                      .messages = partition->messages,
                                      .last = partition->counted};
        control_write_count(&chain->counts, kind, &count);
    }
}

static void restart_part(struct topic_chain *chain)
{
    chain->part_bytes = 0;
    chain->part_messages = 0;
}

static void add_part(struct topic_chain *chain)
{
    gather_counts(chain, CONTROL_PART);
    struct control_entry part = {.kind = CONTROL_PART,
                                 .position = chain->taken,
                                 .counts = chain_view(&chain->counts),
                                 .count_count = chain->unit.count};
    add_entry(chain, &part);
    restart_part(chain);
}

bool topic_chain_is_boundary(struct topic_chain *chain, const struct position *position)
{
    const struct position *taken = &chain->taken;
    bool is_same = chain->is_unit_open && position->ordinal == taken->ordinal &&
                   position->commit_lsn == taken->commit_lsn && position->epoch == taken->epoch;
    if (is_same)
        return false;
    if (chain->is_unit_open && (chain->part_bytes >= chain->options.part_bytes ||
                                chain->part_messages >= chain->options.part_messages))
        add_part(chain);
    return true;
}

/* ---- rows ---- */

/* False if the open unit has this position already: the change was given again. */
static bool take(struct topic_chain *chain, const struct position *position)
{
    if (chain->is_unit_open && position_compare(position, &chain->taken) <= 0)
        return false;
    chain->is_unit_open = true;
    chain->taken = *position;
    return true;
}

static void count_message(struct topic_chain *chain, uint32_t index,
                          const struct position *position, size_t size)
{
    struct chain_partition *partition = &chain->partitions[index];
    if (!partition->is_in_unit)
        chain_list_add(&chain->unit, index);
    partition->is_in_unit = true;
    partition->messages++;
    partition->counted = *position;
    chain->part_messages++;
    chain->part_bytes += size;
}

/* The message is on its way: the next one of the partition follows it. */
static void advance(struct topic_chain *chain, uint32_t index, const struct position *position)
{
    struct chain_partition *partition = &chain->partitions[index];
    partition->last = *position;
    if (!partition->is_touched)
        chain_list_add(&chain->touched, index);
    partition->is_touched = true;
    chain->is_changed = true;
    if (position_compare(position, &chain->recorded.position) > 0)
        chain->recorded.position = *position;
}

static bool write_to(struct topic_chain *chain, const struct topic_row *row, uint32_t number,
                     const struct position *position, topic_chain_send send, void *sender,
                     struct error *err)
{
    if (!take(chain, position))
        return true;
    uint32_t index = chain->topics[row->topic].first + number;
    const struct chain_partition *partition = &chain->partitions[index];
    count_message(chain, index, position, row->key.size + row->value.size);
    if (position_compare(position, &partition->last) <= 0)
        return true;
    struct header header = {.flags = row->flags,
                            .position = *position,
                            .previous = partition->last,
                            .shape = row->shape};
    byte_buffer_clear(&chain->header);
    uint8_t *fixed = byte_buffer_reserve(&chain->header, HEADER_FIXED_SIZE);
    if (!fixed)
        return error_set(err, ERROR_FATAL, "a header is too large");
    header_write_fixed(fixed, &header);
    chain->header.size += HEADER_FIXED_SIZE;
    write_bytes(&chain->header, row->sections.data, row->sections.size);
    struct topic_chain_record record = {.topic = row->topic,
                                        .partition = number,
                                        .key = row->key,
                                        .value = row->value,
                                        .header = chain_view(&chain->header)};
    advance(chain, index, position);
    return send(sender, &record, err);
}

bool topic_chain_write_row(struct topic_chain *chain, const struct topic_row *row,
                           topic_chain_send send, void *sender, struct error *err)
{
    uint32_t partitions = chain->topics[row->topic].partition_count;
    struct position position = row->position;
    if (!row->to_all_partitions) {
        uint32_t number =
            row->key.data ? kafka_partition(row->key.data, row->key.size, partitions) : 0;
        return write_to(chain, row, number, &position, send, sender, err);
    }
    for (uint32_t i = 0; i < partitions; i++, position.step++)
        if (!write_to(chain, row, i, &position, send, sender, err))
            return false;
    return true;
}

/* ---- shapes ---- */

bool topic_chain_write_shape(struct topic_chain *chain, const struct topic_shape *shape,
                             struct error *err)
{
    const char *fingerprint = chain_find_shape(chain, shape->hash);
    if (fingerprint && strcmp(fingerprint, shape->fingerprint) != 0) {
        error_stop(err, STOP_SCHEMA_CHANGED,
                   "the registry has another schema for topic %s than the one that its rows were "
                   "written with",
                   shape->topic);
        return error_remedy(
            err, "restore the registry to what it was; see docs/stops.md, SCHEMA_CHANGED");
    }
    if (fingerprint)
        return true;
    struct chain_pending *record = chain_add_pending(chain);
    offsets_write_shape(&record->key, &record->value, shape);
    chain_add_shape(chain, shape);
    return true;
}

bool topic_chain_announce(struct topic_chain *chain, const struct position *position,
                          const struct topic_shape *shape, struct error *err)
{
    if (!topic_chain_write_shape(chain, shape, err))
        return false;
    (void)topic_chain_is_boundary(chain, position);
    struct control_entry entry = {.kind = CONTROL_SHAPE,
                                  .position = *position,
                                  .shape = shape->hash,
                                  .origin = text_of(shape->topic)};
    if (take(chain, position))
        add_entry(chain, &entry);
    return true;
}

/* ---- END, WATERMARK, STATE ---- */

static pg_lsn later(pg_lsn left, pg_lsn right)
{
    return left > right ? left : right;
}

static bool read_body(const struct message *message, void *out, size_t size, struct error *err)
{
    if (message->body.size != size)
        return error_set(err, ERROR_FATAL, "a message of kind %d has %zu bytes, not %zu",
                         (int)message->kind, message->body.size, size);
    memcpy(out, message->body.data, size);
    return true;
}

static void close_unit(struct topic_chain *chain)
{
    for (uint32_t i = 0; i < chain->unit.count; i++) {
        struct chain_partition *partition = &chain->partitions[chain->unit.items[i]];
        partition->is_in_unit = false;
        partition->messages = 0;
    }
    chain->unit.count = 0;
    chain->is_unit_open = false;
    restart_part(chain);
}

static bool write_end(struct topic_chain *chain, const struct message *message, struct error *err)
{
    struct unit_end end;
    struct recorded *recorded = &chain->recorded;
    if (!read_body(message, &end, sizeof(end), err))
        return false;
    gather_counts(chain, CONTROL_END);
    bool is_empty = !chain->is_unit_open;
    struct control_entry entry = {.kind = CONTROL_END,
                                  .position = message->position,
                                  .lsn = end.end_lsn,
                                  .time_us = end.commit_time_us,
                                  .xid = end.xid,
                                  .origin = text_of(message->origin ? message->origin : ""),
                                  .counts = chain_view(&chain->counts),
                                  .count_count = chain->unit.count};
    if (!is_empty)
        add_entry(chain, &entry);
    close_unit(chain);
    if (position_compare(&message->position, &recorded->position) <= 0)
        return true;
    recorded->position = message->position;
    recorded->end_lsn = later(recorded->end_lsn, end.end_lsn);
    recorded->commit_time_us = end.commit_time_us;
    chain->is_changed = true;
    return true;
}

static bool write_watermark(struct topic_chain *chain, const struct message *message,
                            struct error *err)
{
    struct watermark watermark;
    if (!read_body(message, &watermark, sizeof(watermark), err))
        return false;
    struct control_entry entry = {
        .kind = CONTROL_WATERMARK,
        .position = {.epoch = chain->recorded.position.epoch, .commit_lsn = watermark.lsn},
        .lsn = watermark.lsn,
        .time_us = watermark.time_us};
    add_entry(chain, &entry);
    chain->recorded.acked_lsn = later(chain->recorded.acked_lsn, watermark.lsn);
    chain->is_changed = true;
    return true;
}

/* One part of a name in SQL, plain or quoted, without its quotes. Returns what follows, or NULL. */
static const char *unquote(const char *from, char *out, size_t size)
{
    size_t length = 0;
    bool is_quoted = *from == '"';
    for (from += is_quoted; *from; from++) {
        if (is_quoted && *from == '"' && *++from != '"')
            break;
        if (!is_quoted && *from == '.')
            break;
        if (length + 1 == size)
            return NULL;
        out[length++] = *from;
    }
    out[length] = '\0';
    return from;
}

/* The tables of R{creating}, which start anew, into chain->tables. */
static bool gather_tables(struct topic_chain *chain, const char *lines, uint32_t *count,
                          struct error *err)
{
    struct recorded_table line;
    char schema[RECORDED_TABLE_NAME_SIZE];
    char name[RECORDED_TABLE_NAME_SIZE];
    char topic[KAFKA_TOPIC_SIZE];
    byte_buffer_clear(&chain->tables);
    for (*count = 0; recorded_next_table(&lines, &line); ++*count) {
        const char *rest = unquote(line.name, schema, sizeof(schema));
        if (!rest || *rest != '.' || !unquote(rest + 1, name, sizeof(name)))
            return error_set(err, ERROR_FATAL, "R names a table without a schema");
        if (!kafka_topic_name(chain->options.prefix, schema, name, topic, err))
            return false;
        struct control_table table = {text_of(topic), text_of(schema), text_of(name)};
        control_write_table(&chain->tables, &table);
    }
    return true;
}

/* Where the epoch before ended: the tails, after all other writers were fenced. */
static uint32_t gather_last_positions(struct topic_chain *chain)
{
    uint32_t count = 0;
    byte_buffer_clear(&chain->counts);
    for (uint32_t i = 0; i < chain->partition_count; i++) {
        const struct chain_partition *partition = &chain->partitions[i];
        const struct chain_topic *topic = &chain->topics[partition->topic];
        if (partition->topic < TOPIC_CHAIN_FIRST_ROWS || topic->is_gone)
            continue;
        struct control_count last = {
            .topic = text_of(topic->name), .partition = partition->number, .last = partition->last};
        control_write_count(&chain->counts, CONTROL_EPOCH, &last);
        count++;
    }
    return count;
}

static bool add_epoch(struct topic_chain *chain, const struct recorded *state, struct error *err)
{
    bool is_creating = state->state == RECORDED_CREATING;
    struct control_entry entry = {.kind = CONTROL_EPOCH,
                                  .position = {.epoch = state->position.epoch}};
    entry.count_count = gather_last_positions(chain);
    if (!gather_tables(chain, is_creating ? state->tables : "", &entry.table_count, err))
        return false;
    entry.counts = chain_view(&chain->counts);
    entry.tables = chain_view(&chain->tables);
    if (chain->counts.overrun || chain->tables.overrun)
        return error_set(err, ERROR_FATAL, "more tables and partitions than an EPOCH can name");
    add_entry(chain, &entry);
    return true;
}

static bool write_state(struct topic_chain *chain, const struct message *message, struct error *err)
{
    struct recorded state = {0};
    const struct recorded *before = &chain->recorded;
    if (chain->is_unit_open)
        return error_set(err, ERROR_FATAL, "a change of state inside a unit");
    if (!recorded_read(message->body, &state, err))
        return false;
    bool is_first = before->state == RECORDED_NONE;
    bool begins_epoch = is_first || state.position.epoch != before->position.epoch;
    bool is_good = !begins_epoch || add_epoch(chain, &state, err);
    if (is_good) {
        recorded_advance(&chain->recorded, &state);
        chain->is_changed = true;
        chain->is_tables_changed = true;
        chain->state_count++;
    }
    recorded_release(&state);
    return is_good;
}

bool topic_chain_write(struct topic_chain *chain, const struct message *message, struct error *err)
{
    switch (message->kind) {
    case MESSAGE_END:
        return write_end(chain, message, err);
    case MESSAGE_WATERMARK:
        return write_watermark(chain, message, err);
    case MESSAGE_STATE:
        return write_state(chain, message, err);
    case MESSAGE_SHAPE:
    case MESSAGE_CHANGE:
        break;
    }
    return error_set(err, ERROR_FATAL, "a message of kind %d doesn't go to the control topic",
                     (int)message->kind);
}

bool topic_chain_is_unit_open(const struct topic_chain *chain)
{
    return chain->is_unit_open;
}
