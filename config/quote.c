/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes keys and values for messages without giving secrets away. */
#include "config/quote.h"

#include <stdio.h>
#include <string.h>

#include "config/setting.h"

enum { MAX_SHOWN = 60 };

static bool may_be_secret(const char *text)
{
    return strstr(text, "://") || strcasestr(text, "password");
}

/* How many bytes to show: whole characters only. */
static size_t shown_size(const char *text)
{
    size_t size = strlen(text);
    if (size <= MAX_SHOWN)
        return size;
    size = MAX_SHOWN;
    while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    return size;
}

const char *quote_value(const char *text, char *out)
{
    if (may_be_secret(text))
        text = "***";
    size_t size = shown_size(text);
    snprintf(out, QUOTE_SIZE, "\"%.*s%s\"", (int)size, text, text[size] ? "…" : "");
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return out;
}

const char *quote_key(const char *key, char *out)
{
    size_t size = strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
    bool is_key = size > 0 && !key[size] && size < SETTING_KEY_SIZE;
    *out = '\0';
    if (is_key)
        snprintf(out, QUOTE_SIZE, "\"%s\"", key);
    return out;
}
