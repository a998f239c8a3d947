/* SPDX-License-Identifier: Apache-2.0 */
/* Texts, which travel as they are, and bytea, which doesn't. */
#include "schema/form.h"

static uint8_t *write_text_value(const struct column_form *form, struct bytes text, uint8_t *out,
                                 bool *is_exact)
{
    (void)form;
    (void)is_exact;
    return avro_put_bytes(out, text.data, text.size);
}

/* A NUL would end the value early where a server takes it as a C string. */
static bool read_text_value(const struct column_form *form, struct avro_input *input,
                            struct form_output *output, struct bytes *text)
{
    (void)form;
    (void)output;
    return avro_get_bytes(input, text) &&
           (text->size == 0 || !memchr(text->data, '\0', text->size));
}

/* The value of a lower-case digit; 16 for all else, for only lower-case digits come back the same. */
static inline unsigned hex_value(uint8_t c)
{
    if (text_is_digit(c))
        return (unsigned)(c - '0');
    return (uint8_t)(c - 'a') < 6 ? (unsigned)(c - 'a') + 10 : 16;
}

static uint8_t *write_hex(const struct column_form *form, struct bytes text, uint8_t *out,
                          bool *is_exact)
{
    (void)form;
    const uint8_t *at = text.data;
    bool is_hex = text.size >= 2 && at[0] == '\\' && at[1] == 'x' && text.size % 2 == 0;
    size_t size = is_hex ? text.size / 2 - 1 : 0;
    uint8_t *start = avro_put_long(out, (int64_t)size);
    unsigned wrong = !is_hex;
    for (size_t i = 0; i < size; i++) {
        unsigned high = hex_value(at[2 + 2 * i]);
        unsigned low = hex_value(at[3 + 2 * i]);
        wrong |= (high | low) & 16;
        start[i] = (uint8_t)(high << 4 | low);
    }
    if (!wrong)
        return start + size;
    *is_exact = false;
    return avro_put_long(out, 0);
}

static bool read_hex(const struct column_form *form, struct avro_input *input,
                     struct form_output *output, struct bytes *text)
{
    static const char digits[] = "0123456789abcdef";
    (void)form;
    struct bytes bytes;
    if (!avro_get_bytes(input, &bytes))
        return false;
    uint8_t *at = output->at;
    *at++ = '\\';
    *at++ = 'x';
    for (size_t i = 0; i < bytes.size; i++) {
        *at++ = (uint8_t)digits[bytes.data[i] >> 4];
        *at++ = (uint8_t)digits[bytes.data[i] & 15];
    }
    return form_text_ends(output, at, text);
}

const struct form_codec form_text = {write_text_value, read_text_value};
const struct form_codec form_bytes = {write_hex, read_hex};
