/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes: a view, a growing buffer with a maximum, and the bounded reader for all that came from outside. */
#ifndef PENSTOCK_BASE_BYTES_H
#define PENSTOCK_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

/* A borrowed view. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

/* Reads big-endian numbers, strings and runs of bytes from a view. A read past the end returns zeros or
 * an empty view and sets `overrun`, which stays set: check it once, after the last read. */
struct byte_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool overrun;
};

struct byte_reader byte_reader_over(struct bytes bytes);
size_t byte_reader_left(const struct byte_reader *reader);
uint8_t read_u8(struct byte_reader *reader);
uint16_t read_u16(struct byte_reader *reader);
uint32_t read_u32(struct byte_reader *reader);
uint64_t read_u64(struct byte_reader *reader);
struct bytes read_bytes(struct byte_reader *reader, size_t size);

/* A string that ends with NUL inside the view; borrowed; "" with overrun set if there is no NUL. */
const char *read_string(struct byte_reader *reader);

/* A growing run of bytes. `max_size` is its limit; past it a write sets `overrun` and adds nothing. */
struct byte_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t max_size;
    bool overrun;
};

void byte_buffer_init(struct byte_buffer *buffer, size_t max_size);
void byte_buffer_release(struct byte_buffer *buffer);
void byte_buffer_clear(struct byte_buffer *buffer); /* keeps the memory */

/* Room for `size` more bytes at the end, or NULL (overrun). The caller fills it, then adds to size. */
uint8_t *byte_buffer_reserve(struct byte_buffer *buffer, size_t size) MUST_USE;

void write_u8(struct byte_buffer *buffer, uint8_t value);
void write_u16(struct byte_buffer *buffer, uint16_t value);
void write_u32(struct byte_buffer *buffer, uint32_t value);
void write_u64(struct byte_buffer *buffer, uint64_t value);
void write_bytes(struct byte_buffer *buffer, const void *data, size_t size);
void write_string(struct byte_buffer *buffer, const char *string); /* with its NUL */
void write_text(struct byte_buffer *buffer, const char *string);   /* without */
void write_format(struct byte_buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* The buffer as a C string: a NUL is kept behind its end. "" when empty. Valid until the next write. */
const char *byte_buffer_text(struct byte_buffer *buffer);

bool bytes_equal(struct bytes left, struct bytes right);

/* Whether the text is valid UTF-8 without NUL (RFC 3629: no overlong forms, no surrogates). */
bool bytes_are_utf8(struct bytes text);

#define SCOPED_BUFFER CLEANUP(byte_buffer_release) struct byte_buffer

#endif
