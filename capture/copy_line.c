/* SPDX-License-Identifier: Apache-2.0 */
/* COPY's text format, as the server writes it: tabs between values, a backslash before what would be misread. */
#include "capture/copy_line.h"

#include <string.h>

/* What stands behind a backslash; the server writes no other escapes. */
static uint8_t unescaped(uint8_t letter)
{
    static const char letters[] = "bfnrtv";
    static const uint8_t bytes[] = {'\b', '\f', '\n', '\r', '\t', '\v'};
    const char *at = letter ? strchr(letters, letter) : NULL;
    return at ? bytes[at - letters] : letter;
}

/* The value from `at` to `end` without escapes, written to `out`; returns its end there. */
static uint8_t *unescape(const uint8_t *at, const uint8_t *end, uint8_t *out)
{
    while (at < end) {
        const uint8_t *backslash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((backslash ? backslash : end) - at);
        memcpy(out, at, plain);
        out += plain;
        if (!backslash)
            break;
        at = backslash + 1;
        if (at < end)
            *out++ = unescaped(*at++);
    }
    return out;
}

static uint8_t *read_value(const uint8_t *at, const uint8_t *end, uint8_t *out, struct value *value)
{
    if (end - at == 2 && at[0] == '\\' && at[1] == 'N') {
        *value = (struct value){.kind = VALUE_NULL};
        return out;
    }
    uint8_t *done = unescape(at, end, out);
    *value = (struct value){.kind = VALUE_TEXT, .data = out, .size = (uint32_t)(done - out)};
    *done++ = '\0';
    return done;
}

bool copy_line_read(struct bytes *lines, uint16_t count, struct byte_buffer *texts,
                    struct value *values)
{
    const uint8_t *newline = memchr(lines->data, '\n', lines->size);
    if (!newline)
        return false;
    const uint8_t *at = lines->data;
    byte_buffer_clear(texts);
    uint8_t *out = byte_buffer_reserve(texts, (size_t)(newline - at) + count + 1);
    if (!out)
        return false;
    for (uint16_t i = 0; i < count; i++) {
        const uint8_t *tab = memchr(at, '\t', (size_t)(newline - at));
        const uint8_t *end = tab ? tab : newline;
        bool is_last = i + 1 == count;
        if (is_last != !tab)
            return false;
        out = read_value(at, end, out, &values[i]);
        at = end + 1;
    }
    if (count == 0 && newline != at)
        return false;
    *lines = (struct bytes){newline + 1, lines->size - (size_t)(newline + 1 - lines->data)};
    return true;
}
