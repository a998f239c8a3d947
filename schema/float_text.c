/* SPDX-License-Identifier: Apache-2.0 */
/* Floating-point numbers to text, shortest first. */
#include "schema/float_text.h"

#include <string.h>

#include "schema/form.h"
#include "schema/powers_of_ten.h"

__extension__ typedef unsigned __int128 u128;

/* The method is that of Raffaello Giulietti, "The Schubfach way to render doubles", but with the interval always open, as PostgreSQL's
 * src/common/d2s.c has it, and with PostgreSQL's layout. */

/* digits × 10^exponent. */
struct decimal {
    uint64_t digits;
    int exponent;
};

/* What the two widths differ in. */
struct width {
    int significand_bits; /* without the hidden one */
    int exponent_bias;    /* of the significand as a whole number */
    int most_fixed;       /* decimal exponents below it are written without `e` */
};

static const struct width DOUBLE = {52, 1075, 15};
static const struct width FLOAT = {23, 150, 6};

/* The product's whole part, its lowest bit set if anything is left behind it. */
static uint64_t multiply_to_odd(const struct power_of_ten *power, uint64_t factor)
{
    u128 low = (u128)power->low * factor;
    u128 high = (u128)power->high * factor + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

static struct decimal shortest(uint64_t significand, int exponent, bool is_lower_closer)
{
    int k = (exponent * 1262611 - (is_lower_closer ? 524031 : 0)) >> 22;
    int shift = exponent + floor_log2_power_of_ten(-k) + 1;
    const struct power_of_ten *power = &POWERS_OF_TEN[-k - POWERS_OF_TEN_LEAST];
    uint64_t lower = multiply_to_odd(power, (4 * significand - 2 + is_lower_closer) << shift) + 1;
    uint64_t middle = multiply_to_odd(power, (4 * significand) << shift);
    uint64_t upper = multiply_to_odd(power, (4 * significand + 2) << shift) - 1;
    uint64_t below = middle / 4;
    uint64_t tens = below / 10;
    bool is_tens_inside = lower <= 40 * tens;
    bool is_next_tens_inside = 40 * tens + 40 <= upper;
    if (below >= 10 && is_tens_inside != is_next_tens_inside)
        return (struct decimal){tens + is_next_tens_inside, k + 1};
    bool is_below_inside = lower <= 4 * below;
    bool is_above_inside = 4 * below + 4 <= upper;
    if (is_below_inside != is_above_inside)
        return (struct decimal){below + is_above_inside, k};
    uint64_t half = 4 * below + 2;
    bool rounds_up = middle > half || (middle == half && (below & 1));
    return (struct decimal){below + rounds_up, k};
}

/* Of a finite number that isn't 0, by its bits. */
static struct decimal decimal_of(const struct width *width, uint64_t bits)
{
    uint64_t hidden = UINT64_C(1) << width->significand_bits;
    uint64_t fraction = bits & (hidden - 1);
    int biased = (int)(bits >> width->significand_bits);
    uint64_t significand = biased ? hidden | fraction : fraction;
    int exponent = (biased ? biased : 1) - width->exponent_bias;
    bool is_whole = exponent <= 0 && -exponent <= width->significand_bits &&
                    (significand & ((UINT64_C(1) << -exponent) - 1)) == 0;
    struct decimal decimal = is_whole
                                 ? (struct decimal){significand >> -exponent, 0}
                                 : shortest(significand, exponent, fraction == 0 && biased > 1);
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    return decimal;
}

static uint8_t *put_fixed(uint8_t *out, const uint8_t *digits, int count, int first)
{
    if (first < 0) {
        memcpy(out, "0.000", 5);
        out += 1 - first;
        memcpy(out, digits, (size_t)count);
        return out + count;
    }
    int whole = first + 1;
    if (count <= whole) {
        memcpy(out, digits, (size_t)count);
        memset(out + count, '0', (size_t)(whole - count));
        return out + whole;
    }
    memcpy(out, digits, (size_t)whole);
    out[whole] = '.';
    memcpy(out + whole + 1, digits + whole, (size_t)(count - whole));
    return out + count + 1;
}

static uint8_t *put_scientific(uint8_t *out, const uint8_t *digits, int count, int first)
{
    *out++ = digits[0];
    if (count > 1) {
        *out++ = '.';
        memcpy(out, digits + 1, (size_t)(count - 1));
        out += count - 1;
    }
    *out++ = 'e';
    *out++ = first < 0 ? '-' : '+';
    uint32_t magnitude = (uint32_t)(first < 0 ? -first : first);
    return magnitude < 100 ? text_put_2(out, magnitude) : text_put_u64(out, magnitude);
}

static uint8_t *put_finite(uint8_t *out, const struct width *width, uint64_t bits)
{
    if (bits == 0) {
        *out = '0';
        return out + 1;
    }
    struct decimal decimal = decimal_of(width, bits);
    uint8_t digits[20];
    int count = (int)(text_put_u64(digits, decimal.digits) - digits);
    int first = decimal.exponent + count - 1;
    return first >= -4 && first < width->most_fixed ? put_fixed(out, digits, count, first)
                                                    : put_scientific(out, digits, count, first);
}

/* `bits` without the sign. */
static uint8_t *put_number(uint8_t *out, const struct width *width, uint64_t bits,
                           uint64_t infinity, bool is_negative)
{
    if (bits > infinity) {
        memcpy(out, "NaN", 3);
        return out + 3;
    }
    if (is_negative)
        *out++ = '-';
    if (bits == infinity) {
        memcpy(out, "Infinity", 8);
        return out + 8;
    }
    return put_finite(out, width, bits);
}

uint8_t *double_put_text(uint8_t *out, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    return put_number(out, &DOUBLE, bits & INT64_MAX, UINT64_C(0x7ff) << 52, bits >> 63);
}

uint8_t *float_put_text(uint8_t *out, float value)
{
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    return put_number(out, &FLOAT, bits & INT32_MAX, UINT64_C(0xff) << 23, bits >> 31);
}
