/* SPDX-License-Identifier: Apache-2.0 */
/* Control records: twin functions that write and read an entry in the order of docs/message-format.md. */
#include "transport/control.h"

#include <string.h>

#include "transport/header.h"

enum { COUNT_AT = 1 };

/* ---- parts of entries ---- */

static void write_name(struct byte_buffer *out, struct bytes name)
{
    write_u16(out, (uint16_t)name.size);
    write_bytes(out, name.data, name.size);
}

static struct bytes read_name(struct byte_reader *reader)
{
    return read_bytes(reader, read_u16(reader));
}

/* Lists follow as they were gathered: their count, then their bytes. */
static void write_list(struct byte_buffer *out, uint32_t count, struct bytes items)
{
    write_u32(out, count);
    write_bytes(out, items.data, items.size);
}

static bool read_count(struct byte_reader *reader, enum control_kind kind,
                       struct control_count *count)
{
    count->topic = read_name(reader);
    count->partition = read_u32(reader);
    count->messages = kind == CONTROL_EPOCH ? 0 : read_u64(reader);
    count->last = position_read(reader);
    return !reader->overrun && bytes_are_utf8(count->topic);
}

static bool read_table(struct byte_reader *reader, struct control_table *table)
{
    table->topic = read_name(reader);
    table->schema = read_name(reader);
    table->name = read_name(reader);
    return !reader->overrun && bytes_are_utf8(table->topic) && bytes_are_utf8(table->schema) &&
           bytes_are_utf8(table->name);
}

void control_write_count(struct byte_buffer *counts, enum control_kind kind,
                         const struct control_count *count)
{
    write_name(counts, count->topic);
    write_u32(counts, count->partition);
    if (kind != CONTROL_EPOCH)
        write_u64(counts, count->messages);
    position_write(counts, &count->last);
}

void control_write_table(struct byte_buffer *tables, const struct control_table *table)
{
    write_name(tables, table->topic);
    write_name(tables, table->schema);
    write_name(tables, table->name);
}

bool control_next_count(enum control_kind kind, struct bytes *counts, struct control_count *count)
{
    if (counts->size == 0)
        return false;
    struct byte_reader reader = byte_reader_over(*counts);
    if (!read_count(&reader, kind, count))
        return false;
    *counts = (struct bytes){reader.at, byte_reader_left(&reader)};
    return true;
}

bool control_next_table(struct bytes *tables, struct control_table *table)
{
    if (tables->size == 0)
        return false;
    struct byte_reader reader = byte_reader_over(*tables);
    if (!read_table(&reader, table))
        return false;
    *tables = (struct bytes){reader.at, byte_reader_left(&reader)};
    return true;
}

/* ---- writing ---- */

void control_begin(struct byte_buffer *record)
{
    byte_buffer_clear(record);
    write_u8(record, CONTROL_VERSION);
    write_u32(record, 0);
}

static void put_u32(struct byte_buffer *record, size_t at, uint32_t value)
{
    uint32_t wire = __builtin_bswap32(value);
    if (!record->overrun)
        memcpy(record->data + at, &wire, sizeof(wire));
}

void control_end(struct byte_buffer *record, uint32_t entry_count)
{
    put_u32(record, COUNT_AT, entry_count);
}

static void write_end(struct byte_buffer *record, const struct control_entry *entry)
{
    write_u64(record, entry->lsn);
    write_u64(record, (uint64_t)entry->time_us);
    write_u32(record, entry->xid);
    write_name(record, entry->origin);
    write_list(record, entry->count_count, entry->counts);
}

static void write_content(struct byte_buffer *record, const struct control_entry *entry)
{
    switch (entry->kind) {
    case CONTROL_END:
        write_end(record, entry);
        return;
    case CONTROL_PART:
        write_list(record, entry->count_count, entry->counts);
        return;
    case CONTROL_WATERMARK:
        write_u64(record, entry->lsn);
        write_u64(record, (uint64_t)entry->time_us);
        return;
    case CONTROL_EPOCH:
        write_list(record, entry->count_count, entry->counts);
        write_list(record, entry->table_count, entry->tables);
        return;
    case CONTROL_SHAPE:
        write_u64(record, entry->shape);
        write_name(record, entry->origin);
        return;
    case CONTROL_GAP:
        write_name(record, entry->origin);
        return;
    }
}

void control_write_entry(struct byte_buffer *record, const struct control_entry *entry)
{
    write_u8(record, (uint8_t)entry->kind);
    size_t size_at = record->size;
    write_u32(record, 0);
    position_write(record, &entry->position);
    write_content(record, entry);
    put_u32(record, size_at, (uint32_t)(record->size - size_at - sizeof(uint32_t)));
}

/* ---- reading ---- */

bool control_open(struct control_reader *reader, struct bytes record, struct error *err)
{
    reader->bytes = byte_reader_over(record);
    uint8_t version = read_u8(&reader->bytes);
    reader->left = read_u32(&reader->bytes);
    if (reader->bytes.overrun)
        return error_set(err, ERROR_DATA, "a control record that is cut off");
    if (version > CONTROL_VERSION) {
        error_stop(err, STOP_STATE_NEWER, "a control record has version %u, this program knows %d",
                   version, CONTROL_VERSION);
        return error_remedy(err, "run the newer version of penstock that wrote it");
    }
    if (version != CONTROL_VERSION || reader->left > CONTROL_MAX_ENTRIES)
        return error_set(err, ERROR_DATA, "a control record of version %u with %u entries", version,
                         reader->left);
    return true;
}

/* Walks the list once, so that later walks can't fail. */
static bool read_counts(struct byte_reader *reader, struct control_entry *entry)
{
    struct control_count count;
    entry->count_count = read_u32(reader);
    const uint8_t *first = reader->at;
    for (uint32_t i = 0; i < entry->count_count; i++)
        if (!read_count(reader, entry->kind, &count))
            return false;
    entry->counts = (struct bytes){first, (size_t)(reader->at - first)};
    return true;
}

static bool read_tables(struct byte_reader *reader, struct control_entry *entry)
{
    struct control_table table;
    entry->table_count = read_u32(reader);
    const uint8_t *first = reader->at;
    for (uint32_t i = 0; i < entry->table_count; i++)
        if (!read_table(reader, &table))
            return false;
    entry->tables = (struct bytes){first, (size_t)(reader->at - first)};
    return true;
}

static bool read_text(struct byte_reader *reader, struct control_entry *entry)
{
    entry->origin = read_name(reader);
    return bytes_are_utf8(entry->origin);
}

static bool read_end(struct byte_reader *reader, struct control_entry *entry)
{
    entry->lsn = read_u64(reader);
    entry->time_us = (int64_t)read_u64(reader);
    entry->xid = read_u32(reader);
    return read_text(reader, entry) && read_counts(reader, entry);
}

/* False if the content is malformed or its kind unknown. */
static bool read_content(struct byte_reader *reader, struct control_entry *entry)
{
    entry->position = position_read(reader);
    switch (entry->kind) {
    case CONTROL_END:
        return read_end(reader, entry);
    case CONTROL_PART:
        return read_counts(reader, entry);
    case CONTROL_WATERMARK:
        entry->lsn = read_u64(reader);
        entry->time_us = (int64_t)read_u64(reader);
        return true;
    case CONTROL_EPOCH:
        return read_counts(reader, entry) && read_tables(reader, entry);
    case CONTROL_SHAPE:
        entry->shape = read_u64(reader);
        return read_text(reader, entry);
    case CONTROL_GAP:
        return read_text(reader, entry);
    }
    return false;
}

bool control_next(struct control_reader *reader, struct control_entry *entry, struct error *err)
{
    error_clear(err);
    if (reader->left == 0) {
        if (byte_reader_left(&reader->bytes) > 0)
            return error_set(err, ERROR_DATA, "a control record with bytes behind its entries");
        return false;
    }
    *entry = (struct control_entry){.kind = (enum control_kind)read_u8(&reader->bytes)};
    uint32_t size = read_u32(&reader->bytes);
    struct byte_reader content = byte_reader_over(read_bytes(&reader->bytes, size));
    if (reader->bytes.overrun || size > CONTROL_MAX_ENTRY || !read_content(&content, entry) ||
        content.overrun || byte_reader_left(&content) > 0)
        return error_set(err, ERROR_DATA, "a control entry that is malformed");
    reader->left--;
    return true;
}
