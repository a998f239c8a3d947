/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals: microseconds, a month taken for 365.25 / 12 days (Debezium's MicroDuration). */
#include "schema/form.h"
#include "schema/time_text.h"

__extension__ typedef __int128 i128;

#define US_PER_MONTH INT64_C(2629800000000)
enum { MOST_DIGITS = 10 };

/* What one number of an interval stands for, in microseconds. 0: none of its units. */
static int64_t take_unit(struct text_cursor *cursor)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{" years", 12 * US_PER_MONTH}, {" year", 12 * US_PER_MONTH},
                 {" mons", US_PER_MONTH},       {" mon", US_PER_MONTH},
                 {" days", US_PER_DAY},         {" day", US_PER_DAY}};
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (text_take(cursor, units[i].name))
            return units[i].us;
    return 0;
}

/* ":05:06.789" behind the hours. */
static bool take_minutes(struct text_cursor *cursor, i128 hours, i128 *us)
{
    uint32_t minutes = 0;
    uint32_t seconds = 0;
    int64_t fraction = 0;
    if (!text_take(cursor, ":") || !text_take_2(cursor, 59, &minutes) || !text_take(cursor, ":") ||
        !text_take_2(cursor, 59, &seconds) || !text_take_fraction(cursor, &fraction))
        return false;
    *us = (hours * 3600 + minutes * 60 + seconds) * US_PER_SECOND + fraction;
    return true;
}

/* One number with what belongs to it: "-3 days", "+04:05:06.789". */
static bool take_part(struct text_cursor *cursor, i128 *us)
{
    bool is_negative = text_take(cursor, "-");
    if (!is_negative)
        text_take(cursor, "+");
    const uint8_t *start = cursor->at;
    int64_t number = 0;
    while (cursor->at < cursor->end && text_is_digit(*cursor->at) &&
           cursor->at - start < MOST_DIGITS)
        number = number * 10 + (*cursor->at++ - '0');
    if (cursor->at == start)
        return false;
    int64_t unit = take_unit(cursor);
    i128 part = (i128)number * unit;
    if (unit == 0 && !take_minutes(cursor, number, &part))
        return false;
    *us += is_negative ? -part : part;
    return true;
}

static bool parse_interval(struct bytes text, int64_t *us)
{
    struct text_cursor cursor = text_cursor_over(text);
    i128 sum = 0;
    do {
        if (!take_part(&cursor, &sum))
            return false;
    } while (text_take(&cursor, " "));
    *us = sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : (int64_t)sum;
    return cursor.at == cursor.end;
}

/* Hours, minutes and seconds only. */
static uint8_t *put_interval(uint8_t *out, int64_t us)
{
    uint64_t magnitude = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    uint64_t seconds = magnitude / US_PER_SECOND;
    if (us < 0)
        *out++ = '-';
    if (seconds < 36000)
        *out++ = '0';
    out = text_put_u64(out, seconds / 3600);
    *out++ = ':';
    out = text_put_2(out, (uint32_t)(seconds / 60 % 60));
    *out++ = ':';
    out = text_put_2(out, (uint32_t)(seconds % 60));
    return text_put_fraction(out, (uint32_t)(magnitude % US_PER_SECOND));
}

static uint8_t *write_interval(const struct column_form *form, struct bytes text, uint8_t *out,
                               bool *is_exact)
{
    (void)form;
    int64_t us = 0;
    if (!parse_interval(text, &us))
        us = 0;
    uint8_t again[FORM_MAX_EXTRA];
    size_t size = (size_t)(put_interval(again, us) - again);
    if (text.size != size || memcmp(text.data, again, size) != 0)
        *is_exact = false;
    return avro_put_long(out, us);
}

static bool read_interval(const struct column_form *form, struct avro_input *input,
                          struct form_output *output, struct bytes *text)
{
    (void)form;
    int64_t us = 0;
    return avro_get_long(input, &us) && form_text_ends(output, put_interval(output->at, us), text);
}

const struct form_codec form_interval = {write_interval, read_interval};
