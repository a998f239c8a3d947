/* SPDX-License-Identifier: Apache-2.0 */
/* Finds settings, and says what they are called and which values they take. */
#include "config/setting.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t size;
};

static const struct unit size_units[] = {
    {"GiB", UINT64_C(1) << 30}, {"MiB", UINT64_C(1) << 20}, {"KiB", 1024}, {"bytes", 1}};
static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}};

const struct setting *setting_find(const char *key)
{
    for (size_t i = 0; i < setting_count; i++)
        if (!strcmp(settings[i].key, key))
            return &settings[i];
    return NULL;
}

bool setting_is_section(const char *key)
{
    size_t size = strlen(key);
    for (size_t i = 0; i < setting_count; i++)
        if (!strncmp(settings[i].key, key, size) && settings[i].key[size] == '.')
            return true;
    return false;
}

const char *setting_environment_name(const struct setting *setting, char *out)
{
    snprintf(out, SETTING_ENVIRONMENT_SIZE, "PENSTOCK_%s", setting->key);
    for (char *c = out; *c; c++) {
        if (*c == '.')
            *c = '_';
        else if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
    return out;
}

/* With the largest unit that leaves a whole number; the last unit is 1, and what 0 is counted in. */
static int print_in_units(char *out, size_t size, uint64_t value, const struct unit *units)
{
    while (value % units->size != 0 || (value == 0 && units->size > 1))
        units++;
    return snprintf(out, size, "%" PRIu64 " %s", value / units->size, units->name);
}

static void print_range(const struct setting *setting, const struct unit *units, char *out)
{
    int size = print_in_units(out, SETTING_VALUES_SIZE, setting->least, units);
    size += snprintf(out + size, SETTING_VALUES_SIZE - (size_t)size, " to ");
    print_in_units(out + size, SETTING_VALUES_SIZE - (size_t)size, setting->most, units);
}

static void print_choices(const char *const *choices, char *out)
{
    size_t size = 0;
    for (size_t i = 0; choices[i] && size < SETTING_VALUES_SIZE; i++)
        size += (size_t)snprintf(out + size, SETTING_VALUES_SIZE - size, "%s%s",
                                 i == 0           ? ""
                                 : choices[i + 1] ? ", "
                                                  : " or ",
                                 choices[i]);
}

static const char *type_form(enum setting_type type)
{
    switch (type) {
    case SETTING_NAME:
        return "a lower-case letter, then at most 30 lower-case letters, digits and _";
    case SETTING_BOOL:
        return "true or false";
    case SETTING_LIST:
        return "list";
    case SETTING_STRING:
    case SETTING_INTEGER:
    case SETTING_SIZE:
    case SETTING_DURATION:
    case SETTING_CHOICE:
    case SETTING_PROPERTY:
        break;
    }
    return "text";
}

const char *setting_values(const struct setting *setting, char *out)
{
    *out = '\0';
    if (setting->form)
        snprintf(out, SETTING_VALUES_SIZE, "%s", setting->form);
    else if (setting->type == SETTING_INTEGER)
        snprintf(out, SETTING_VALUES_SIZE, "%" PRIu64 " to %" PRIu64, setting->least,
                 setting->most);
    else if (setting->type == SETTING_SIZE)
        print_range(setting, size_units, out);
    else if (setting->type == SETTING_DURATION)
        print_range(setting, duration_units, out);
    else if (setting->type == SETTING_CHOICE)
        print_choices(setting->choices, out);
    else
        snprintf(out, SETTING_VALUES_SIZE, "%s", type_form(setting->type));
    return out;
}
