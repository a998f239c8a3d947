/* SPDX-License-Identifier: Apache-2.0 */
/* Normal forms of numbers, as PostgreSQL prints them. */
#include "sink/key.h"

#include <string.h>

/* "12.500" → "12.5", "-0.0" → "0": numeric_out() has no exponent, no plus sign and no leading zeros but one.
 * NaN and Infinity stay as they are. */
static struct bytes trim_numeric(struct bytes text)
{
    const uint8_t *point = memchr(text.data, '.', text.size);
    if (!point)
        return text;
    size_t size = text.size;
    while (text.data[size - 1] == '0')
        size--;
    if (text.data[size - 1] == '.')
        size--;
    return (struct bytes){text.data, size};
}

static struct bytes drop_sign_of_zero(struct bytes text)
{
    bool is_minus_zero = text.size == 2 && text.data[0] == '-' && text.data[1] == '0';
    return is_minus_zero ? (struct bytes){text.data + 1, 1} : text;
}

bool key_write(struct byte_buffer *key, enum key_form form, const struct value *value)
{
    if (value->kind != VALUE_TEXT || form == KEY_FORM_UNKNOWN)
        return false;
    struct bytes text = {value->data, value->size};
    if (form == KEY_FORM_NUMERIC)
        text = drop_sign_of_zero(trim_numeric(text));
    if (form == KEY_FORM_FLOAT)
        text = drop_sign_of_zero(text);
    write_u32(key, (uint32_t)text.size);
    write_bytes(key, text.data, text.size);
    return !key->overrun;
}
