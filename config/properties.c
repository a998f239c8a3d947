/* SPDX-License-Identifier: Apache-2.0 */
/* The names of librdkafka's properties: their form, their variables, and which are secrets. */
#include "config/properties.h"

#include <stdio.h>
#include <string.h>

#include "config/setting.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789._-"

enum { MOST_UNDERSCORES = 3 };

/* What a run of so many `_` in a variable stands for; 0: nothing. */
static const char underscores[MOST_UNDERSCORES + 1] = {0, '.', '_', '-'};

static bool ends_in(const char *text, const char *ending)
{
    size_t size = strlen(text);
    size_t ending_size = strlen(ending);
    return size >= ending_size && !strcmp(text + size - ending_size, ending);
}

bool property_is_setting(const char *name)
{
    char key[SETTING_KEY_SIZE]; /* no setting is so long that cutting off could make it */
    snprintf(key, sizeof(key), PROPERTY_SECTION ".%s", name);
    const struct setting *setting = setting_find(key);
    return setting && setting->type != SETTING_PROPERTY;
}

const char *property_problem(const char *name)
{
    if (!*name)
        return "is empty";
    if (strlen(name) >= PROPERTY_NAME_SIZE)
        return "is longer than 128 characters";
    if (name[strspn(name, NAME_CHARACTERS)])
        return "has a character other than a lower-case letter, a digit, ., _ and -";
    return NULL;
}

bool property_is_secret(const char *name)
{
    static const char *const endings[] = {"password", "passphrase",         "secret",
                                          "key.pem",  "oauthbearer.config", "jaas.config"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (ends_in(name, endings[i]))
            return true;
    return false;
}

bool property_is_secret_with(const char *name, const char *ending, char *out)
{
    if (!ends_in(name, ending))
        return false;
    snprintf(out, PROPERTY_NAME_SIZE, "%.*s", (int)(strlen(name) - strlen(ending)), name);
    return property_is_secret(out);
}

static size_t underscores_for(char c)
{
    const char *found = memchr(underscores + 1, c, MOST_UNDERSCORES);
    return found ? (size_t)(found - underscores) : 0;
}

static char upper_case(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char lower_case(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

const char *property_environment_name(const char *name, char *out)
{
    strcpy(out, PROPERTY_ENVIRONMENT);
    char *end = out + strlen(out);
    for (; *name && end + MOST_UNDERSCORES < out + PROPERTY_ENVIRONMENT_SIZE; name++) {
        size_t count = underscores_for(*name);
        if (count == 0)
            *end++ = upper_case(*name);
        memset(end, '_', count);
        end += count;
    }
    *end = '\0';
    return out;
}

bool property_from_environment(const char *variable, char *out)
{
    size_t size = 0;
    while (*variable && *variable != '=') {
        size_t count = strspn(variable, "_");
        if (count > MOST_UNDERSCORES || size + 1 >= PROPERTY_NAME_SIZE)
            return false;
        out[size++] = count > 0 ? underscores[count] : lower_case(*variable);
        variable += count > 0 ? count : 1;
    }
    out[size] = '\0';
    return size > 0;
}

bool property_is_of_kubernetes(const char *variable)
{
    static const char *const beginnings[] = {"PORT=", "PORT_", "SERVICE_"};
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (!strncmp(variable, beginnings[i], strlen(beginnings[i])))
            return true;
    return false;
}
