/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns that choose tables: `schema.table`, each part with `*` (any characters) and `?` (one character), or
 * in double quotes and then literal, "" standing for one quote. Names are compared as stored, without folding. */
#ifndef PENSTOCK_CONFIG_PATTERNS_H
#define PENSTOCK_CONFIG_PATTERNS_H

#include <stdbool.h>

#include "base/attributes.h"
#include "config/config.h"

/* Whether any pattern matches the table. At most (length of the name) × (length of the pattern) steps each. */
bool config_table_matches(const struct config_list *patterns, const char *schema,
                          const char *table);

/* NULL if the pattern is well-formed, else what is wrong with it, for a message: "has no dot". */
const char *config_pattern_problem(const char *pattern) MUST_USE;

#endif
