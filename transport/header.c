/* SPDX-License-Identifier: Apache-2.0 */
/* The header's bytes: its fixed part, and sections in the order of their flags. */
#include "transport/header.h"

#include <string.h>

enum { KNOWN_FLAGS = 0x7f, EXACT_FIXED_SIZE = 1 + 2 + 4 };

void position_write(struct byte_buffer *out, const struct position *position)
{
    write_u32(out, position->epoch);
    write_u64(out, position->commit_lsn);
    write_u64(out, position->ordinal);
    write_u32(out, position->step);
}

struct position position_read(struct byte_reader *reader)
{
    struct position position;
    position.epoch = read_u32(reader);
    position.commit_lsn = read_u64(reader);
    position.ordinal = read_u64(reader);
    position.step = read_u32(reader);
    return position;
}

/* ---- writing ---- */

static uint8_t *put_u32(uint8_t *out, uint32_t value)
{
    uint32_t wire = __builtin_bswap32(value);
    memcpy(out, &wire, sizeof(wire));
    return out + sizeof(wire);
}

static uint8_t *put_u64(uint8_t *out, uint64_t value)
{
    uint64_t wire = __builtin_bswap64(value);
    memcpy(out, &wire, sizeof(wire));
    return out + sizeof(wire);
}

static uint8_t *put_position(uint8_t *out, const struct position *position)
{
    out = put_u32(out, position->epoch);
    out = put_u64(out, position->commit_lsn);
    out = put_u64(out, position->ordinal);
    return put_u32(out, position->step);
}

void header_write_fixed(uint8_t *out, const struct header *header)
{
    *out++ = HEADER_VERSION;
    *out++ = header->flags;
    out = put_position(out, &header->position);
    out = put_position(out, &header->previous);
    put_u64(out, header->shape);
}

void header_write_unchanged(struct byte_buffer *out, const uint16_t *columns, uint16_t count)
{
    write_u16(out, count);
    for (uint16_t i = 0; i < count; i++)
        write_u16(out, columns[i]);
}

void header_write_old_key(struct byte_buffer *out, struct bytes key)
{
    write_u32(out, (uint32_t)key.size);
    write_bytes(out, key.data, key.size);
}

/* The length of an exact value that is null. */
static const uint32_t NULL_SIZE = UINT32_MAX;

void header_write_exact_count(struct byte_buffer *out, uint16_t count)
{
    write_u16(out, count);
}

void header_write_exact(struct byte_buffer *out, enum header_part part, uint16_t column,
                        struct bytes text)
{
    write_u8(out, (uint8_t)part);
    write_u16(out, column);
    write_u32(out, text.data ? (uint32_t)text.size : NULL_SIZE);
    write_bytes(out, text.data, text.size);
}

void header_write_origin(struct byte_buffer *out, const char *origin)
{
    size_t size = strlen(origin);
    write_u16(out, (uint16_t)size);
    write_bytes(out, origin, size);
}

/* ---- reading ---- */

/* One value; false if its part is none. */
static bool read_exact(struct byte_reader *reader, struct exact_value *value)
{
    uint8_t part = read_u8(reader);
    value->part = (enum header_part)part;
    value->column = read_u16(reader);
    uint32_t size = read_u32(reader);
    value->text = size == NULL_SIZE ? (struct bytes){0} : read_bytes(reader, size);
    return part <= HEADER_KEY;
}

/* Reads all sections that the flags announce; false if a value is malformed. Running over is in `reader`. */
static bool read_sections(uint8_t flags, struct byte_reader *reader,
                          struct header_sections *sections)
{
    bool is_good = true;
    *sections = (struct header_sections){0};
    if (flags & HEADER_UNCHANGED)
        sections->unchanged = read_bytes(reader, (size_t)read_u16(reader) * 2);
    if (flags & HEADER_OLD_KEY)
        sections->old_key = read_bytes(reader, read_u32(reader));
    if (flags & HEADER_EXACT) {
        sections->exact_count = read_u16(reader);
        const uint8_t *first = reader->at;
        struct exact_value value;
        for (uint16_t i = 0; i < sections->exact_count && !reader->overrun; i++)
            is_good = read_exact(reader, &value) && is_good;
        sections->exact = (struct bytes){first, (size_t)(reader->at - first)};
    }
    if (flags & HEADER_ORIGIN) {
        sections->origin = read_bytes(reader, read_u16(reader));
        is_good = bytes_are_utf8(sections->origin) && is_good;
    }
    return is_good;
}

bool header_read(struct bytes bytes, struct header *header, struct error *err)
{
    struct byte_reader reader = byte_reader_over(bytes);
    struct header_sections sections;
    uint8_t version = read_u8(&reader);
    if (version != HEADER_VERSION)
        return error_set(err, ERROR_DATA, "its header has version %u, this program knows %d",
                         version, HEADER_VERSION);
    struct header found = {.flags = read_u8(&reader)};
    found.position = position_read(&reader);
    found.previous = position_read(&reader);
    found.shape = read_u64(&reader);
    if (found.flags & ~KNOWN_FLAGS)
        return error_set(err, ERROR_DATA, "its header has unknown flags: 0x%02x", found.flags);
    found.sections = (struct bytes){reader.at, byte_reader_left(&reader)};
    if (!read_sections(found.flags, &reader, &sections) || reader.overrun ||
        byte_reader_left(&reader) > 0)
        return error_set(err, ERROR_DATA, "its header is malformed");
    if (position_compare(&found.previous, &found.position) >= 0)
        return error_set(err, ERROR_DATA, "its header names a previous position that isn't before");
    *header = found;
    return true;
}

void header_sections(const struct header *header, struct header_sections *sections)
{
    struct byte_reader reader = byte_reader_over(header->sections);
    (void)read_sections(header->flags, &reader, sections);
}

bool header_next_exact(struct bytes *exact, struct exact_value *value)
{
    if (exact->size < EXACT_FIXED_SIZE)
        return false;
    struct byte_reader reader = byte_reader_over(*exact);
    if (!read_exact(&reader, value) || reader.overrun)
        return false;
    *exact = (struct bytes){reader.at, byte_reader_left(&reader)};
    return true;
}
