/* SPDX-License-Identifier: Apache-2.0 */
/* Checks names against the characters that those who take them allow. */
#include "config/names.h"

#include <string.h>

#define SLOT_CHARACTERS   "abcdefghijklmnopqrstuvwxyz0123456789_"
#define PREFIX_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-" SLOT_CHARACTERS

enum { MAX_NAME = 31 };

const char *slot_problem(const char *text)
{
    if (text[strspn(text, SLOT_CHARACTERS)])
        return "has a character other than a lower-case letter, a digit or _";
    return NULL;
}

const char *name_problem(const char *text)
{
    if (text[0] < 'a' || text[0] > 'z')
        return "does not begin with a lower-case letter";
    if (strlen(text) > MAX_NAME)
        return "is longer than 31 characters";
    return slot_problem(text);
}

const char *prefix_problem(const char *text)
{
    if (text[strspn(text, PREFIX_CHARACTERS)])
        return "has a character other than a letter, a digit, ., _ and -";
    return NULL;
}

const char *user_problem(const char *text)
{
    return strchr(text, ':') ? "has a colon in it" : NULL;
}
