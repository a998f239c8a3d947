/* SPDX-License-Identifier: Apache-2.0 */
/* Checks values against their settings and stores them. */
#include "config/value.h"

#include <string.h>

#include "config/names.h"
#include "config/quote.h"

struct unit {
    const char *name;
    uint64_t size;
};

/* kB, MB and GB are PostgreSQL's, powers of 1024. */
static const struct unit size_units[] = {{"", 1},         {"B", 1},         {"kB", 1024},
                                         {"KiB", 1024},   {"MB", 1 << 20},  {"MiB", 1 << 20},
                                         {"GB", 1 << 30}, {"GiB", 1 << 30}, {NULL, 0}};
static const struct unit duration_units[] = {{"ms", 1},      {"s", 1000},     {"min", 60000},
                                             {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static void *field(const struct value_store *store, const struct setting *setting)
{
    return (char *)store->base + setting->offset;
}

/* Says that the value is none of those allowed. */
static bool refuse(const struct setting *setting, const char *shown, const char *remedy,
                   struct error *err)
{
    char values[SETTING_VALUES_SIZE];
    char quoted[QUOTE_SIZE];
    setting_values(setting, values);
    if (setting->is_secret)
        error_set(err, ERROR_CONFIG, "%s must be %s", setting->key, values);
    else
        error_set(err, ERROR_CONFIG, "%s must be %s, not %s", setting->key, values,
                  quote_value(shown, quoted));
    return error_remedy(err, "%s", remedy);
}

/* Says what is wrong with the text of a value. */
static bool refuse_text(const struct setting *setting, const char *shown, const char *problem,
                        struct error *err)
{
    char values[SETTING_VALUES_SIZE];
    char quoted[QUOTE_SIZE];
    if (setting->is_secret)
        error_set(err, ERROR_CONFIG, "%s %s", setting->key, problem);
    else
        error_set(err, ERROR_CONFIG, "%s: %s %s", setting->key, quote_value(shown, quoted),
                  problem);
    return error_remedy(err, "write %s", setting_values(setting, values));
}

bool value_check(const struct setting *setting, const char *text, const char *shown,
                 struct error *err)
{
    if (!*text) {
        error_set(err, ERROR_CONFIG, "%s is empty", setting->key);
        return error_remedy(err, "give it a value, or remove it");
    }
    size_t most = setting->most > 0 ? setting->most : SETTING_MAX_TEXT;
    if (strlen(text) > most) {
        error_set(err, ERROR_CONFIG, "%s is longer than %zu bytes", setting->key, most);
        return error_remedy(err, "shorten it");
    }
    const char *problem = setting->type == SETTING_NAME ? name_problem(text)
                          : setting->problem            ? setting->problem(text)
                                                        : NULL;
    return !problem || refuse_text(setting, shown, problem, err);
}

static bool set_string(struct value_store *store, const struct setting *setting, const char *text,
                       const char *shown, struct error *err)
{
    if (!value_check(setting, text, shown, err))
        return false;
    char **string = field(store, setting);
    *string = arena_copy_string(store->memory, text);
    return true;
}

static bool set_bool(struct value_store *store, const struct setting *setting, const char *text,
                     const char *shown, struct error *err)
{
    bool is_true = !strcmp(text, "true");
    if (!is_true && strcmp(text, "false") != 0)
        return refuse(setting, shown, "write true or false", err);
    bool *flag = field(store, setting);
    *flag = is_true;
    return true;
}

/* Digits at `*at`, which is moved behind them; what doesn't fit becomes the largest number. False: none. */
static bool parse_digits(const char **at, uint64_t *number)
{
    const char *start = *at;
    *number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at)
        if (__builtin_mul_overflow(*number, 10U, number) ||
            __builtin_add_overflow(*number, (uint64_t)(**at - '0'), number))
            *number = UINT64_MAX;
    return *at > start;
}

/* A whole number with one of the units, which may stand behind a space. 0 needs none. */
static bool parse_number(const char *text, const struct unit *units, uint64_t *number)
{
    if (!parse_digits(&text, number))
        return false;
    if (*number == 0 && !*text)
        return true;
    text += *units->name || units[1].name ? strspn(text, " ") : 0;
    for (; units->name; units++) {
        if (strcasecmp(units->name, text) != 0)
            continue;
        if (__builtin_mul_overflow(*number, units->size, number))
            *number = UINT64_MAX;
        return true;
    }
    return false;
}

static bool set_number(struct value_store *store, const struct setting *setting, const char *text,
                       const char *shown, struct error *err)
{
    const struct unit *units = no_units;
    const char *remedy = "write a whole number";
    if (setting->type == SETTING_SIZE) {
        units = size_units;
        remedy = "write a whole number and a unit: bytes as B, or kB, MiB, GiB";
    } else if (setting->type == SETTING_DURATION) {
        units = duration_units;
        remedy = "write a whole number and a unit: ms, s, min, h or d";
    }
    uint64_t number;
    if (!parse_number(text, units, &number))
        return refuse(setting, shown, remedy, err);
    if (number < setting->least || number > setting->most)
        return refuse(setting, shown, "write a value in this range", err);
    uint64_t *stored = field(store, setting);
    *stored = number;
    return true;
}

static bool set_choice(struct value_store *store, const struct setting *setting, const char *text,
                       const char *shown, struct error *err)
{
    for (int i = 0; setting->choices[i]; i++) {
        if (strcmp(setting->choices[i], text) != 0)
            continue;
        memcpy(field(store, setting), &i, sizeof(i));
        return true;
    }
    return refuse(setting, shown, "write one of these words", err);
}

bool value_set(struct value_store *store, const struct setting *setting, const char *text,
               const char *shown, struct error *err)
{
    switch (setting->type) {
    case SETTING_STRING:
    case SETTING_NAME:
        return set_string(store, setting, text, shown, err);
    case SETTING_BOOL:
        return set_bool(store, setting, text, shown, err);
    case SETTING_INTEGER:
    case SETTING_SIZE:
    case SETTING_DURATION:
        return set_number(store, setting, text, shown, err);
    case SETTING_CHOICE:
        return set_choice(store, setting, text, shown, err);
    case SETTING_LIST:
    case SETTING_PROPERTY:
        break;
    }
    return error_set(err, ERROR_FATAL, "%s is no single value", setting->key);
}

bool value_set_list(struct value_store *store, const struct setting *setting,
                    const struct config_list *list, struct error *err)
{
    if (list->count < setting->least) {
        error_set(err, ERROR_CONFIG, "%s is empty", setting->key);
        return error_remedy(err, "name at least one, for example %s",
                            setting->example ? setting->example : "[a]");
    }
    struct config_list copy = {NULL, list->count};
    if (list->count > 0)
        copy.items = arena_allocate(store->memory, list->count * sizeof(*copy.items));
    for (size_t i = 0; i < list->count; i++) {
        if (!value_check(setting, list->items[i], list->items[i], err))
            return false;
        copy.items[i] = arena_copy_string(store->memory, list->items[i]);
    }
    struct config_list *stored = field(store, setting);
    *stored = copy;
    return true;
}

/* The comma that ends the item at `text`, or the end of the text. */
static const char *item_end(const char *text)
{
    bool is_quoted = false;
    for (; *text && (is_quoted || *text != ','); text++)
        if (*text == '"')
            is_quoted = !is_quoted;
    return text;
}

static char *copy_trimmed(const char *from, const char *to, struct arena *memory)
{
    while (from < to && strchr(" \t\n", *from))
        from++;
    while (to > from && strchr(" \t\n", to[-1]))
        to--;
    size_t size = (size_t)(to - from);
    char *copy = (char *)arena_allocate_bytes(memory, size + 1);
    memcpy(copy, from, size);
    copy[size] = '\0';
    return copy;
}

struct config_list value_split(const char *text, struct arena *memory)
{
    struct config_list list = {NULL, 0};
    if (!text[strspn(text, " \t\n")])
        return list;
    size_t most = 1;
    for (const char *at = text; *at; at++)
        most += *at == ',';
    list.items = arena_allocate(memory, most * sizeof(*list.items));
    for (;;) {
        const char *end = item_end(text);
        list.items[list.count++] = copy_trimmed(text, end, memory);
        if (!*end)
            return list;
        text = end + 1;
    }
}
