/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times as PostgreSQL writes them with DateStyle ISO, parsed and put by hand; proleptic Gregorian calendar. */
#ifndef PENSTOCK_SCHEMA_TIME_TEXT_H
#define PENSTOCK_SCHEMA_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/attributes.h"
#include "base/bytes.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY    (86400 * US_PER_SECOND)

struct date {
    int64_t year; /* astronomical: 0 is 1 BC */
    uint32_t month;
    uint32_t day;
};

/* What is left of a text. */
struct text_cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct text_cursor text_cursor_over(struct bytes text)
{
    return (struct text_cursor){text.data, text.data + text.size};
}

/* Takes the literal, if it is there. */
static inline bool text_take(struct text_cursor *cursor, const char *literal)
{
    size_t size = strlen(literal);
    if ((size_t)(cursor->end - cursor->at) < size || memcmp(cursor->at, literal, size) != 0)
        return false;
    cursor->at += size;
    return true;
}

/* Two digits. */
static inline bool text_take_2(struct text_cursor *cursor, uint32_t most, uint32_t *value)
{
    if (cursor->end - cursor->at < 2)
        return false;
    uint32_t tens = (uint32_t)cursor->at[0] - '0';
    uint32_t ones = (uint32_t)cursor->at[1] - '0';
    cursor->at += 2;
    *value = tens * 10 + ones;
    return tens <= 9 && ones <= 9 && *value <= most;
}

/* Each takes one part, and only in the one way in which PostgreSQL writes it: "12:34:56.789" to "24:00:00"; ".789" or
 * nothing; "+02" or "-03:30:15", and for UTC only "+00". */
bool text_take_clock(struct text_cursor *cursor, int64_t *us) MUST_USE;
bool text_take_fraction(struct text_cursor *cursor, int64_t *us) MUST_USE;
bool text_take_offset(struct text_cursor *cursor, int64_t *seconds) MUST_USE;

/* "2024-02-29", "0044-03-15 BC". */
bool date_parse(struct bytes text, struct date *date) MUST_USE;

/* Days since 1970-01-01, and back. */
int64_t date_to_days(const struct date *date);
struct date date_of_days(int64_t days);

/* Each returns the end. */
uint8_t *text_put_date(uint8_t *out, const struct date *date); /* without " BC" */
uint8_t *text_put_year_month_day(uint8_t *out, uint64_t year, const struct date *date);
uint8_t *text_put_clock(uint8_t *out, int64_t us); /* fraction only if there is one */
uint8_t *text_put_fraction(uint8_t *out, uint32_t us);
uint8_t *text_put_era(uint8_t *out, const struct date *date); /* " BC", or nothing */

/* A whole timestamp, without or with zone. */
struct moment {
    struct date date;
    int64_t time_us;
    int64_t offset_seconds; /* east of Greenwich; 0 without zone */
};

bool moment_parse(struct bytes text, bool has_zone, struct moment *moment) MUST_USE;

/* The days since 1970 and the microseconds in the day, of UTC. */
void moment_to_utc(const struct moment *moment, int64_t *days, int64_t *time_us);

enum infinity { INFINITY_NONE, INFINITY_POSITIVE, INFINITY_NEGATIVE };
enum infinity text_infinity(struct bytes text);

#endif
