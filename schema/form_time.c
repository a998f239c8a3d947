/* SPDX-License-Identifier: Apache-2.0 */
/* Dates, times and timestamps without zone: numbers since midnight or 1970. */
#include "schema/form.h"
#include "schema/time_text.h"

enum { US_PER_MS = 1000 };

/* Debezium's LocalDate sentinels, in days: +5877611-06-21 and -5877611-06-22 (PostgresValueConverter, dbz#2524). */
enum { DATE_INFINITY_DAYS = 2146033979, DATE_MINUS_INFINITY_DAYS = -2147472691 };

/* pgjdbc's DATE_POSITIVE_INFINITY and DATE_NEGATIVE_INFINITY, which Debezium takes for microseconds. */
static const int64_t INFINITY_US = INT64_C(9223372036825200000);
static const int64_t MINUS_INFINITY_US = INT64_C(-9223372036832400000);

static uint8_t *write_date(const struct column_form *form, struct bytes text, uint8_t *out,
                           bool *is_exact)
{
    (void)form;
    struct date date;
    if (date_parse(text, &date)) {
        int64_t days = date_to_days(&date);
        if (days >= INT32_MIN && days <= INT32_MAX)
            return avro_put_long(out, days);
    }
    *is_exact = false;
    switch (text_infinity(text)) {
    case INFINITY_POSITIVE:
        return avro_put_long(out, DATE_INFINITY_DAYS);
    case INFINITY_NEGATIVE:
        return avro_put_long(out, DATE_MINUS_INFINITY_DAYS);
    case INFINITY_NONE:
        break;
    }
    return avro_put_long(out, 0);
}

static bool read_date(const struct column_form *form, struct avro_input *input,
                      struct form_output *output, struct bytes *text)
{
    (void)form;
    int32_t days = 0;
    if (!avro_get_int(input, &days))
        return false;
    struct date date = date_of_days(days);
    return form_text_ends(output, text_put_era(text_put_date(output->at, &date), &date), text);
}

static bool parse_time(struct bytes text, int64_t *us)
{
    struct text_cursor cursor = text_cursor_over(text);
    return text_take_clock(&cursor, us) && cursor.at == cursor.end;
}

static uint8_t *write_time(struct bytes text, int64_t unit_us, uint8_t *out, bool *is_exact)
{
    int64_t us = 0;
    if (!parse_time(text, &us)) {
        *is_exact = false;
        us = 0;
    }
    if (us % unit_us != 0)
        *is_exact = false;
    return avro_put_long(out, us / unit_us);
}

static uint8_t *write_time_ms(const struct column_form *form, struct bytes text, uint8_t *out,
                              bool *is_exact)
{
    (void)form;
    return write_time(text, US_PER_MS, out, is_exact);
}

static uint8_t *write_time_us(const struct column_form *form, struct bytes text, uint8_t *out,
                              bool *is_exact)
{
    (void)form;
    return write_time(text, 1, out, is_exact);
}

static bool put_time(int64_t us, struct form_output *output, struct bytes *text)
{
    return us >= 0 && us <= US_PER_DAY &&
           form_text_ends(output, text_put_clock(output->at, us), text);
}

static bool read_time_ms(const struct column_form *form, struct avro_input *input,
                         struct form_output *output, struct bytes *text)
{
    (void)form;
    int32_t ms = 0;
    return avro_get_int(input, &ms) && put_time((int64_t)ms * US_PER_MS, output, text);
}

static bool read_time_us(const struct column_form *form, struct avro_input *input,
                         struct form_output *output, struct bytes *text)
{
    (void)form;
    int64_t us = 0;
    return avro_get_long(input, &us) && put_time(us, output, text);
}

/* Since 1970 in units; false past 64 bits, which is the year 294247. */
static bool parse_timestamp(struct bytes text, int64_t unit_us, int64_t *value, bool *is_exact)
{
    struct moment moment;
    if (!moment_parse(text, false, &moment))
        return false;
    if (moment.time_us % unit_us != 0)
        *is_exact = false;
    return !__builtin_mul_overflow(date_to_days(&moment.date), US_PER_DAY / unit_us, value) &&
           !__builtin_add_overflow(*value, moment.time_us / unit_us, value);
}

static uint8_t *write_timestamp(struct bytes text, int64_t unit_us, uint8_t *out, bool *is_exact)
{
    int64_t value = 0;
    if (parse_timestamp(text, unit_us, &value, is_exact))
        return avro_put_long(out, value);
    *is_exact = false;
    switch (text_infinity(text)) {
    case INFINITY_POSITIVE:
        return avro_put_long(out, INFINITY_US / unit_us);
    case INFINITY_NEGATIVE:
        return avro_put_long(out, MINUS_INFINITY_US / unit_us);
    case INFINITY_NONE:
        break;
    }
    struct moment moment;
    return avro_put_long(out, moment_parse(text, false, &moment) ? INT64_MAX : 0);
}

static uint8_t *write_timestamp_ms(const struct column_form *form, struct bytes text, uint8_t *out,
                                   bool *is_exact)
{
    (void)form;
    return write_timestamp(text, US_PER_MS, out, is_exact);
}

static uint8_t *write_timestamp_us(const struct column_form *form, struct bytes text, uint8_t *out,
                                   bool *is_exact)
{
    (void)form;
    return write_timestamp(text, 1, out, is_exact);
}

static bool read_timestamp(int64_t unit_us, struct avro_input *input, struct form_output *output,
                           struct bytes *text)
{
    int64_t value = 0;
    if (!avro_get_long(input, &value))
        return false;
    int64_t per_day = US_PER_DAY / unit_us;
    int64_t rest = value % per_day;
    struct date date = date_of_days(value / per_day - (rest < 0));
    uint8_t *end = text_put_date(output->at, &date);
    *end++ = ' ';
    end = text_put_clock(end, (rest < 0 ? rest + per_day : rest) * unit_us);
    return form_text_ends(output, text_put_era(end, &date), text);
}

static bool read_timestamp_ms(const struct column_form *form, struct avro_input *input,
                              struct form_output *output, struct bytes *text)
{
    (void)form;
    return read_timestamp(US_PER_MS, input, output, text);
}

static bool read_timestamp_us(const struct column_form *form, struct avro_input *input,
                              struct form_output *output, struct bytes *text)
{
    (void)form;
    return read_timestamp(1, input, output, text);
}

const struct form_codec form_date = {write_date, read_date};
const struct form_codec form_time_ms = {write_time_ms, read_time_ms};
const struct form_codec form_time_us = {write_time_us, read_time_us};
const struct form_codec form_timestamp_ms = {write_timestamp_ms, read_timestamp_ms};
const struct form_codec form_timestamp_us = {write_timestamp_us, read_timestamp_us};
