/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of config/ share. */
#ifndef PENSTOCK_TESTS_UNIT_CONFIG_CONFIG_SUPPORT_H
#define PENSTOCK_TESTS_UNIT_CONFIG_CONFIG_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/error.h"
#include "config/config.h"

#define SMALLEST                                                                                   \
    "name: shop\n"                                                                                 \
    "source:\n"                                                                                    \
    "  url: postgres://a@db1/shop\n"                                                               \
    "  tables: [\"public.*\"]\n"                                                                   \
    "target:\n"                                                                                    \
    "  url: postgres://a@db2/shop\n"

/* The arguments are the whole environment. */
#define ENVIRONMENT(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What commands need and use. */
#define RUN     (&(const struct config_needs){"run", CONFIG_SOURCE | CONFIG_TARGET, CONFIG_KAFKA, 0})
#define VERIFY  (&(const struct config_needs){"verify", CONFIG_SOURCE | CONFIG_TARGET, 0, 0})
#define CAPTURE (&(const struct config_needs){"capture", CONFIG_SOURCE | CONFIG_KAFKA, 0, 0})
#define SINK    (&(const struct config_needs){"sink", CONFIG_KAFKA | CONFIG_TARGET, 0, 0})
#define CHECK                                                                                      \
    (&(const struct config_needs){"check", 0, CONFIG_SOURCE | CONFIG_TARGET | CONFIG_KAFKA, 0})
#define STATUS                                                                                     \
    (&(const struct config_needs){"status", 0, CONFIG_SOURCE | CONFIG_TARGET | CONFIG_KAFKA,       \
                                  CONFIG_SOURCE | CONFIG_TARGET})

static inline struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static inline struct config *parse_for(const struct config_needs *needs, const char *text,
                                       const struct config_overrides *overrides, struct error *err)
{
    error_clear(err);
    return config_parse(bytes_of(text), "penstock.yml", overrides, needs, err);
}

static inline struct config *parse(const char *text, const struct config_overrides *overrides,
                                   struct error *err)
{
    return parse_for(RUN, text, overrides, err);
}

static inline struct config *parse_with_set(const char *text, const char *set, struct error *err)
{
    return parse(text, &(struct config_overrides){.sets = &set, .set_count = 1}, err);
}

static inline struct config *
parse_with_environment(const char *text, const char *const *environment, struct error *err)
{
    return parse(text, &(struct config_overrides){.environment = environment}, err);
}

/* The file is refused with exactly this message, and there is a remedy. Returns it. */
static inline const char *assert_refused(const char *text, const char *message, struct error *err)
{
    assert_null(parse(text, NULL, err));
    assert_string_equal(err->message, message);
    assert_int_equal(err->kind, ERROR_CONFIG);
    assert_string_not_equal(err->remedy, "");
    return err->remedy;
}

static inline void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" is in \"%s\"", part, text);
}

#endif
