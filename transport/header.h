/* SPDX-License-Identifier: Apache-2.0 */
/* The header `penstock` that every Kafka message bears. The layout is docs/message-format.md's. */
#ifndef PENSTOCK_TRANSPORT_HEADER_H
#define PENSTOCK_TRANSPORT_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/position.h"

#define HEADER_NAME "penstock"

enum {
    HEADER_VERSION = 1,
    HEADER_FIXED_SIZE = 2 + 24 + 24 + 8,
    HEADER_MAX_SIZE = 1 << 30, /* exact values may be as large as a row */
};

enum header_flag {
    HEADER_KEY_CHANGE = 0x01,
    HEADER_UNCHANGED = 0x02,
    HEADER_OLD_KEY = 0x04,
    HEADER_EXACT = 0x08,
    HEADER_ORIGIN = 0x10,
    HEADER_FULL_BEFORE = 0x20,
    HEADER_RESTART_IDENTITY = 0x40,
};

/* Which part of an event a value belongs to. */
enum header_part { HEADER_BEFORE = 0, HEADER_AFTER = 1, HEADER_KEY = 2 };

struct header {
    uint8_t flags;
    struct position position;
    struct position previous;
    uint64_t shape;
    struct bytes sections; /* borrowed: all behind the fixed part, in the order of the flags */
};

/* Into `out` of HEADER_FIXED_SIZE; the sections go behind it. */
void header_write_fixed(uint8_t *out, const struct header *header);

/* Each appends one section; call them in the order of the flags. */
void header_write_unchanged(struct byte_buffer *out, const uint16_t *columns, uint16_t count);
void header_write_old_key(struct byte_buffer *out, struct bytes key);
void header_write_exact_count(struct byte_buffer *out, uint16_t count);
void header_write_exact(struct byte_buffer *out, enum header_part part, uint16_t column,
                        struct bytes text);
void header_write_origin(struct byte_buffer *out, const char *origin);

/* Reads and checks the whole header, its sections included; borrowed from `bytes`. ERROR_DATA. */
bool header_read(struct bytes bytes, struct header *header, struct error *err) MUST_USE;

/* The sections of a header that header_read() accepted. */
struct header_sections {
    struct bytes unchanged; /* indexes of 2 bytes each */
    struct bytes old_key;
    struct bytes origin;
    struct bytes exact; /* to be walked with header_next_exact() */
    uint16_t exact_count;
};

struct exact_value {
    enum header_part part;
    uint16_t column;
    struct bytes text; /* no data: null */
};

void header_sections(const struct header *header, struct header_sections *sections);

/* The exact value at the front of `exact`, which moves behind it; false at the end. */
bool header_next_exact(struct bytes *exact, struct exact_value *value);

/* A position in 24 bytes, as it stands in headers and control entries. */
enum { POSITION_SIZE = 24 };
void position_write(struct byte_buffer *out, const struct position *position);
struct position position_read(struct byte_reader *reader);

#endif
