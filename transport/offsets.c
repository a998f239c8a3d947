/* SPDX-License-Identifier: Apache-2.0 */
/* The offsets topic's bytes: twin functions that write and read each kind. */
#include "transport/offsets.h"

#include <string.h>

#include "transport/header.h"

static void begin(struct byte_buffer *key, struct byte_buffer *value, enum offsets_kind kind)
{
    byte_buffer_clear(key);
    byte_buffer_clear(value);
    write_u8(key, (uint8_t)kind);
    write_u8(value, OFFSETS_VERSION);
}

void offsets_write_recorded(struct byte_buffer *key, struct byte_buffer *value, const char *name,
                            const struct recorded *recorded)
{
    struct recorded without_tables = *recorded;
    without_tables.tables = NULL;
    begin(key, value, OFFSETS_RECORDED);
    write_string(value, name);
    recorded_write(value, &without_tables);
}

void offsets_write_tables(struct byte_buffer *key, struct byte_buffer *value, const char *tables)
{
    begin(key, value, OFFSETS_TABLES);
    write_string(value, tables);
}

void offsets_write_topic(struct byte_buffer *key, struct byte_buffer *value, const char *topic,
                         uint32_t partitions)
{
    begin(key, value, OFFSETS_TOPIC);
    write_string(key, topic);
    write_u32(value, partitions);
}

void offsets_write_partition(struct byte_buffer *key, struct byte_buffer *value, const char *topic,
                             uint32_t partition, const struct position *last, int64_t acked_offset)
{
    begin(key, value, OFFSETS_PARTITION);
    write_string(key, topic);
    write_u32(key, partition);
    position_write(value, last);
    write_u64(value, (uint64_t)acked_offset);
}

void offsets_write_shape(struct byte_buffer *key, struct byte_buffer *value,
                         const struct topic_shape *shape)
{
    begin(key, value, OFFSETS_SHAPE);
    write_u64(key, shape->hash);
    write_string(value, shape->topic);
    write_u32(value, shape->key_id);
    write_u32(value, shape->value_id);
    write_string(value, shape->fingerprint);
    write_bytes(value, shape->table.data, shape->table.size);
}

static struct bytes rest_of(struct byte_reader *reader)
{
    return read_bytes(reader, byte_reader_left(reader));
}

static void read_shape(struct byte_reader *key, struct byte_reader *value,
                       struct offsets_record *record)
{
    record->shape.hash = read_u64(key);
    record->topic = read_string(value);
    record->shape.topic = record->topic;
    record->shape.key_id = read_u32(value);
    record->shape.value_id = read_u32(value);
    record->shape.fingerprint = read_string(value);
    record->shape.table = rest_of(value);
    if (strlen(record->shape.fingerprint) >= OFFSETS_FINGERPRINT_SIZE)
        value->overrun = true;
}

/* False if the kind is unknown. */
static bool read_by_kind(struct byte_reader *key, struct byte_reader *value,
                         struct offsets_record *record)
{
    switch (record->kind) {
    case OFFSETS_RECORDED:
        record->name = read_string(value);
        record->recorded = rest_of(value);
        return true;
    case OFFSETS_TABLES:
        record->tables = read_string(value);
        return true;
    case OFFSETS_TOPIC:
        record->topic = read_string(key);
        record->partition = read_u32(value);
        return true;
    case OFFSETS_PARTITION:
        record->topic = read_string(key);
        record->partition = read_u32(key);
        record->last = position_read(value);
        record->acked_offset = (int64_t)read_u64(value);
        return true;
    case OFFSETS_SHAPE:
        read_shape(key, value, record);
        return true;
    }
    return false;
}

bool offsets_read(struct bytes key, struct bytes value, struct offsets_record *record,
                  struct error *err)
{
    struct byte_reader key_reader = byte_reader_over(key);
    struct byte_reader value_reader = byte_reader_over(value);
    *record = (struct offsets_record){.kind = (enum offsets_kind)read_u8(&key_reader)};
    uint8_t version = read_u8(&value_reader);
    if (!value_reader.overrun && version > OFFSETS_VERSION) {
        error_stop(err, STOP_STATE_NEWER,
                   "a record of the offsets topic has version %u, this program knows %d", version,
                   OFFSETS_VERSION);
        return error_remedy(err, "run the newer version of penstock that wrote it");
    }
    if (version == OFFSETS_VERSION && read_by_kind(&key_reader, &value_reader, record) &&
        !key_reader.overrun && !value_reader.overrun && byte_reader_left(&key_reader) == 0 &&
        byte_reader_left(&value_reader) == 0)
        return true;
    return error_set(err, ERROR_DATA, "a record of the offsets topic is malformed");
}
