/* SPDX-License-Identifier: Apache-2.0 */
/* Text to double: exact arithmetic for few digits, then 128 bits, then strtod(). */
#include <stdlib.h>
#include <string.h>

#include "schema/float_text.h"
#include "schema/form.h"
#include "schema/powers_of_ten.h"

__extension__ typedef unsigned __int128 u128;

enum { MOST_DIGITS = 19, MOST_EXACT_POWER = 22, BIAS = 1023 };
static const uint64_t MOST_EXACT_DIGITS = UINT64_C(1) << 53;

static const double EXACT_POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* ±digits × 10^exponent. */
struct scanned {
    bool is_negative;
    uint64_t digits;
    int exponent;
};

static bool scan_exponent(const uint8_t *at, const uint8_t *end, int *exponent)
{
    bool is_negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    if (at == end || end - at > 3)
        return false;
    int value = 0;
    for (; at < end; at++) {
        if (!text_is_digit(*at))
            return false;
        value = value * 10 + (*at - '0');
    }
    *exponent = is_negative ? -value : value;
    return true;
}

static bool scan(struct bytes text, struct scanned *scanned)
{
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.size;
    const uint8_t *point = NULL;
    int count = 0;
    int exponent = 0;
    uint64_t digits = 0;
    scanned->is_negative = at < end && *at == '-';
    at += scanned->is_negative;
    for (; at < end && *at != 'e'; at++) {
        if (*at == '.' && !point) {
            point = at;
            continue;
        }
        if (!text_is_digit(*at) || count == MOST_DIGITS)
            return false;
        digits = digits * 10 + (uint64_t)(*at - '0');
        count += digits > 0;
    }
    const uint8_t *digits_end = at;
    if (at < end && !scan_exponent(at + 1, end, &exponent))
        return false;
    scanned->digits = digits;
    scanned->exponent = exponent - (point ? (int)(digits_end - point) - 1 : 0);
    return digits_end > text.data + scanned->is_negative;
}

/* Daniel Lemire, "Number Parsing at a Gigabyte per Second". False where 128 bits don't decide. `digits` isn't 0. */
static bool approximate(uint64_t digits, int exponent, double *value)
{
    if (exponent < POWERS_OF_TEN_LEAST || exponent > POWERS_OF_TEN_MOST)
        return false;
    struct power_of_ten power = POWERS_OF_TEN[exponent - POWERS_OF_TEN_LEAST];
    /* The method needs powers rounded down. */
    if (exponent < 0 || exponent > POWERS_OF_TEN_LAST_EXACT) {
        power.high -= power.low == 0;
        power.low--;
    }
    int zeros = __builtin_clzll(digits);
    uint64_t normal = digits << zeros;
    int64_t biased = floor_log2_power_of_ten(exponent) + 64 + BIAS - zeros;
    u128 product = (u128)normal * power.high;
    if ((uint64_t)(product >> 64 & 0x1ff) == 0x1ff && (uint64_t)product + normal < normal) {
        u128 more = (u128)normal * power.low;
        product += (uint64_t)(more >> 64);
        if ((uint64_t)(product >> 64 & 0x1ff) == 0x1ff && (uint64_t)product == UINT64_MAX &&
            (uint64_t)more + normal < normal)
            return false;
    }
    uint64_t high = (uint64_t)(product >> 64);
    unsigned top = (unsigned)(high >> 63);
    uint64_t significand = high >> (top + 9);
    biased -= 1 ^ top;
    if ((uint64_t)product == 0 && (high & 0x1ff) == 0 && (significand & 3) == 1)
        return false;
    significand = (significand + (significand & 1)) >> 1;
    if (significand >> 53) {
        significand >>= 1;
        biased++;
    }
    if (biased < 1 || biased > 2046)
        return false;
    uint64_t bits = (uint64_t)biased << 52 | (significand & (MOST_EXACT_DIGITS / 2 - 1));
    memcpy(value, &bits, sizeof(bits));
    return true;
}

static bool parse_by_library(struct bytes text, double *value)
{
    char copy[FLOAT_TEXT_SIZE + 1];
    if (text.size >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *value = strtod(copy, NULL);
    return true;
}

bool double_parse_text(struct bytes text, double *value)
{
    struct scanned scanned;
    if (!scan(text, &scanned))
        return false;
    double magnitude = 0;
    int power = scanned.exponent < 0 ? -scanned.exponent : scanned.exponent;
    if (scanned.digits <= MOST_EXACT_DIGITS && power <= MOST_EXACT_POWER) {
        magnitude = scanned.exponent < 0 ? (double)scanned.digits / EXACT_POWERS[power]
                                         : (double)scanned.digits * EXACT_POWERS[power];
    } else if (scanned.digits != 0 && !approximate(scanned.digits, scanned.exponent, &magnitude)) {
        return parse_by_library(text, value);
    }
    *value = scanned.is_negative ? -magnitude : magnitude;
    return true;
}
