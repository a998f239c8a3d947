/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the nearest known key by edit distance. */
#include "config/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static unsigned least_of(unsigned left, unsigned right)
{
    return left < right ? left : right;
}

static bool same(char left, char right)
{
    return tolower((unsigned char)left) == tolower((unsigned char)right);
}

unsigned suggest_distance(const char *left, const char *right)
{
    size_t rows = strlen(left);
    size_t columns = strlen(right);
    if (rows >= SETTING_KEY_SIZE || columns >= SETTING_KEY_SIZE)
        return SETTING_KEY_SIZE;
    unsigned cost[SETTING_KEY_SIZE][SETTING_KEY_SIZE];
    for (size_t i = 0; i <= rows; i++)
        cost[i][0] = (unsigned)i;
    for (size_t j = 0; j <= columns; j++)
        cost[0][j] = (unsigned)j;
    for (size_t i = 1; i <= rows; i++) {
        for (size_t j = 1; j <= columns; j++) {
            unsigned replaced = cost[i - 1][j - 1] + !same(left[i - 1], right[j - 1]);
            cost[i][j] = least_of(replaced, least_of(cost[i - 1][j], cost[i][j - 1]) + 1);
            bool is_swap = i > 1 && j > 1 && same(left[i - 1], right[j - 2]) &&
                           same(left[i - 2], right[j - 1]);
            if (is_swap)
                cost[i][j] = least_of(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[rows][columns];
}

/* How far apart two words may be for one to be taken as the other misspelt. */
static unsigned tolerance(const char *word)
{
    return (unsigned)(strlen(word) + 1) / 3;
}

/* The word of `setting` that stands directly in `section`; false if it isn't in there. */
static bool word_in_section(const struct setting *setting, const char *section, char *out)
{
    size_t size = strlen(section);
    const char *rest = setting->key;
    if (size > 0) {
        if (strncmp(rest, section, size) != 0 || rest[size] != '.')
            return false;
        rest += size + 1;
    }
    snprintf(out, SETTING_KEY_SIZE, "%.*s", (int)strcspn(rest, "."), rest);
    return true;
}

/* The first setting whose last word is `word`. */
static const struct setting *ending_in(const char *word)
{
    for (size_t i = 0; i < setting_count; i++) {
        const char *last = strrchr(settings[i].key, '.');
        if (last && !strcmp(last + 1, word))
            return &settings[i];
    }
    return NULL;
}

const char *suggest_in_section(const char *section, const char *word, char *out)
{
    const struct setting *elsewhere = ending_in(word);
    snprintf(out, SETTING_KEY_SIZE, "%s", elsewhere ? elsewhere->key : "");
    unsigned nearest = elsewhere ? 2 : tolerance(word) + 1;
    for (size_t i = 0; i < setting_count; i++) {
        char known[SETTING_KEY_SIZE];
        if (!word_in_section(&settings[i], section, known))
            continue;
        unsigned distance = suggest_distance(known, word);
        if (distance < nearest) {
            nearest = distance;
            memcpy(out, known, sizeof(known));
        }
    }
    return out;
}

const struct setting *suggest_setting(const char *key)
{
    const struct setting *suggestion = ending_in(key);
    unsigned nearest = suggestion ? 2 : tolerance(key) + 1;
    for (size_t i = 0; i < setting_count; i++) {
        unsigned distance = suggest_distance(settings[i].key, key);
        if (distance < nearest) {
            nearest = distance;
            suggestion = &settings[i];
        }
    }
    return suggestion;
}
