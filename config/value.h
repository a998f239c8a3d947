/* SPDX-License-Identifier: Apache-2.0 */
/* Text into a field: one function checks and stores the value of any setting, from wherever it came. */
#ifndef PENSTOCK_CONFIG_VALUE_H
#define PENSTOCK_CONFIG_VALUE_H

#include "base/arena.h"
#include "base/attributes.h"
#include "base/error.h"
#include "config/config.h"
#include "config/setting.h"

/* Where values go. */
struct value_store {
    void *base; /* the struct that setting->offset counts from: a struct config */
    struct arena *memory;
};

/* Checks `text` and stores it; not for a LIST. Messages show `shown`, the text before environment variables
 * went in; of a secret, nothing. */
bool value_set(struct value_store *store, const struct setting *setting, const char *text,
               const char *shown, struct error *err) MUST_USE;

/* Checks the text of a STRING or NAME, or of one item of a LIST. */
bool value_check(const struct setting *setting, const char *text, const char *shown,
                 struct error *err) MUST_USE;

/* Checks and stores a whole LIST. Copies the items. */
bool value_set_list(struct value_store *store, const struct setting *setting,
                    const struct config_list *list, struct error *err) MUST_USE;

/* Splits at commas, but not inside double quotes; white space around an item goes. "" has no items. */
struct config_list value_split(const char *text, struct arena *memory);

#endif
