/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the values in the environment and of --set. */
#include <stdio.h>
#include <string.h>

#include "config/expand.h"
#include "config/loading.h"
#include "config/properties.h"
#include "config/quote.h"
#include "config/suggest.h"
#include "config/url.h"

static bool take_text(struct loading *loading, const struct setting *setting, const char *text)
{
    struct bytes view = {(const uint8_t *)text, strlen(text)};
    if (!bytes_are_utf8(view)) {
        error_set(loading->err, ERROR_CONFIG, "%s is not UTF-8", setting->key);
        return error_remedy(loading->err, "give it as UTF-8");
    }
    loading_mark_given(loading, setting);
    if (setting->type != SETTING_LIST)
        return value_set(&loading->store, setting, text, text, loading->err);
    struct config_list list = value_split(text, loading->store.memory);
    return value_set_list(&loading->store, setting, &list, loading->err);
}

/* An empty variable counts as unset: that is how Compose files and shells hand on what they don't have. */
static bool take_environment(struct loading *loading)
{
    for (size_t i = 0; i < setting_count; i++) {
        char name[SETTING_ENVIRONMENT_SIZE];
        if (settings[i].type == SETTING_PROPERTY)
            continue;
        setting_environment_name(&settings[i], name);
        const char *text = environment_find(loading->overrides->environment, name);
        if (text && *text && !take_text(loading, &settings[i], text))
            return error_add(loading->err, "%s", name);
    }
    return loading_take_property_variables(loading);
}

static bool refuse_unknown(struct loading *loading, const char *key)
{
    char quoted[QUOTE_SIZE];
    const struct setting *meant = suggest_setting(key);
    quote_key(key, quoted);
    if (meant && *quoted) {
        error_set(loading->err, ERROR_CONFIG, "--set: unknown key %s — did you mean \"%s\"?",
                  quoted, meant->key);
        return error_remedy(loading->err, "write --set %s=…", meant->key);
    }
    error_set(loading->err, ERROR_CONFIG, "--set: unknown key%s%s", *quoted ? " " : "", quoted);
    return error_remedy(loading->err, "docs/configuration.md lists all settings");
}

/* Every user of the machine can read the arguments of a process. */
static bool check_exposure(struct loading *loading, const struct setting *setting, const char *text)
{
    if (!setting->takes_password || !url_has_password(text))
        return true;
    char name[SETTING_ENVIRONMENT_SIZE];
    error_set(loading->err, ERROR_CONFIG,
              "--set %s: a password on the command line can be read by every user", setting->key);
    return error_remedy(loading->err,
                        "change that password, then use %.*s.password_file, PGPASSFILE or the "
                        "environment variable %s",
                        (int)strcspn(setting->key, "."), setting->key,
                        setting_environment_name(setting, name));
}

/* The same for a property. */
static bool check_property_exposure(struct loading *loading, const char *name)
{
    if (!property_is_secret(name))
        return true;
    char variable[PROPERTY_ENVIRONMENT_SIZE];
    error_set(loading->err, ERROR_CONFIG,
              "--set " PROPERTY_SECTION ".%s: a password on the command line can be read by every "
              "user",
              name);
    return error_remedy(loading->err,
                        "change that password, then use " PROPERTY_SECTION
                        ".%s_file or the environment variable %s",
                        name, property_environment_name(name, variable));
}

/* A property of librdkafka; `key` goes on with "=" and the value. */
static bool take_property(struct loading *loading, const char *key, size_t size)
{
    char name[PROPERTY_NAME_SIZE + 1]; /* one too many: cut off, a name is still too long */
    size -= strlen(PROPERTY_SECTION ".");
    snprintf(name, sizeof(name), "%.*s", (int)(size < sizeof(name) ? size : sizeof(name)),
             key + strlen(PROPERTY_SECTION "."));
    if (!loading_check_property(loading, name))
        return error_add(loading->err, "--set");
    if (!check_property_exposure(loading, name))
        return false;
    return loading_take_property(loading, LAYER_SET, name, strchr(key, '=') + 1) ||
           error_add(loading->err, "--set");
}

static bool take_set(struct loading *loading, const char *set)
{
    const char *equals = strchr(set, '=');
    size_t size = equals ? (size_t)(equals - set) : 0;
    if (!equals) {
        error_set(loading->err, ERROR_CONFIG, "--set needs key=value");
        return error_remedy(loading->err, "write, for example, --set log.level=debug");
    }
    char key[SETTING_KEY_SIZE];
    snprintf(key, sizeof(key), "%.*s", size < sizeof(key) ? (int)size : 0, set);
    const struct setting *setting = setting_find(key);
    bool is_in_section = !strncmp(set, PROPERTY_SECTION ".", strlen(PROPERTY_SECTION "."));
    if (is_in_section && (!setting || setting->type == SETTING_PROPERTY))
        return take_property(loading, set, size);
    if (!setting)
        return refuse_unknown(loading, key);
    if (!check_exposure(loading, setting, equals + 1))
        return false;
    return take_text(loading, setting, equals + 1) || error_add(loading->err, "--set");
}

bool loading_take_overrides(struct loading *loading)
{
    if (!take_environment(loading))
        return false;
    for (size_t i = 0; i < loading->overrides->set_count; i++)
        if (!take_set(loading, loading->overrides->sets[i]))
            return false;
    return true;
}
