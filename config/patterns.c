/* SPDX-License-Identifier: Apache-2.0 */
/* Matches table names against patterns, without recursion. */
#include "config/patterns.h"

#include <string.h>

/* Where the part of a pattern that begins at `part` ends: at its dot, or at the end of the pattern. */
static const char *part_end(const char *part)
{
    if (*part != '"')
        return part + strcspn(part, ".");
    const char *at = part + 1;
    while (*at) {
        if (at[0] == '"' && at[1] != '"')
            return at + 1;
        at += at[0] == '"' ? 2 : 1;
    }
    return at;
}

/* What is wrong with the part between `part` and `end`. */
static const char *part_problem(const char *part, const char *end)
{
    size_t size = (size_t)(end - part);
    if (size == 0)
        return "has an empty part";
    if (*part != '"')
        return memchr(part, '"', size) ? "has a quote inside an unquoted part" : NULL;
    size_t quotes = 0;
    for (const char *at = part; at < end; at++)
        quotes += *at == '"';
    if (quotes % 2 != 0)
        return "has a quote that is not closed";
    return size == 2 ? "has an empty part" : NULL;
}

const char *config_pattern_problem(const char *pattern)
{
    const char *schema_end = part_end(pattern);
    const char *problem = part_problem(pattern, schema_end);
    if (problem)
        return problem;
    if (!*schema_end)
        return "has no dot: a pattern is schema.table";
    if (*schema_end != '.')
        return "has text behind a quoted part";
    const char *table = schema_end + 1;
    const char *table_end = part_end(table);
    if (*table_end == '.')
        return "has more than one dot: a name with a dot goes in double quotes";
    if (*table_end)
        return "has text behind a quoted part";
    return part_problem(table, table_end);
}

/* The next character of a name in UTF-8. */
static const char *next_character(const char *at)
{
    do
        at++;
    while (((unsigned char)*at & 0xc0) == 0x80);
    return at;
}

/* A quoted part: literal, "" being one quote. `part` is behind the opening quote, `end` at the closing one. */
static bool quoted_matches(const char *part, const char *end, const char *name)
{
    while (part < end) {
        if (*part != *name)
            return false;
        part += *part == '"' ? 2 : 1;
        name++;
    }
    return !*name;
}

/* Only the last star is ever tried again: an earlier one has matched as little as it can, so that what follows
 * it has the most room already. */
static bool wildcards_match(const char *part, const char *end, const char *name)
{
    const char *behind_star = NULL;
    const char *retry = NULL;
    while (*name) {
        if (part < end && *part == '*') {
            behind_star = ++part;
            retry = name;
        } else if (part < end && *part == '?') {
            part++;
            name = next_character(name);
        } else if (part < end && *part == *name) {
            part++;
            name++;
        } else if (behind_star) {
            part = behind_star;
            retry = next_character(retry);
            name = retry;
        } else {
            return false;
        }
    }
    while (part < end && *part == '*')
        part++;
    return part == end;
}

static bool part_matches(const char *part, const char *end, const char *name)
{
    if (*part == '"')
        return quoted_matches(part + 1, end - 1, name);
    return wildcards_match(part, end, name);
}

static bool pattern_matches(const char *pattern, const char *schema, const char *table)
{
    if (config_pattern_problem(pattern))
        return false;
    const char *schema_end = part_end(pattern);
    const char *table_part = schema_end + 1;
    return part_matches(pattern, schema_end, schema) &&
           part_matches(table_part, part_end(table_part), table);
}

bool config_table_matches(const struct config_list *patterns, const char *schema, const char *table)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (pattern_matches(patterns->items[i], schema, table))
            return true;
    return false;
}
