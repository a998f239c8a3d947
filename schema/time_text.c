/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times to numbers and back. */
#include "schema/time_text.h"

#include <string.h>

#include "schema/form.h"

enum { DAYS_PER_ERA = 146097, YEARS_PER_ERA = 400, EPOCH_DAYS = 719468, MOST_YEAR_DIGITS = 7 };

static uint32_t days_in_month(int64_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (uint32_t)(month == 2 && is_leap);
}

/* The year as it is written: a year BC turns it over once the era is known. */
static bool take_date(struct text_cursor *cursor, struct date *date)
{
    const uint8_t *start = cursor->at;
    const uint8_t *at = start;
    int64_t year = 0;
    while (at < cursor->end && text_is_digit(*at) && at - start < MOST_YEAR_DIGITS)
        year = year * 10 + (*at++ - '0');
    if (at - start < 4 || year == 0 || (at - start > 4 && *start == '0'))
        return false;
    cursor->at = at;
    date->year = year;
    return text_take(cursor, "-") && text_take_2(cursor, 12, &date->month) && date->month > 0 &&
           text_take(cursor, "-") && text_take_2(cursor, 31, &date->day) && date->day > 0;
}

/* Takes " BC", and says whether the day exists in its year. */
static bool take_era(struct text_cursor *cursor, struct date *date)
{
    if (text_take(cursor, " BC"))
        date->year = 1 - date->year;
    return date->day <= 28 || date->day <= days_in_month(date->year, date->month);
}

bool text_take_fraction(struct text_cursor *cursor, int64_t *us)
{
    *us = 0;
    if (cursor->at == cursor->end || *cursor->at != '.')
        return true;
    const uint8_t *at = cursor->at + 1;
    int64_t unit = US_PER_SECOND;
    while (at < cursor->end && text_is_digit(*at) && unit > 1) {
        unit /= 10;
        *us += unit * (*at++ - '0');
    }
    cursor->at = at;
    return unit < US_PER_SECOND && at[-1] != '0';
}

bool text_take_clock(struct text_cursor *cursor, int64_t *us)
{
    uint32_t hours = 0;
    uint32_t minutes = 0;
    uint32_t seconds = 0;
    if (!text_take_2(cursor, 24, &hours) || !text_take(cursor, ":") ||
        !text_take_2(cursor, 59, &minutes) || !text_take(cursor, ":") ||
        !text_take_2(cursor, 59, &seconds) || !text_take_fraction(cursor, us))
        return false;
    *us += ((int64_t)hours * 3600 + minutes * 60 + seconds) * US_PER_SECOND;
    return *us <= US_PER_DAY;
}

bool text_take_offset(struct text_cursor *cursor, int64_t *seconds)
{
    if (cursor->at == cursor->end || (*cursor->at != '+' && *cursor->at != '-'))
        return false;
    bool is_west = *cursor->at++ == '-';
    uint32_t parts[3] = {0};
    int count = 0;
    do {
        if (!text_take_2(cursor, count == 0 ? 99 : 59, &parts[count]))
            return false;
        count++;
    } while (count < 3 && text_take(cursor, ":"));
    *seconds = (int64_t)parts[0] * 3600 + parts[1] * 60 + parts[2];
    if (*seconds == 0)
        return count == 1 && !is_west;
    if (is_west)
        *seconds = -*seconds;
    return true;
}

/* H. Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, eras of 400 years. */
int64_t date_to_days(const struct date *date)
{
    int64_t year = date->year - (date->month <= 2);
    int64_t era = (year >= 0 ? year : year - (YEARS_PER_ERA - 1)) / YEARS_PER_ERA;
    int64_t year_of_era = year - era * YEARS_PER_ERA;
    int64_t month = date->month > 2 ? date->month - 3 : date->month + 9;
    int64_t day_of_year = (153 * month + 2) / 5 + date->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - EPOCH_DAYS;
}

struct date date_of_days(int64_t days)
{
    days += EPOCH_DAYS;
    int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    uint32_t day_of_era = (uint32_t)(days - era * DAYS_PER_ERA);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month = (5 * day_of_year + 2) / 153;
    return (struct date){
        .year = (int64_t)year_of_era + era * YEARS_PER_ERA + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = day_of_year - (153 * month + 2) / 5 + 1,
    };
}

uint8_t *text_put_year_month_day(uint8_t *out, uint64_t year, const struct date *date)
{
    if (year < 10000) {
        out = text_put_2(out, (uint32_t)year / 100);
        out = text_put_2(out, (uint32_t)year % 100);
    } else {
        out = text_put_u64(out, year);
    }
    *out++ = '-';
    out = text_put_2(out, date->month);
    *out++ = '-';
    return text_put_2(out, date->day);
}

uint8_t *text_put_date(uint8_t *out, const struct date *date)
{
    uint64_t year = (uint64_t)(date->year > 0 ? date->year : 1 - date->year);
    return text_put_year_month_day(out, year, date);
}

uint8_t *text_put_era(uint8_t *out, const struct date *date)
{
    if (date->year > 0)
        return out;
    memcpy(out, " BC", 3);
    return out + 3;
}

uint8_t *text_put_fraction(uint8_t *out, uint32_t us)
{
    if (us == 0)
        return out;
    *out++ = '.';
    out = text_put_2(out, us / 10000);
    out = text_put_2(out, us / 100 % 100);
    out = text_put_2(out, us % 100);
    while (out[-1] == '0')
        out--;
    return out;
}

uint8_t *text_put_clock(uint8_t *out, int64_t us)
{
    uint32_t seconds = (uint32_t)(us / US_PER_SECOND);
    out = text_put_2(out, seconds / 3600);
    *out++ = ':';
    out = text_put_2(out, seconds / 60 % 60);
    *out++ = ':';
    out = text_put_2(out, seconds % 60);
    return text_put_fraction(out, (uint32_t)(us % US_PER_SECOND));
}

bool moment_parse(struct bytes text, bool has_zone, struct moment *moment)
{
    struct text_cursor cursor = text_cursor_over(text);
    moment->offset_seconds = 0;
    return take_date(&cursor, &moment->date) && text_take(&cursor, " ") &&
           text_take_clock(&cursor, &moment->time_us) && moment->time_us < US_PER_DAY &&
           (!has_zone || text_take_offset(&cursor, &moment->offset_seconds)) &&
           take_era(&cursor, &moment->date) && cursor.at == cursor.end;
}

void moment_to_utc(const struct moment *moment, int64_t *days, int64_t *time_us)
{
    int64_t us = moment->time_us - moment->offset_seconds * US_PER_SECOND;
    int64_t shift = us / US_PER_DAY - (us % US_PER_DAY < 0);
    *days = date_to_days(&moment->date) + shift;
    *time_us = us - shift * US_PER_DAY;
}

bool date_parse(struct bytes text, struct date *date)
{
    struct text_cursor cursor = text_cursor_over(text);
    return take_date(&cursor, date) && take_era(&cursor, date) && cursor.at == cursor.end;
}

enum infinity text_infinity(struct bytes text)
{
    if (text_is(text, "infinity"))
        return INFINITY_POSITIVE;
    return text_is(text, "-infinity") ? INFINITY_NEGATIVE : INFINITY_NONE;
}
