/* SPDX-License-Identifier: Apache-2.0 */
/* From the configuration to connections. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "cli/command.h"
#include "config/patterns.h"
#include "config/secrets.h"

/* A running target transaction may go on for this long after SIGTERM (DESIGN §9). */
enum { TARGET_GRACE_MS = 8000 };

/* The password of an endpoint that is used, where its file is named; `key` is the setting that names it. */
static bool read_password(const char *url, const char *path, const char *key, char **password,
                          struct error *err)
{
    if (!url || !path)
        return true;
    *password = config_read_secret(path, err);
    return *password || error_add(err, "%s", key);
}

bool endpoints_read(struct endpoints *endpoints, const struct config *config, struct error *err)
{
    const char *source_url = config->parts & CONFIG_SOURCE ? config->source.url : NULL;
    const char *target_url = config->parts & CONFIG_TARGET ? config->target.url : NULL;
    *endpoints = (struct endpoints){.source = {.what = "source",
                                               .url = source_url,
                                               .is_insecure_allowed = config->source.insecure,
                                               .stop = command_stop_flag()},
                                    .target = {.what = "target",
                                               .url = target_url,
                                               .is_insecure_allowed = config->target.insecure,
                                               .stop = command_stop_flag(),
                                               .grace_ms = TARGET_GRACE_MS}};
    if (!read_password(source_url, config->source.password_file, "source.password_file",
                       &endpoints->source_password, err) ||
        !read_password(target_url, config->target.password_file, "target.password_file",
                       &endpoints->target_password, err)) {
        endpoints_release(endpoints);
        return false;
    }
    endpoints->source.password = endpoints->source_password;
    endpoints->target.password = endpoints->target_password;
    return true;
}

void endpoints_release(struct endpoints *endpoints)
{
    config_secret_free(endpoints->source_password);
    config_secret_free(endpoints->target_password);
    endpoints->source_password = NULL;
    endpoints->target_password = NULL;
}

bool endpoints_want_table(const void *context, const char *schema, const char *name)
{
    const struct config *config = context;
    return strcmp(schema, "penstock") != 0 &&
           config_table_matches(&config->source.tables, schema, name) &&
           !config_table_matches(&config->source.exclude, schema, name);
}

bool endpoints_sink_wants_table(const void *context, const char *schema, const char *name)
{
    const struct config *config = context;
    return config->kafka.count == 0 || (config_table_matches(&config->sink.tables, schema, name) &&
                                        !config_table_matches(&config->sink.exclude, schema, name));
}

static void write_list(struct byte_buffer *text, const struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        write_string(text, list->items[i]);
    write_u8(text, 0xff);
}

void endpoints_hash_filter(const struct config *config, char *hash)
{
    SCOPED_BUFFER text;
    byte_buffer_init(&text, SIZE_MAX);
    write_list(&text, &config->source.tables);
    write_list(&text, &config->source.exclude);
    snprintf(hash, FILTER_HASH_SIZE, "%016" PRIx64, XXH3_64bits(text.data, text.size));
}

struct connection *command_connect(const struct connection_options *options, int patience_ms,
                                   struct error *err)
{
    int64_t deadline = clock_now_ms(&system_clock) + patience_ms;
    for (unsigned attempt = 0;; attempt++) {
        struct connection *connection = connection_open(options, err);
        if (connection || err->kind != ERROR_RETRY || clock_now_ms(&system_clock) >= deadline)
            return connection;
        if (stop_flag_wait(command_stop_flag(), backoff_ms(attempt, attempt * 7919))) {
            error_set(err, ERROR_ENDED, "ended on request");
            return NULL;
        }
    }
}

const char *endpoints_sink_name(const struct config *config)
{
    return config->kafka.count > 0 ? config->sink.name : config->name;
}
