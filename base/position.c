/* SPDX-License-Identifier: Apache-2.0 */
/* Order and text of positions. */
#include "base/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(uint64_t left, uint64_t right)
{
    return (left > right) - (left < right);
}

int position_compare(const struct position *left, const struct position *right)
{
    int order = compare(left->epoch, right->epoch);
    if (order == 0)
        order = compare(left->commit_lsn, right->commit_lsn);
    if (order == 0)
        order = compare(left->ordinal, right->ordinal);
    if (order == 0)
        order = compare(left->step, right->step);
    return order;
}

const char *lsn_text(pg_lsn lsn, char *text)
{
    snprintf(text, LSN_TEXT_SIZE, "%" PRIX32 "/%" PRIX32, (uint32_t)(lsn >> 32), (uint32_t)lsn);
    return text;
}

const char *position_text(const struct position *position, char *text)
{
    char lsn[LSN_TEXT_SIZE];
    snprintf(text, POSITION_TEXT_SIZE, "%" PRIu32 ":%s:%" PRIu64 ":%" PRIu32, position->epoch,
             lsn_text(position->commit_lsn, lsn), position->ordinal, position->step);
    return text;
}

/* One to eight hexadecimal digits up to `end`. */
static bool parse_half(const char *text, const char *end, uint32_t *half)
{
    size_t length = (size_t)(end - text);
    if (length < 1 || length > 8 || strspn(text, "0123456789abcdefABCDEF") < length)
        return false;
    *half = (uint32_t)strtoul(text, NULL, 16);
    return true;
}

bool lsn_parse(const char *text, pg_lsn *lsn)
{
    const char *slash = strchr(text, '/');
    uint32_t high = 0;
    uint32_t low = 0;
    if (!slash || !parse_half(text, slash, &high) ||
        !parse_half(slash + 1, text + strlen(text), &low))
        return false;
    *lsn = ((pg_lsn)high << 32) | low;
    return true;
}

bool position_is_none(const struct position *position)
{
    static const struct position none;
    return position_compare(position, &none) == 0;
}
