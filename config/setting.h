/* SPDX-License-Identifier: Apache-2.0 */
/* What a setting is. The one table of them is in config/settings.c. */
#ifndef PENSTOCK_CONFIG_SETTING_H
#define PENSTOCK_CONFIG_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "config/config.h"

/* Each with the type of its field in struct config. */
enum setting_type {
    SETTING_STRING,   /* char *; 1 to `most` bytes */
    SETTING_NAME,     /* char *; [a-z][a-z0-9_]{0,30} */
    SETTING_BOOL,     /* bool */
    SETTING_INTEGER,  /* size_t */
    SETTING_SIZE,     /* size_t, in bytes; written "16 MiB" or "64kB" */
    SETTING_DURATION, /* int64_t, in milliseconds; written "500 ms" or "7 d" */
    SETTING_CHOICE,   /* an enum that counts `choices` from 0 */
    SETTING_LIST,     /* struct config_list; at least `least` items, each of 1 to `most` bytes */
    SETTING_PROPERTY, /* of librdkafka, one that we know of: see config/properties.h */
};

struct setting {
    const char *key; /* "source.url" */
    enum setting_type type;
    size_t offset;              /* of the field in struct config */
    const char *initial;        /* the default as one would give it, <name> for the name; or NULL */
    uint64_t least;             /* the range, in the unit of the field */
    uint64_t most;              /* of a STRING or LIST: 0 is SETTING_MAX_TEXT */
    const char *const *choices; /* NULL at the end */
    /* What is wrong with the STRING or the item of the LIST ("has no dot"), or NULL. */
    const char *(*problem)(const char *text);
    const char *form;      /* the allowed values for people, where type and range don't say it */
    const char *example;   /* a value as YAML; given where the setting is required */
    const char *summary;   /* for docs/configuration.md */
    enum config_part part; /* what it belongs to: it is required by the commands that need this */
    bool is_required;
    bool is_secret;      /* the value is never shown */
    bool takes_password; /* a password may be in it, where nobody else can read it */
};

enum {
    SETTING_MAX_TEXT = 4096,
    SETTING_KEY_SIZE = 64,
    SETTING_ENVIRONMENT_SIZE = 80,
    SETTING_VALUES_SIZE = 160,
};

extern const struct setting settings[];
extern const size_t setting_count;

/* NULL if there is none. */
const struct setting *setting_find(const char *key);

/* Whether there are settings below `key`, as there are below "source". */
bool setting_is_section(const char *key);

/* "PENSTOCK_SOURCE_URL", into `out` of SETTING_ENVIRONMENT_SIZE; returns `out`. */
const char *setting_environment_name(const struct setting *setting, char *out);

/* The allowed values for people: "64 KiB to 256 MiB", into `out` of SETTING_VALUES_SIZE; returns `out`. */
const char *setting_values(const struct setting *setting, char *out);

#endif
