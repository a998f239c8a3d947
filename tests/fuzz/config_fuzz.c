/* SPDX-License-Identifier: Apache-2.0 */
/* Parses any bytes as a configuration; a refusal must say why and must not show what came from the environment. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "config/config.h"
#include "config/patterns.h"

#define SECRET "hunter2-from-the-environment"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const environment[] = {"SECRET=" SECRET, "EMPTY=", "A=a", NULL};

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

static void check_config(const struct config *config)
{
    require(config->name[0] && config->source.slot[0] && config->source.publication[0]);
    require(config->source.tables.count > 0 && config->batch.max_rows > 0);
    if (config_table_matches(&config->source.tables, "public", "größe"))
        require(!config_table_matches(&(struct config_list){NULL, 0}, "public", "größe"));
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
    SCOPED_CONFIG config = config_load(NULL, &overrides, &err);
    require(!config);
    check_refusal(&err, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_overrides overrides = {.environment = environment};
    struct error err;
    error_clear(&err);
    SCOPED_CONFIG config =
        config_parse((struct bytes){data, size}, "penstock.yml", &overrides, &err);
    if (config)
        check_config(config);
    else
        check_refusal(&err, data, size);
    try_set("source.url=", data, size);
    try_set("source.tables=", data, size);
    try_set("batch.max_bytes=", data, size);
    try_set("", data, size);
    return 0;
}
