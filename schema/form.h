/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of schema/debezium.h, one by one: PostgreSQL's text to Avro, and back. The rule of each pair: where writing
 * says that it was exact, reading gives the identical text. */
#ifndef PENSTOCK_SCHEMA_FORM_H
#define PENSTOCK_SCHEMA_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "schema/avro_bytes.h"
#include "schema/debezium.h"

/* A form writes at most so much more than the text's size, and for a DECIMAL `scale` more. */
enum { FORM_MAX_EXTRA = 64 };

/* Writes the value without its union's index and returns the end. Where the text is not what reading would give, sets
 * `*is_exact` to false and writes what Debezium does, or the nearest value. */
typedef uint8_t *(*form_writer)(const struct column_form *form, struct bytes text, uint8_t *out,
                                bool *is_exact);

/* Where texts are put. There is always room for three times the input's size and FORM_MAX_EXTRA more (for a DECIMAL
 * `scale` more); who needs yet more looks first, and says so. */
struct form_output {
    uint8_t *at;
    const uint8_t *end;
    size_t missing; /* > 0: reading failed only for want of this much room */
};

/* Reads one value; `*text` lies in the output or in the input. False: malformed, or output->missing. */
typedef bool (*form_reader)(const struct column_form *form, struct avro_input *input,
                            struct form_output *output, struct bytes *text) MUST_USE;

struct form_codec {
    form_writer write;
    form_reader read;
};

/* One per form. */
extern const struct form_codec form_boolean;
extern const struct form_codec form_int16;
extern const struct form_codec form_int32;
extern const struct form_codec form_int64;
extern const struct form_codec form_float;
extern const struct form_codec form_double;
extern const struct form_codec form_decimal;
extern const struct form_codec form_variable_decimal;
extern const struct form_codec form_text;
extern const struct form_codec form_bytes;
extern const struct form_codec form_date;
extern const struct form_codec form_time_ms;
extern const struct form_codec form_time_us;
extern const struct form_codec form_timestamp_ms;
extern const struct form_codec form_timestamp_us;
extern const struct form_codec form_zoned_timestamp;
extern const struct form_codec form_zoned_time;
extern const struct form_codec form_interval;

const struct form_codec *form_codec_of(enum avro_form form);

/* The text whose Avro form stands where a column that is NOT NULL has no value: the type's zero, as Debezium does. */
const char *form_zero_text(enum avro_form form);

/* 10^0 to 10^19. */
extern const uint64_t TEXT_POWERS_OF_TEN[20];

/* Writes a number in decimal digits; returns the end. At most 20 bytes. */
uint8_t *text_put_u64(uint8_t *out, uint64_t value);

/* Writes exactly two digits. */
static inline uint8_t *text_put_2(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)('0' + value / 10);
    out[1] = (uint8_t)('0' + value % 10);
    return out + 2;
}

static inline bool text_is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') <= 9;
}

bool text_is(struct bytes text, const char *literal);

/* Ends a text that was put at output->at up to `end`: moves the output behind it. */
static inline bool form_text_ends(struct form_output *output, uint8_t *end, struct bytes *text)
{
    *text = (struct bytes){output->at, (size_t)(end - output->at)};
    output->at = end;
    return true;
}

#endif
