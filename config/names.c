/* SPDX-License-Identifier: Apache-2.0 */
/* Checks names against the characters that PostgreSQL and the protocol allow. */
#include "config/names.h"

#include <string.h>

#define SLOT_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

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
