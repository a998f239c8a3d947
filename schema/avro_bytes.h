/* SPDX-License-Identifier: Apache-2.0 */
/* Avro's binary encoding, by hand (Avro 1.11 specification, "Binary Encoding"): writing into room that the caller has
 * made, reading within bounds. In a header, so that it is inlined into the loops over rows. */
#ifndef PENSTOCK_SCHEMA_AVRO_BYTES_H
#define PENSTOCK_SCHEMA_AVRO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attributes.h"
#include "base/bytes.h"

enum { AVRO_LONG_SIZE = 10 }; /* at most */

/* An int or long: zigzag, then 7 bits a byte, the lowest first. Each avro_put_* returns the end of what it wrote. */
static inline uint8_t *avro_put_long(uint8_t *out, int64_t value)
{
    uint64_t bits = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    while (bits >= 0x80) {
        *out++ = (uint8_t)(bits | 0x80);
        bits >>= 7;
    }
    *out++ = (uint8_t)bits;
    return out;
}

/* Bytes and strings: their size, then themselves. */
static inline uint8_t *avro_put_bytes(uint8_t *out, const void *data, size_t size)
{
    out = avro_put_long(out, (int64_t)size);
    if (size > 0)
        memcpy(out, data, size);
    return out + size;
}

static inline uint8_t *avro_put_double(uint8_t *out, double value)
{
    memcpy(out, &value, sizeof(value)); /* little-endian, as the machines that we run on */
    return out + sizeof(value);
}

static inline uint8_t *avro_put_float(uint8_t *out, float value)
{
    memcpy(out, &value, sizeof(value));
    return out + sizeof(value);
}

/* What is left to read of a message. */
struct avro_input {
    const uint8_t *at;
    const uint8_t *end;
};

static inline size_t avro_left(const struct avro_input *input)
{
    return (size_t)(input->end - input->at);
}

/* False past the end, above 64 bits, and where a shorter form exists. */
static inline bool avro_get_long(struct avro_input *input, int64_t *value)
{
    const uint8_t *at = input->at;
    uint64_t bits = 0;
    unsigned shift = 0;
    uint8_t byte = 0;
    do {
        if (at == input->end || shift > 63)
            return false;
        byte = *at++;
        if (shift == 63 && byte > 1)
            return false;
        bits |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (byte == 0 && shift > 7)
        return false;
    input->at = at;
    *value = (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
    return true;
}

static inline bool avro_get_int(struct avro_input *input, int32_t *value)
{
    int64_t wide = 0;
    if (!avro_get_long(input, &wide) || wide < INT32_MIN || wide > INT32_MAX)
        return false;
    *value = (int32_t)wide;
    return true;
}

/* Borrowed. */
static inline bool avro_get_bytes(struct avro_input *input, struct bytes *bytes)
{
    int64_t size = 0;
    if (!avro_get_long(input, &size) || size < 0 || (uint64_t)size > avro_left(input))
        return false;
    *bytes = (struct bytes){input->at, (size_t)size};
    input->at += size;
    return true;
}

static inline bool avro_get_fixed(struct avro_input *input, void *data, size_t size)
{
    if (avro_left(input) < size)
        return false;
    memcpy(data, input->at, size);
    input->at += size;
    return true;
}

#endif
