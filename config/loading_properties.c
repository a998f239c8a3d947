/* SPDX-License-Identifier: Apache-2.0 */
/* Takes librdkafka's properties, each once, and reads the files of those that are secrets. */
#include <stdio.h>
#include <string.h>

#include "config/loading.h"
#include "config/properties.h"
#include "config/quote.h"
#include "config/secrets.h"

#define FILE_ENDING "_file"

/* `_` in a variable is `.`: so who follows the habit of …_FILE asks for what isn't there. */
#define DOTTED_FILE_ENDING ".file"

static bool refuse_dotted_file(struct loading *loading, const char *secret)
{
    char name[PROPERTY_NAME_SIZE + sizeof(FILE_ENDING)];
    char variable[PROPERTY_ENVIRONMENT_SIZE];
    snprintf(name, sizeof(name), "%s" FILE_ENDING, secret);
    error_set(loading->err, ERROR_CONFIG,
              PROPERTY_SECTION ".%s" DOTTED_FILE_ENDING
                               " is unknown — did you mean \"" PROPERTY_SECTION ".%s\"?",
              secret, name);
    return error_remedy(loading->err, "write \"%s\", in the environment %s", name,
                        property_environment_name(name, variable));
}

bool loading_check_property(struct loading *loading, const char *name)
{
    char quoted[QUOTE_SIZE];
    char secret[PROPERTY_NAME_SIZE];
    const char *problem = property_problem(name);
    if (problem) {
        quote_key(name, quoted);
        error_set(loading->err, ERROR_CONFIG, PROPERTY_SECTION ": the name%s%s %s",
                  *quoted ? " " : "", quoted, problem);
        return error_remedy(loading->err,
                            "write it as in librdkafka's CONFIGURATION.md, for example linger.ms");
    }
    if (property_is_secret_with(name, DOTTED_FILE_ENDING, secret))
        return refuse_dotted_file(loading, secret);
    return true;
}

static bool refuse_text(struct loading *loading, const char *name, const char *problem,
                        const char *remedy)
{
    error_set(loading->err, ERROR_CONFIG, PROPERTY_SECTION ".%s %s", name, problem);
    return error_remedy(loading->err, "%s", remedy);
}

static bool check_text(struct loading *loading, const char *name, const char *text)
{
    size_t size = strlen(text);
    if (size == 0)
        return refuse_text(loading, name, "is empty", "give it a value, or remove it");
    if (size > PROPERTY_MAX_VALUE)
        return refuse_text(loading, name, "is longer than 64 KiB", "shorten it");
    if (!bytes_are_utf8((struct bytes){(const uint8_t *)text, size}))
        return refuse_text(loading, name, "is not UTF-8", "give it as UTF-8");
    return true;
}

static struct given_property *find(struct loading *loading, const char *name)
{
    for (size_t i = 0; i < loading->property_count; i++)
        if (!strcmp(loading->properties[i].name, name))
            return &loading->properties[i];
    return NULL;
}

static bool refuse_second(struct loading *loading, const char *name)
{
    error_set(loading->err, ERROR_CONFIG, PROPERTY_SECTION ".%s is given twice", name);
    if (property_is_secret(name))
        return error_remedy(loading->err, "keep one of %s and %s" FILE_ENDING, name, name);
    return error_remedy(loading->err, "keep one of the two");
}

/* Makes room at the end: librdkafka knows some properties by two names, and takes what is set last. */
static bool forget(struct loading *loading, enum loading_layer layer, const char *name)
{
    struct given_property *earlier = find(loading, name);
    if (!earlier && loading->property_count == PROPERTY_MAX_COUNT) {
        error_set(loading->err, ERROR_CONFIG, "%s has more than %d properties", PROPERTY_SECTION,
                  PROPERTY_MAX_COUNT);
        return error_remedy(loading->err, "remove those that stand at their default");
    }
    if (!earlier)
        return true;
    if (earlier->layer == layer && layer != LAYER_SET)
        return refuse_second(loading, name);
    size_t behind = loading->property_count - (size_t)(earlier - loading->properties) - 1;
    memmove(earlier, earlier + 1, behind * sizeof(*earlier));
    loading->property_count--;
    return true;
}

bool loading_take_property(struct loading *loading, enum loading_layer layer, const char *name,
                           const char *text)
{
    char secret[PROPERTY_NAME_SIZE];
    bool is_file = property_is_secret_with(name, FILE_ENDING, secret);
    if (!check_text(loading, name, text))
        return false;
    name = is_file ? secret : name;
    if (!forget(loading, layer, name))
        return false;
    loading->properties[loading->property_count++] =
        (struct given_property){.name = arena_copy_string(loading->store.memory, name),
                                .text = arena_copy_string(loading->store.memory, text),
                                .is_file = is_file,
                                .layer = layer};
    char key[sizeof(PROPERTY_SECTION) + PROPERTY_NAME_SIZE];
    snprintf(key, sizeof(key), PROPERTY_SECTION ".%s", name);
    const struct setting *setting = setting_find(key);
    if (setting)
        loading_mark_given(loading, setting);
    return true;
}

/* How much of a variable's name to show: no control characters, and not without end. */
static int shown_size(const char *variable)
{
    enum { MOST = 80 };
    size_t size =
        strspn(variable, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
    return size < MOST ? (int)size : MOST;
}

/* `variable` is "PENSTOCK_KAFKA_LINGER_MS=5". An empty one counts as unset, as everywhere. */
static bool take_variable(struct loading *loading, const char *variable)
{
    const char *encoded = variable + strlen(PROPERTY_ENVIRONMENT);
    const char *equals = strchr(variable, '=');
    char name[PROPERTY_NAME_SIZE];
    if (!equals || !equals[1] || property_is_of_kubernetes(encoded))
        return true;
    if (!property_from_environment(encoded, name)) {
        error_set(loading->err, ERROR_CONFIG, "it stands for no property of Kafka");
        return error_remedy(loading->err,
                            "write . as _, _ as __ and - as ___: " PROPERTY_ENVIRONMENT
                            "LINGER_MS is linger.ms");
    }
    if (property_is_setting(name))
        return true;
    return loading_check_property(loading, name) &&
           loading_take_property(loading, LAYER_ENVIRONMENT, name, equals + 1);
}

bool loading_take_property_variables(struct loading *loading)
{
    const char *const *variable = loading->overrides->environment;
    for (; variable && *variable; variable++) {
        bool is_property = !strncmp(*variable, PROPERTY_ENVIRONMENT, strlen(PROPERTY_ENVIRONMENT));
        if (is_property && !take_variable(loading, *variable))
            return error_add(loading->err, "%.*s", shown_size(*variable), *variable);
    }
    return true;
}

/* The value, in the configuration's memory, or NULL. */
static char *read_value(struct loading *loading, const struct given_property *given)
{
    if (!given->is_file)
        return given->text;
    char *secret = config_read_secret(given->text, loading->err);
    if (!secret) {
        error_add(loading->err, PROPERTY_SECTION ".%s" FILE_ENDING, given->name);
        return NULL;
    }
    char *copy = arena_copy_string(loading->store.memory, secret);
    config_secret_free(secret);
    return copy;
}

bool loading_complete_properties(struct loading *loading)
{
    struct config *config = loading->store.base;
    struct config_kafka *kafka = &config->kafka;
    if (!(config->parts & CONFIG_KAFKA))
        return true;
    kafka->properties = arena_allocate(loading->store.memory,
                                       (loading->property_count + 1) * sizeof(*kafka->properties));
    for (size_t i = 0; i < loading->property_count; i++) {
        const struct given_property *given = &loading->properties[i];
        char *value = read_value(loading, given);
        if (!value)
            return false;
        kafka->properties[kafka->count++] = (struct config_property){
            .name = given->name, .value = value, .is_secret = property_is_secret(given->name)};
    }
    return true;
}
