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

/* Where a value came from: what is further down wins. */
enum loading_layer { LAYER_FILE, LAYER_ENVIRONMENT, LAYER_SET };

/* A property of librdkafka as it was given. */
struct given_property {
    char *name;
    char *text;   /* the value, or the path of the file that holds it */
    bool is_file; /* it was given with "_file" behind its name */
    enum loading_layer layer;
};

struct loading {
    struct value_store store;
    const char *file_name;   /* NULL without a file; so is `root` */
    const struct node *root; /* the section that is the whole file */
    unsigned file_mode;      /* its permissions; 0 if they don't matter */
    const struct config_overrides *overrides;
    const struct config_needs *needs;
    bool *is_given;                    /* one for each setting */
    struct given_property *properties; /* PROPERTY_MAX_COUNT of them */
    size_t property_count;
    struct error *err;
};

/* Takes the values in the file; refuses unknown and repeated keys. */
bool loading_take_file(struct loading *loading) MUST_USE;

/* Takes the values in the environment, then those of --set. */
bool loading_take_overrides(struct loading *loading) MUST_USE;

/* Checks that all required settings are given, then fills in defaults. */
bool loading_complete(struct loading *loading) MUST_USE;

/* Checks the name of a property, which may have "_file" behind it. */
bool loading_check_property(struct loading *loading, const char *name) MUST_USE;

/* Takes a property whose name is checked; what an earlier layer gave is replaced. Messages never show the value. */
bool loading_take_property(struct loading *loading, enum loading_layer layer, const char *name,
                           const char *text) MUST_USE;

/* Takes the properties in the environment. */
bool loading_take_property_variables(struct loading *loading) MUST_USE;

/* Reads the files of secrets, and puts all properties into the configuration, if the command uses Kafka. */
bool loading_complete_properties(struct loading *loading) MUST_USE;

/* The child of that name, or NULL; `section` may be NULL. */
const struct node *node_find(const struct node *section, const char *key);

static inline void loading_mark_given(struct loading *loading, const struct setting *setting)
{
    loading->is_given[setting - settings] = true;
}

#endif
