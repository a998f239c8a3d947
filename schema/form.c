/* SPDX-License-Identifier: Apache-2.0 */
/* Which functions belong to which form. */
#include "schema/form.h"

const struct form_codec *form_codec_of(enum avro_form form)
{
    static const struct form_codec *const codecs[] = {
        [FORM_BOOLEAN] = &form_boolean,
        [FORM_INT16] = &form_int16,
        [FORM_INT32] = &form_int32,
        [FORM_INT64] = &form_int64,
        [FORM_FLOAT] = &form_float,
        [FORM_DOUBLE] = &form_double,
        [FORM_DECIMAL] = &form_decimal,
        [FORM_VARIABLE_DECIMAL] = &form_variable_decimal,
        [FORM_TEXT] = &form_text,
        [FORM_BYTES] = &form_bytes,
        [FORM_UUID] = &form_text,
        [FORM_JSON] = &form_text,
        [FORM_ENUM] = &form_text,
        [FORM_DATE] = &form_date,
        [FORM_TIME_MS] = &form_time_ms,
        [FORM_TIME_US] = &form_time_us,
        [FORM_TIMESTAMP_MS] = &form_timestamp_ms,
        [FORM_TIMESTAMP_US] = &form_timestamp_us,
        [FORM_ZONED_TIMESTAMP] = &form_zoned_timestamp,
        [FORM_ZONED_TIME] = &form_zoned_time,
        [FORM_INTERVAL] = &form_interval,
    };
    return codecs[form];
}

const char *form_zero_text(enum avro_form form)
{
    switch (form) {
    case FORM_BOOLEAN:
        return "f";
    case FORM_INT16:
    case FORM_INT32:
    case FORM_INT64:
    case FORM_FLOAT:
    case FORM_DOUBLE:
    case FORM_DECIMAL:
    case FORM_VARIABLE_DECIMAL:
        return "0";
    case FORM_TEXT:
    case FORM_UUID:
    case FORM_JSON:
    case FORM_ENUM:
        return "";
    case FORM_BYTES:
        return "\\x";
    case FORM_DATE:
        return "1970-01-01";
    case FORM_TIME_MS:
    case FORM_TIME_US:
    case FORM_INTERVAL:
        return "00:00:00";
    case FORM_TIMESTAMP_MS:
    case FORM_TIMESTAMP_US:
        return "1970-01-01 00:00:00";
    case FORM_ZONED_TIMESTAMP:
        return "1970-01-01 00:00:00+00";
    case FORM_ZONED_TIME:
        return "00:00:00+00";
    }
    return "";
}
