/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps and times with zone: ISO 8601 text in UTC, as java.time's formatters write it. */
#include "schema/form.h"
#include "schema/time_text.h"

enum { MOST_FRACTION_DIGITS = 6 };

/* ---- timestamptz ---- */

/* The year as ISO_LOCAL_DATE has it: astronomical, at least 4 digits, `+` before more than 4. */
static uint8_t *put_iso_date(uint8_t *out, const struct date *date)
{
    if (date->year < 0)
        *out++ = '-';
    else if (date->year > 9999)
        *out++ = '+';
    uint64_t year = (uint64_t)(date->year < 0 ? -date->year : date->year);
    return text_put_year_month_day(out, year, date);
}

/* Exactly `digits` of the fraction; cut off, as java.time does. */
static uint8_t *put_fraction_digits(uint8_t *out, uint32_t us, int32_t digits)
{
    uint8_t all[MOST_FRACTION_DIGITS];
    text_put_2(text_put_2(text_put_2(all, us / 10000), us / 100 % 100), us % 100);
    if (digits <= 0)
        return text_put_fraction(out, us);
    *out++ = '.';
    memcpy(out, all, (size_t)digits);
    return out + digits;
}

static bool is_fraction_lost(uint32_t us, int32_t digits)
{
    static const uint32_t unit[] = {1, 100000, 10000, 1000, 100, 10, 1};
    return us % unit[digits] != 0;
}

static uint8_t *write_zoned_timestamp(const struct column_form *form, struct bytes text,
                                      uint8_t *out, bool *is_exact)
{
    struct moment moment;
    if (!moment_parse(text, true, &moment)) {
        if (text_infinity(text) != INFINITY_NONE)
            return avro_put_bytes(out, text.data, text.size);
        *is_exact = false;
        return avro_put_bytes(out, "", 0);
    }
    uint8_t iso[FORM_MAX_EXTRA];
    if (moment.offset_seconds != 0) {
        int64_t days = 0;
        moment_to_utc(&moment, &days, &moment.time_us);
        moment.date = date_of_days(days);
    }
    uint32_t us = (uint32_t)(moment.time_us % US_PER_SECOND);
    uint8_t *end = put_iso_date(iso, &moment.date);
    *end++ = 'T';
    end = text_put_clock(end, moment.time_us - us);
    end = put_fraction_digits(end, us, form->precision);
    *end++ = 'Z';
    if (moment.offset_seconds != 0 || is_fraction_lost(us, form->precision))
        *is_exact = false;
    return avro_put_bytes(out, iso, (size_t)(end - iso));
}

static bool parse_iso_year(struct text_cursor *cursor, int64_t *year)
{
    bool is_negative = text_take(cursor, "-");
    bool has_sign = is_negative || text_take(cursor, "+");
    const uint8_t *start = cursor->at;
    *year = 0;
    while (cursor->at < cursor->end && text_is_digit(*cursor->at) && cursor->at - start < 7)
        *year = *year * 10 + (*cursor->at++ - '0');
    int64_t digits = cursor->at - start;
    if (is_negative)
        *year = -*year;
    return digits == 4 || (digits > 4 && has_sign);
}

/* A fraction with any number of zeros at its end; false if finer than microseconds. */
static bool parse_iso_fraction(struct text_cursor *cursor, uint32_t *us)
{
    *us = 0;
    if (!text_take(cursor, "."))
        return true;
    uint32_t unit = US_PER_SECOND;
    for (; cursor->at < cursor->end && text_is_digit(*cursor->at); cursor->at++) {
        unit /= 10;
        *us += unit * (uint32_t)(*cursor->at - '0');
    }
    return unit > 0 && unit < US_PER_SECOND;
}

struct iso_clock {
    uint32_t hours;
    uint32_t minutes;
    uint32_t seconds;
    uint32_t us;
};

/* "12:34:56.789Z" up to the text's end. */
static bool parse_iso_clock(struct text_cursor *cursor, struct iso_clock *clock)
{
    return text_take_2(cursor, 24, &clock->hours) && text_take(cursor, ":") &&
           text_take_2(cursor, 59, &clock->minutes) && text_take(cursor, ":") &&
           text_take_2(cursor, 59, &clock->seconds) && parse_iso_fraction(cursor, &clock->us) &&
           text_take(cursor, "Z") && cursor->at == cursor->end;
}

static uint8_t *put_iso_clock(uint8_t *out, const struct iso_clock *clock)
{
    int64_t seconds = (int64_t)clock->hours * 3600 + clock->minutes * 60 + clock->seconds;
    out = text_put_clock(out, seconds * US_PER_SECOND + clock->us);
    memcpy(out, "+00", 3);
    return out + 3;
}

/* Other writers' layouts go to the target as they are: PostgreSQL reads ISO 8601. */
static bool keep(struct bytes iso, struct bytes *text)
{
    *text = iso;
    return iso.size == 0 || !memchr(iso.data, '\0', iso.size);
}

static bool read_zoned_timestamp(const struct column_form *form, struct avro_input *input,
                                 struct form_output *output, struct bytes *text)
{
    (void)form;
    struct bytes iso;
    struct date date;
    struct iso_clock clock;
    if (!avro_get_bytes(input, &iso))
        return false;
    struct text_cursor cursor = text_cursor_over(iso);
    if (!parse_iso_year(&cursor, &date.year) || !text_take(&cursor, "-") ||
        !text_take_2(&cursor, 12, &date.month) || !text_take(&cursor, "-") ||
        !text_take_2(&cursor, 31, &date.day) || !text_take(&cursor, "T") ||
        !parse_iso_clock(&cursor, &clock))
        return keep(iso, text);
    uint8_t *end = text_put_date(output->at, &date);
    *end++ = ' ';
    end = put_iso_clock(end, &clock);
    return form_text_ends(output, text_put_era(end, &date), text);
}

/* ---- timetz ---- */

static uint8_t *write_zoned_time(const struct column_form *form, struct bytes text, uint8_t *out,
                                 bool *is_exact)
{
    (void)form;
    struct text_cursor cursor = text_cursor_over(text);
    int64_t us = 0;
    int64_t offset_seconds = 0;
    if (!text_take_clock(&cursor, &us) || !text_take_offset(&cursor, &offset_seconds) ||
        cursor.at != cursor.end) {
        *is_exact = false;
        return avro_put_bytes(out, "", 0);
    }
    if (offset_seconds != 0) {
        *is_exact = false;
        us = (us - offset_seconds * US_PER_SECOND) % US_PER_DAY;
        us += us < 0 ? US_PER_DAY : 0;
    }
    uint8_t iso[FORM_MAX_EXTRA];
    uint8_t *end = text_put_clock(iso, us);
    *end++ = 'Z';
    return avro_put_bytes(out, iso, (size_t)(end - iso));
}

static bool read_zoned_time(const struct column_form *form, struct avro_input *input,
                            struct form_output *output, struct bytes *text)
{
    (void)form;
    struct bytes iso;
    struct iso_clock clock;
    if (!avro_get_bytes(input, &iso))
        return false;
    struct text_cursor cursor = text_cursor_over(iso);
    if (!parse_iso_clock(&cursor, &clock))
        return keep(iso, text);
    return form_text_ends(output, put_iso_clock(output->at, &clock), text);
}

const struct form_codec form_zoned_timestamp = {write_zoned_timestamp, read_zoned_timestamp};
const struct form_codec form_zoned_time = {write_zoned_time, read_zoned_time};
