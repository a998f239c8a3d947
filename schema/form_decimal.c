/* SPDX-License-Identifier: Apache-2.0 */
/* Numeric: an unscaled number, two's complement, big-endian, in as few bytes as it takes (as Java's BigInteger). */
#include "schema/form.h"

__extension__ typedef unsigned __int128 u128;

/* Limits of numeric: NUMERIC_MAX_PRECISION doesn't bound it, these do (PostgreSQL manual, table "Numeric Types"). */
enum { MAX_WHOLE = 131072, MAX_SCALE = 16383, MAX_DIGITS = MAX_WHOLE + MAX_SCALE };

/* log2(10) / 8 bytes a digit, and the sign's. */
enum { MAX_NUMBER_SIZE = MAX_DIGITS * 416 / 1000 + 2 };

enum { CHUNK_DIGITS = 18, CHUNK_32_DIGITS = 9, LIMB_SIZE = 8 };
static const uint64_t CHUNK_32 = 1000000000;

/* ---- text to bytes ---- */

struct numeral {
    bool is_negative;
    struct bytes whole;
    struct bytes fraction;
};

static const uint8_t *skip_digits(const uint8_t *at, const uint8_t *end)
{
    while (at < end && text_is_digit(*at))
        at++;
    return at;
}

/* Only what numeric_out() writes: no exponent, no sign but `-`, no needless zero in front, no "-0". */
static bool parse_numeral(struct bytes text, struct numeral *numeral)
{
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.size;
    bool is_negative = at < end && *at == '-';
    at += is_negative;
    const uint8_t *whole_end = skip_digits(at, end);
    struct bytes whole = {at, (size_t)(whole_end - at)};
    struct bytes fraction = {whole_end, 0};
    if (whole_end < end) {
        if (*whole_end != '.')
            return false;
        fraction.data = whole_end + 1;
        fraction.size = (size_t)(end - fraction.data);
        if (fraction.size == 0 || skip_digits(fraction.data, end) != end)
            return false;
    }
    if (whole.size == 0 || whole.size > MAX_WHOLE || fraction.size > MAX_SCALE ||
        (whole.size > 1 && *whole.data == '0'))
        return false;
    *numeral = (struct numeral){is_negative, whole, fraction};
    return true;
}

static bool is_zero(const struct numeral *numeral)
{
    if (*numeral->whole.data != '0')
        return false;
    for (size_t i = 0; i < numeral->fraction.size; i++)
        if (numeral->fraction.data[i] != '0')
            return false;
    return true;
}

/* The next `count` digits of the numeral from digit `*at` on; behind its fraction there are zeros. */
static uint64_t take_digits(const struct numeral *numeral, size_t *at, size_t count)
{
    uint64_t value = 0;
    for (size_t end = *at + count; *at < end; ++*at) {
        uint8_t digit = '0';
        if (*at < numeral->whole.size)
            digit = numeral->whole.data[*at];
        else if (*at - numeral->whole.size < numeral->fraction.size)
            digit = numeral->fraction.data[*at - numeral->whole.size];
        value = value * 10 + (uint64_t)(digit - '0');
    }
    return value;
}

static uint8_t *write_small(uint8_t *out, int64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clrsbll(value); /* with the sign's */
    unsigned size = (bits + 7) / 8;
    uint64_t bytes = __builtin_bswap64((uint64_t)value << (64 - 8 * size));
    *out++ = (uint8_t)(size << 1); /* zigzag */
    memcpy(out, &bytes, sizeof(bytes));
    return out + size;
}

static uint8_t byte_of(const uint64_t *limbs, size_t from_bottom)
{
    return (uint8_t)(limbs[from_bottom / LIMB_SIZE] >> (from_bottom % LIMB_SIZE * 8));
}

/* `limbs`: the magnitude, the lowest first, its highest bit 0. */
static uint8_t *write_limbs(uint8_t *out, uint64_t *limbs, size_t count, bool is_negative)
{
    uint64_t carry = is_negative;
    for (size_t i = 0; i < count && is_negative; i++) {
        limbs[i] = ~limbs[i] + carry;
        carry = carry && limbs[i] == 0;
    }
    size_t size = count * LIMB_SIZE;
    uint8_t fill = is_negative ? 0xff : 0;
    while (size > 1 && byte_of(limbs, size - 1) == fill &&
           ((byte_of(limbs, size - 2) ^ fill) & 0x80) == 0)
        size--;
    out = avro_put_long(out, (int64_t)size);
    while (size > 0)
        *out++ = byte_of(limbs, --size);
    return out;
}

/* 19 digits and more: times 10^18 plus the next 18, over and over; quadratic, but bounded by MAX_DIGITS. */
__attribute__((noinline)) static uint8_t *write_large(uint8_t *out, const struct numeral *numeral,
                                                      size_t digits)
{
    uint64_t limbs[MAX_NUMBER_SIZE / LIMB_SIZE + 2];
    size_t count = 0;
    for (size_t at = 0; at < digits;) {
        size_t taken = digits - at < CHUNK_DIGITS ? digits - at : CHUNK_DIGITS;
        u128 carry = take_digits(numeral, &at, taken);
        for (size_t i = 0; i < count; i++) {
            carry += (u128)limbs[i] * TEXT_POWERS_OF_TEN[taken];
            limbs[i] = (uint64_t)carry;
            carry >>= 64;
        }
        if (carry)
            limbs[count++] = (uint64_t)carry;
    }
    limbs[count++] = 0; /* the sign's */
    return write_limbs(out, limbs, count, numeral->is_negative);
}

static uint8_t *write_unscaled(uint8_t *out, const struct numeral *numeral, size_t scale)
{
    size_t digits = numeral->whole.size + scale;
    if (digits > CHUNK_DIGITS)
        return write_large(out, numeral, digits);
    size_t at = 0;
    int64_t value = (int64_t)take_digits(numeral, &at, digits);
    return write_small(out, numeral->is_negative ? -value : value);
}

static uint8_t *write_decimal(const struct column_form *form, struct bytes text, uint8_t *out,
                              bool *is_exact)
{
    struct numeral numeral;
    if (!parse_numeral(text, &numeral)) {
        *is_exact = false;
        return write_small(out, 0);
    }
    if (numeral.fraction.size != (size_t)form->scale || (numeral.is_negative && is_zero(&numeral)))
        *is_exact = false;
    return write_unscaled(out, &numeral, (size_t)form->scale);
}

/* Debezium drops zeros at the fraction's end, so that 1.0 and 1.00 become the same. */
static uint8_t *write_variable(const struct column_form *form, struct bytes text, uint8_t *out,
                               bool *is_exact)
{
    (void)form;
    struct numeral numeral;
    if (!parse_numeral(text, &numeral)) {
        *is_exact = false;
        return write_small(avro_put_long(out, 0), 0);
    }
    size_t scale = numeral.fraction.size;
    while (scale > 0 && numeral.fraction.data[scale - 1] == '0')
        scale--;
    if (scale != numeral.fraction.size || (numeral.is_negative && is_zero(&numeral)))
        *is_exact = false;
    return write_unscaled(avro_put_long(out, (int64_t)scale), &numeral, scale);
}

/* ---- bytes to text ---- */

static bool put_decimal(struct form_output *output, bool is_negative, struct bytes digits,
                        size_t scale, struct bytes *text)
{
    size_t most = digits.size + scale + 3;
    if ((size_t)(output->end - output->at) < most) {
        output->missing = most;
        return false;
    }
    uint8_t *at = output->at;
    if (is_negative)
        *at++ = '-';
    size_t whole = digits.size > scale ? digits.size - scale : 0;
    if (whole > 0)
        memcpy(at, digits.data, whole);
    else
        *at = '0';
    at += whole > 0 ? whole : 1;
    if (scale > 0) {
        *at++ = '.';
        size_t zeros = scale - (digits.size - whole);
        memset(at, '0', zeros);
        memcpy(at + zeros, digits.data + whole, digits.size - whole);
        at += scale;
    }
    return form_text_ends(output, at, text);
}

static bool read_small(struct bytes number, size_t scale, struct form_output *output,
                       struct bytes *text)
{
    uint64_t bits = number.data[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < number.size; i++)
        bits = bits << 8 | number.data[i];
    bool is_negative = (int64_t)bits < 0;
    uint8_t digits[20];
    const uint8_t *end = text_put_u64(digits, is_negative ? 0 - bits : bits);
    return put_decimal(output, is_negative, (struct bytes){digits, (size_t)(end - digits)}, scale,
                       text);
}

/* The magnitude in limbs of 32 bits, the lowest first; returns how many. */
static size_t load_limbs(struct bytes number, bool is_negative, uint32_t *limbs)
{
    size_t count = (number.size + 3) / 4;
    uint8_t flip = is_negative ? 0xff : 0;
    memset(limbs, 0, count * sizeof(*limbs));
    unsigned carry = is_negative;
    for (size_t i = 0; i < number.size; i++) {
        unsigned byte = (uint8_t)(number.data[number.size - 1 - i] ^ flip) + carry;
        carry = byte >> 8;
        limbs[i / 4] |= (uint32_t)(byte & 0xff) << (i % 4 * 8);
    }
    /* No carry is left: only of zeros, and a negative number has a bit that is 1. */
    while (count > 0 && limbs[count - 1] == 0)
        count--;
    return count;
}

/* 9 bytes and more: divided by 10^9, over and over; quadratic, but bounded by MAX_NUMBER_SIZE. */
__attribute__((noinline)) static bool read_large(struct bytes number, size_t scale,
                                                 struct form_output *output, struct bytes *text)
{
    uint32_t limbs[MAX_NUMBER_SIZE / 4 + 1];
    uint8_t digits[MAX_DIGITS + 64];
    bool is_negative = number.data[0] & 0x80;
    size_t count = load_limbs(number, is_negative, limbs);
    uint8_t *at = digits + sizeof(digits);
    while (count > 0) {
        uint64_t rest = 0;
        for (size_t i = count; i-- > 0;) {
            uint64_t dividend = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(dividend / CHUNK_32);
            rest = dividend % CHUNK_32;
        }
        while (count > 0 && limbs[count - 1] == 0)
            count--;
        for (int i = 0; i < CHUNK_32_DIGITS && (count > 0 || rest > 0); i++, rest /= 10)
            *--at = (uint8_t)('0' + rest % 10);
    }
    if (at == digits + sizeof(digits))
        *--at = '0';
    struct bytes all = {at, (size_t)(digits + sizeof(digits) - at)};
    return put_decimal(output, is_negative, all, scale, text);
}

static bool read_unscaled(struct avro_input *input, size_t scale, struct form_output *output,
                          struct bytes *text)
{
    struct bytes number;
    if (!avro_get_bytes(input, &number) || number.size == 0 || number.size > MAX_NUMBER_SIZE)
        return false;
    return number.size <= LIMB_SIZE ? read_small(number, scale, output, text)
                                    : read_large(number, scale, output, text);
}

static bool read_decimal(const struct column_form *form, struct avro_input *input,
                         struct form_output *output, struct bytes *text)
{
    return read_unscaled(input, (size_t)form->scale, output, text);
}

static bool read_variable(const struct column_form *form, struct avro_input *input,
                          struct form_output *output, struct bytes *text)
{
    (void)form;
    int32_t scale = 0;
    return avro_get_int(input, &scale) && scale >= 0 && scale <= MAX_SCALE &&
           read_unscaled(input, (size_t)scale, output, text);
}

const struct form_codec form_decimal = {write_decimal, read_decimal};
const struct form_codec form_variable_decimal = {write_variable, read_variable};
