/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for what is missing and required, and fills in the defaults. */
#include <stdio.h>
#include <string.h>

#include "config/loading.h"

#define NAME_MARK "<name>"

/* Says where in the file the setting belongs. */
static bool refuse_missing_in_file(struct loading *loading, const struct setting *setting,
                                   const char *variable)
{
    const char *dot = strchr(setting->key, '.');
    if (!dot) {
        error_remedy(loading->err, "add the line \"%s: %s\", or set %s", setting->key,
                     setting->example, variable);
        return mark_add(loading->err, loading->file_name, loading->root->at);
    }
    char section[SETTING_KEY_SIZE];
    snprintf(section, sizeof(section), "%.*s", (int)(dot - setting->key), setting->key);
    const struct node *node = node_find(loading->root, section);
    if (node)
        error_remedy(loading->err, "add below line %zu: \"  %s: %s\", or set %s", node->key_at.line,
                     dot + 1, setting->example, variable);
    else
        error_remedy(loading->err, "add \"%s:\" and below it \"  %s: %s\", or set %s", section,
                     dot + 1, setting->example, variable);
    return mark_add(loading->err, loading->file_name, node ? node->key_at : loading->root->at);
}

static bool refuse_missing(struct loading *loading, const struct setting *setting)
{
    char variable[SETTING_ENVIRONMENT_SIZE];
    setting_environment_name(setting, variable);
    if (setting->part == CONFIG_EVERY)
        error_set(loading->err, ERROR_CONFIG, "%s is missing", setting->key);
    else
        error_set(loading->err, ERROR_CONFIG, "penstock %s needs %s", loading->needs->command,
                  setting->key);
    if (loading->root)
        return refuse_missing_in_file(loading, setting, variable);
    return error_remedy(loading->err, "give a configuration file, or set %s", variable);
}

/* The default with the replication's name in it. */
static char *initial_text(struct loading *loading, const struct setting *setting)
{
    const struct config *config = loading->store.base;
    const char *mark = strstr(setting->initial, NAME_MARK);
    if (!mark)
        return arena_copy_string(loading->store.memory, setting->initial);
    char text[SETTING_MAX_TEXT];
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - setting->initial), setting->initial,
             config->name, mark + strlen(NAME_MARK));
    return arena_copy_string(loading->store.memory, text);
}

static bool take_initial(struct loading *loading, const struct setting *setting)
{
    const char *text = initial_text(loading, setting);
    if (setting->type != SETTING_LIST)
        return value_set(&loading->store, setting, text, text, loading->err);
    struct config_list list = value_split(text, loading->store.memory);
    return value_set_list(&loading->store, setting, &list, loading->err);
}

/* The parts of which something required is given, or a property. */
static unsigned given_parts(const struct loading *loading)
{
    unsigned parts = loading->property_count > 0 ? CONFIG_KAFKA : 0;
    for (size_t i = 0; i < setting_count; i++)
        if (settings[i].is_required && loading->is_given[i])
            parts |= settings[i].part;
    return parts;
}

static bool refuse_no_part(struct loading *loading)
{
    error_set(loading->err, ERROR_CONFIG, "penstock %s needs source, target or kafka",
              loading->needs->command);
    error_remedy(loading->err, "add one of them; docs/configuration.md lists all settings");
    return loading->root ? mark_add(loading->err, loading->file_name, loading->root->at) : false;
}

static bool check_required(struct loading *loading)
{
    struct config *config = loading->store.base;
    const struct config_needs *needs = loading->needs;
    unsigned parts = needs->parts | (needs->optional & given_parts(loading));
    if (!(parts & CONFIG_KAFKA))
        parts |= needs->parts_of_pipe;
    for (size_t i = 0; i < setting_count; i++) {
        bool is_due = settings[i].part == CONFIG_EVERY || (settings[i].part & parts);
        if (settings[i].is_required && is_due && !loading->is_given[i])
            return refuse_missing(loading, &settings[i]);
    }
    config->parts = parts;
    return parts != 0 || needs->optional == 0 || refuse_no_part(loading);
}

bool loading_complete(struct loading *loading)
{
    if (!check_required(loading))
        return false;
    for (size_t i = 0; i < setting_count; i++)
        if (settings[i].initial && !loading->is_given[i] && !take_initial(loading, &settings[i]))
            return false;
    return loading_complete_properties(loading);
}
