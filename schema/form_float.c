/* SPDX-License-Identifier: Apache-2.0 */
/* Floating-point numbers: Avro's own, NaN and the infinities included. */
#include <math.h>

#include "schema/float_text.h"
#include "schema/form.h"

static bool parse(struct bytes text, double *value)
{
    if (text_is(text, "NaN"))
        *value = (double)NAN;
    else if (text_is(text, "Infinity"))
        *value = (double)INFINITY;
    else if (text_is(text, "-Infinity"))
        *value = -(double)INFINITY;
    else
        return double_parse_text(text, value);
    return true;
}

static bool is_same(struct bytes text, const uint8_t *written, const uint8_t *end)
{
    return text.size == (size_t)(end - written) && memcmp(text.data, written, text.size) == 0;
}

static uint8_t *write_double(const struct column_form *form, struct bytes text, uint8_t *out,
                             bool *is_exact)
{
    (void)form;
    uint8_t again[FLOAT_TEXT_SIZE];
    double value = 0;
    if (!parse(text, &value))
        value = 0;
    if (!is_same(text, again, double_put_text(again, value)))
        *is_exact = false;
    return avro_put_double(out, value);
}

static uint8_t *write_float(const struct column_form *form, struct bytes text, uint8_t *out,
                            bool *is_exact)
{
    (void)form;
    uint8_t again[FLOAT_TEXT_SIZE];
    double wide = 0;
    if (!parse(text, &wide))
        wide = 0;
    float value = (float)wide;
    if (!is_same(text, again, float_put_text(again, value)))
        *is_exact = false;
    return avro_put_float(out, value);
}

static bool read_double(const struct column_form *form, struct avro_input *input,
                        struct form_output *output, struct bytes *text)
{
    (void)form;
    double value = 0;
    return avro_get_fixed(input, &value, sizeof(value)) &&
           form_text_ends(output, double_put_text(output->at, value), text);
}

static bool read_float(const struct column_form *form, struct avro_input *input,
                       struct form_output *output, struct bytes *text)
{
    (void)form;
    float value = 0;
    return avro_get_fixed(input, &value, sizeof(value)) &&
           form_text_ends(output, float_put_text(output->at, value), text);
}

const struct form_codec form_float = {write_float, read_float};
const struct form_codec form_double = {write_double, read_double};
