/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of config_load(), which fill one struct config from several places. */
#ifndef PENSTOCK_CONFIG_LOADING_H
#define PENSTOCK_CONFIG_LOADING_H

#include <stdbool.h>

#include "base/attributes.h"
#include "config/config.h"
#include "config/document.h"
#include "config/setting.h"
#include "config/value.h"

struct loading {
    struct value_store store;
    const char *file_name;   /* NULL without a file; so is `root` */
    const struct node *root; /* the section that is the whole file */
    unsigned file_mode;      /* its permissions; 0 if they don't matter */
    const struct config_overrides *overrides;
    bool *is_given; /* one for each setting */
    struct error *err;
};

/* Takes the values in the file; refuses unknown and repeated keys. */
bool loading_take_file(struct loading *loading) MUST_USE;

/* Takes the values in the environment, then those of --set. */
bool loading_take_overrides(struct loading *loading) MUST_USE;

/* Checks that all required settings are given, then fills in defaults. */
bool loading_complete(struct loading *loading) MUST_USE;

/* The child of that name, or NULL; `section` may be NULL. */
const struct node *node_find(const struct node *section, const char *key);

static inline void loading_mark_given(struct loading *loading, const struct setting *setting)
{
    loading->is_given[setting - settings] = true;
}

#endif
