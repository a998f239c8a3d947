/* SPDX-License-Identifier: Apache-2.0 */
/* Which characters are unsafe to show. */
#include "base/character.h"

#include <string.h>

#include "base/bytes.h"

static size_t size_of(const char *at)
{
    size_t left = strnlen(at, 4);
    for (size_t size = 1; size <= left; size++)
        if (bytes_are_utf8((struct bytes){(const uint8_t *)at, size}))
            return size;
    return 0;
}

size_t character_read(const char *at, uint32_t *code)
{
    static const uint8_t first_masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t size = size_of(at);
    if (size == 0)
        return 0;
    *code = (uint8_t)at[0] & first_masks[size];
    for (size_t i = 1; i < size; i++)
        *code = *code << 6 | ((uint8_t)at[i] & 0x3f);
    return size;
}

bool character_is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c ||
           (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}
