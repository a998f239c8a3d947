/* SPDX-License-Identifier: Apache-2.0 */
/* Parses any bytes as a configuration; a refusal must say why and must not show what came from the environment. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "config/config.h"
#include "config/patterns.h"
#include "config/properties.h"

#define SECRET "hunter2-from-the-environment"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const environment[] = {"SECRET=" SECRET, "EMPTY=", "A=a", NULL};
static const char *const kafka_environment[] = {"SECRET=" SECRET, "A=a",
                                                "PENSTOCK_KAFKA_SASL_PASSWORD=" SECRET, NULL};

static const struct config_needs run_needs = {"run", CONFIG_SOURCE | CONFIG_TARGET, CONFIG_KAFKA,
                                              0};
static const struct config_needs sink_needs = {"sink", CONFIG_KAFKA | CONFIG_TARGET, 0, 0};
static const struct config_needs check_needs = {"check", 0,
                                                CONFIG_SOURCE | CONFIG_TARGET | CONFIG_KAFKA, 0};

static void require(bool is_met)
{
    if (!is_met)
        abort();
}

/* An input that holds the secret itself may be shown: the fuzzer finds it, by watching comparisons. */
static void check_refusal(const struct error *err, const uint8_t *data, size_t size)
{
    require(err->kind == ERROR_CONFIG && err->message[0] && err->remedy[0]);
    if (size > 0 && memmem(data, size, SECRET, strlen(SECRET)))
        return;
    require(!strstr(err->message, SECRET) && !strstr(err->remedy, SECRET));
}

static void check_config(const struct config *config, const struct config_needs *needs)
{
    require(config->name[0] && config->source.slot[0] && config->source.publication[0]);
    require(config->sink.name[0] && config->topics.prefix[0] && config->sink.tables.count > 0);
    bool has_source = config->source.url && config->source.tables.count > 0;
    require(has_source || !(needs->parts & CONFIG_SOURCE));
    require(config->target.url || !(needs->parts & CONFIG_TARGET));
    require(has_source || config->target.url || config->kafka.count > 0);
    require(config->batch.max_rows > 0);
    if (config_table_matches(&config->source.tables, "public", "größe"))
        require(!config_table_matches(&(struct config_list){NULL, 0}, "public", "größe"));
}

/* Each property once, under a name that is one. */
static void check_properties(const struct config_kafka *kafka)
{
    for (size_t i = 0; i < kafka->count; i++) {
        const struct config_property *property = &kafka->properties[i];
        require(!property_problem(property->name) && property->value[0]);
        require(property->is_secret == property_is_secret(property->name));
        for (size_t j = 0; j < i; j++)
            require(strcmp(kafka->properties[j].name, property->name) != 0);
    }
}

static void try_file(const struct config_needs *needs, const char *const *variables,
                     const uint8_t *data, size_t size)
{
    struct config_overrides overrides = {.environment = variables};
    struct error err;
    error_clear(&err);
    SCOPED_CONFIG config =
        config_parse((struct bytes){data, size}, "penstock.yml", &overrides, needs, &err);
    if (!config) {
        check_refusal(&err, data, size);
        return;
    }
    check_config(config, needs);
    check_properties(&config->kafka);
}

/* The bytes as the value of --set, too. */
static void try_set(const char *key, const uint8_t *data, size_t size)
{
    char set[512];
    size_t key_size = strlen(key);
    size_t value_size = size < sizeof(set) - key_size - 1 ? size : sizeof(set) - key_size - 1;
    memcpy(set, key, key_size);
    if (value_size > 0)
        memcpy(set + key_size, data, value_size);
    set[key_size + value_size] = '\0';
    const char *const sets[] = {set};
    struct config_overrides overrides = {.sets = sets, .set_count = 1};
    struct error err;
    error_clear(&err);
    SCOPED_CONFIG config = config_load(NULL, &overrides, &run_needs, &err);
    require(!config);
    check_refusal(&err, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_file(&run_needs, environment, data, size);
    try_file(&sink_needs, kafka_environment, data, size);
    try_file(&check_needs, environment, data, size);
    try_set("source.url=", data, size);
    try_set("source.tables=", data, size);
    try_set("batch.max_bytes=", data, size);
    try_set("kafka.", data, size);
    try_set("kafka.sasl.password=", data, size);
    try_set("registry.url=", data, size);
    try_set("", data, size);
    return 0;
}
