/* SPDX-License-Identifier: Apache-2.0 */
/* What was meant by a key that does not exist. */
#ifndef PENSTOCK_CONFIG_SUGGEST_H
#define PENSTOCK_CONFIG_SUGGEST_H

#include "config/setting.h"

/* The key in `section` ("" at the top) that is nearest to `word`, if near enough to be meant; else the whole key
 * of the first setting elsewhere that ends in `word`. Into `out` of SETTING_KEY_SIZE; "" if nothing is near.
 * Returns `out`. */
const char *suggest_in_section(const char *section, const char *word, char *out);

/* The setting nearest to a whole key, or NULL. */
const struct setting *suggest_setting(const char *key);

/* Insertions, deletions, replacements and swaps of neighbours that make one of the other, without regard to
 * case (the optimal string alignment distance); SETTING_KEY_SIZE if either is too long for a key. */
unsigned suggest_distance(const char *left, const char *right);

#endif
