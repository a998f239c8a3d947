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

bool endpoints_read(struct endpoints *endpoints, const struct config *config, struct error *err)
{
    *endpoints = (struct endpoints){.source = {.what = "source",
                                               .url = config->source.url,
                                               .is_insecure_allowed = config->source.insecure,
                                               .stop = command_stop_flag()},
                                    .target = {.what = "target",
                                               .url = config->target.url,
                                               .is_insecure_allowed = config->target.insecure,
                                               .stop = command_stop_flag(),
                                               .grace_ms = TARGET_GRACE_MS}};
    if (config->source.password_file) {
        endpoints->source_password = config_read_secret(config->source.password_file, err);
        if (!endpoints->source_password)
            return error_add(err, "source.password_file");
    }
    if (config->target.password_file) {
        endpoints->target_password = config_read_secret(config->target.password_file, err);
        if (!endpoints->target_password) {
            endpoints_release(endpoints);
            return error_add(err, "target.password_file");
        }
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
