/* SPDX-License-Identifier: Apache-2.0 */
/* Booleans and whole numbers. */
#include "schema/form.h"

static const char DIGIT_PAIRS[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536"
    "37383940414243444546474849505152535455565758596061626364656667686970717273"
    "7475767778798081828384858687888990919293949596979899";

const uint64_t TEXT_POWERS_OF_TEN[20] = {1,
                                         10,
                                         100,
                                         1000,
                                         10000,
                                         100000,
                                         1000000,
                                         10000000,
                                         100000000,
                                         1000000000,
                                         10000000000,
                                         100000000000,
                                         1000000000000,
                                         10000000000000,
                                         100000000000000,
                                         1000000000000000,
                                         10000000000000000,
                                         100000000000000000,
                                         1000000000000000000,
                                         UINT64_C(10000000000000000000)};

/* How many digits it takes: log10 by way of log2, corrected by one comparison. 0 takes one, as 1 does. */
static unsigned count_digits(uint64_t value)
{
    unsigned guess = (64 - (unsigned)__builtin_clzll(value | 1)) * 1233 >> 12;
    return guess + ((value | 1) >= TEXT_POWERS_OF_TEN[guess]);
}

uint8_t *text_put_u64(uint8_t *out, uint64_t value)
{
    unsigned count = value == 0 ? 1 : count_digits(value);
    uint8_t *at = out + count;
    while (value >= 100) {
        at -= 2;
        memcpy(at, DIGIT_PAIRS + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10)
        memcpy(at - 2, DIGIT_PAIRS + value * 2, 2);
    else
        at[-1] = (uint8_t)('0' + value);
    return out + count;
}

bool text_is(struct bytes text, const char *literal)
{
    size_t size = strlen(literal);
    return text.size == size && memcmp(text.data, literal, size) == 0;
}

static uint8_t *write_boolean(const struct column_form *form, struct bytes text, uint8_t *out,
                              bool *is_exact)
{
    (void)form;
    bool is_true = text.size == 1 && text.data[0] == 't';
    if (!is_true && !(text.size == 1 && text.data[0] == 'f'))
        *is_exact = false;
    *out++ = is_true;
    return out;
}

static bool read_boolean(const struct column_form *form, struct avro_input *input,
                         struct form_output *output, struct bytes *text)
{
    (void)form;
    if (avro_left(input) == 0 || *input->at > 1)
        return false;
    *output->at = *input->at++ ? 't' : 'f';
    return form_text_ends(output, output->at + 1, text);
}

/* The number that the text is the one way of writing. */
static bool parse_integer(struct bytes text, int64_t *value)
{
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.size;
    bool is_negative = at < end && *at == '-';
    at += is_negative;
    if (at == end || end - at > 19 || (*at == '0' && (is_negative || end - at > 1)))
        return false;
    uint64_t magnitude = 0;
    for (; at < end; at++) {
        if (!text_is_digit(*at))
            return false;
        magnitude = magnitude * 10 + (uint64_t)(*at - '0');
    }
    if (magnitude > (uint64_t)INT64_MAX + is_negative)
        return false;
    *value = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

static uint8_t *write_integer(struct bytes text, int64_t least, int64_t most, uint8_t *out,
                              bool *is_exact)
{
    int64_t value = 0;
    if (!parse_integer(text, &value) || value < least || value > most) {
        *is_exact = false;
        value = 0;
    }
    return avro_put_long(out, value);
}

static uint8_t *write_int16(const struct column_form *form, struct bytes text, uint8_t *out,
                            bool *is_exact)
{
    (void)form;
    return write_integer(text, INT16_MIN, INT16_MAX, out, is_exact);
}

static uint8_t *write_int32(const struct column_form *form, struct bytes text, uint8_t *out,
                            bool *is_exact)
{
    (void)form;
    return write_integer(text, INT32_MIN, INT32_MAX, out, is_exact);
}

static uint8_t *write_int64(const struct column_form *form, struct bytes text, uint8_t *out,
                            bool *is_exact)
{
    (void)form;
    return write_integer(text, INT64_MIN, INT64_MAX, out, is_exact);
}

static bool put_integer(int64_t value, struct form_output *output, struct bytes *text)
{
    uint8_t *end = output->at;
    if (value < 0)
        *end++ = '-';
    end = text_put_u64(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    return form_text_ends(output, end, text);
}

static bool read_int32(const struct column_form *form, struct avro_input *input,
                       struct form_output *output, struct bytes *text)
{
    (void)form;
    int32_t value = 0;
    return avro_get_int(input, &value) && put_integer(value, output, text);
}

static bool read_int64(const struct column_form *form, struct avro_input *input,
                       struct form_output *output, struct bytes *text)
{
    (void)form;
    int64_t value = 0;
    return avro_get_long(input, &value) && put_integer(value, output, text);
}

const struct form_codec form_boolean = {write_boolean, read_boolean};
const struct form_codec form_int16 = {write_int16, read_int32};
const struct form_codec form_int32 = {write_int32, read_int32};
const struct form_codec form_int64 = {write_int64, read_int64};
