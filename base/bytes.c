/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded reader and the bounded buffer. */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct byte_reader byte_reader_over(struct bytes bytes)
{
    return (struct byte_reader){.at = bytes.data, .end = bytes.data + bytes.size};
}

size_t byte_reader_left(const struct byte_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* The next `size` bytes, or NULL past the end. */
static const uint8_t *take(struct byte_reader *reader, size_t size)
{
    if (reader->overrun || byte_reader_left(reader) < size) {
        reader->overrun = true;
        return NULL;
    }
    const uint8_t *data = reader->at;
    reader->at += size;
    return data;
}

uint8_t read_u8(struct byte_reader *reader)
{
    const uint8_t *p = take(reader, 1);
    return p ? p[0] : 0;
}

uint16_t read_u16(struct byte_reader *reader)
{
    const uint8_t *p = take(reader, 2);
    return p ? (uint16_t)(((unsigned)p[0] << 8) | p[1]) : 0;
}

uint32_t read_u32(struct byte_reader *reader)
{
    uint32_t value = 0;
    const uint8_t *p = take(reader, sizeof(value));
    if (p)
        memcpy(&value, p, sizeof(value));
    return __builtin_bswap32(value);
}

uint64_t read_u64(struct byte_reader *reader)
{
    uint64_t value = 0;
    const uint8_t *p = take(reader, sizeof(value));
    if (p)
        memcpy(&value, p, sizeof(value));
    return __builtin_bswap64(value);
}

struct bytes read_bytes(struct byte_reader *reader, size_t size)
{
    const uint8_t *p = take(reader, size);
    return p ? (struct bytes){p, size} : (struct bytes){(const uint8_t *)"", 0};
}

const char *read_string(struct byte_reader *reader)
{
    const uint8_t *nul = NULL;
    if (!reader->overrun)
        nul = memchr(reader->at, 0, byte_reader_left(reader));
    if (!nul) {
        reader->overrun = true;
        return "";
    }
    return (const char *)take(reader, (size_t)(nul - reader->at) + 1);
}

void byte_buffer_init(struct byte_buffer *buffer, size_t max_size)
{
    *buffer = (struct byte_buffer){.max_size = max_size};
}

void byte_buffer_release(struct byte_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct byte_buffer){.max_size = buffer->max_size};
}

void byte_buffer_clear(struct byte_buffer *buffer)
{
    buffer->size = 0;
    buffer->overrun = false;
}

static bool grow(struct byte_buffer *buffer, size_t needed)
{
    if (needed > buffer->max_size) {
        buffer->overrun = true;
        return false;
    }
    size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity * 2;
    if (capacity < needed)
        capacity = needed;
    if (capacity > buffer->max_size)
        capacity = buffer->max_size;
    buffer->data = memory_resize(buffer->data, capacity + 1, 1);
    buffer->capacity = capacity;
    return true;
}

uint8_t *byte_buffer_reserve(struct byte_buffer *buffer, size_t size)
{
    if (buffer->overrun || size > SIZE_MAX - buffer->size) {
        buffer->overrun = true;
        return NULL;
    }
    if (buffer->size + size > buffer->capacity && !grow(buffer, buffer->size + size))
        return NULL;
    if (!buffer->data && !grow(buffer, 1))
        return NULL;
    return buffer->data + buffer->size;
}

void write_bytes(struct byte_buffer *buffer, const void *data, size_t size)
{
    uint8_t *p = byte_buffer_reserve(buffer, size);
    if (!p || size == 0)
        return;
    memcpy(p, data, size);
    buffer->size += size;
}

void write_u8(struct byte_buffer *buffer, uint8_t value)
{
    write_bytes(buffer, &value, 1);
}

void write_u16(struct byte_buffer *buffer, uint16_t value)
{
    uint16_t wire = __builtin_bswap16(value);
    write_bytes(buffer, &wire, sizeof(wire));
}

void write_u32(struct byte_buffer *buffer, uint32_t value)
{
    uint32_t wire = __builtin_bswap32(value);
    write_bytes(buffer, &wire, sizeof(wire));
}

void write_u64(struct byte_buffer *buffer, uint64_t value)
{
    uint64_t wire = __builtin_bswap64(value);
    write_bytes(buffer, &wire, sizeof(wire));
}

void write_string(struct byte_buffer *buffer, const char *string)
{
    write_bytes(buffer, string, strlen(string) + 1);
}

void write_text(struct byte_buffer *buffer, const char *string)
{
    write_bytes(buffer, string, strlen(string));
}

void write_format(struct byte_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    uint8_t *p = length < 0 ? NULL : byte_buffer_reserve(buffer, (size_t)length + 1);
    if (p) {
        vsnprintf((char *)p, (size_t)length + 1, format, again);
        buffer->size += (size_t)length;
    }
    va_end(again);
}

const char *byte_buffer_text(struct byte_buffer *buffer)
{
    if (!buffer->data)
        return "";
    buffer->data[buffer->size] = '\0';
    return (const char *)buffer->data;
}

bool bytes_equal(struct bytes left, struct bytes right)
{
    return left.size == right.size &&
           (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

/* The length of the well-formed sequence at `p`, or 0. Table 3-7 of the Unicode Standard. */
static size_t sequence_length(const uint8_t *p, size_t left)
{
    if (p[0] >= 0x01 && p[0] <= 0x7f)
        return 1;
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool is_out_of_range = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return is_overlong || is_out_of_range ? 0 : length;
}

bool bytes_are_utf8(struct bytes text)
{
    size_t at = 0;
    while (at < text.size) {
        size_t length = sequence_length(text.data + at, text.size - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}
