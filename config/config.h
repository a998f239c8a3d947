/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: one YAML file, the environment and --set, checked against the table in config/settings.c.
 *
 * A setting `source.url` is `url:` below `source:` in the file, PENSTOCK_SOURCE_URL in the environment and
 * `--set source.url=…` on the command line. --set beats the environment, which beats the file, which beats the
 * default. Lists are comma-separated in the environment and in --set. An empty environment variable counts as
 * unset; an environment variable that names no setting is not ours (Kubernetes makes some of the same form). */
#ifndef PENSTOCK_CONFIG_CONFIG_H
#define PENSTOCK_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"

struct arena;

struct config_list {
    char **items;
    size_t count;
};

enum config_synchronous_commit {
    SYNCHRONOUS_COMMIT_OFF,
    SYNCHRONOUS_COMMIT_LOCAL,
    SYNCHRONOUS_COMMIT_ON,
};

enum config_row_error {
    ROW_ERROR_STOP,
    ROW_ERROR_PARK,
};

enum config_log_format {
    CONFIG_LOG_AUTO, /* text on a terminal, else JSON */
    CONFIG_LOG_TEXT,
    CONFIG_LOG_JSON,
};

struct config_source {
    char *url;           /* may hold a password: never print it */
    char *password_file; /* NULL if not given; read it with config_read_secret() */
    bool insecure;
    struct config_list tables;  /* for config_table_matches(); never empty */
    struct config_list exclude; /* the same, may be empty */
    char *slot;
    char *publication;
};

struct config_target {
    char *url;           /* as the source's */
    char *password_file; /* as the source's */
    bool insecure;
    bool create_tables;
    enum config_synchronous_commit synchronous_commit;
    enum config_row_error on_row_error;
};

struct config_batch {
    size_t max_bytes;
    size_t max_rows;
};

struct config_pipe {
    size_t max_bytes;
};

struct config_copy {
    size_t unit_rows;
};

struct config_limits {
    size_t max_row_bytes;
};

struct config_log {
    enum log_level level;
    enum config_log_format format;
    size_t progress_seconds; /* 0: no progress lines */
};

/* Every field has its checked value: given or default. Strings are never empty. */
struct config {
    char *name;
    struct config_source source;
    struct config_target target;
    struct config_batch batch;
    struct config_pipe pipe;
    struct config_copy copy;
    struct config_limits limits;
    struct config_log log;
    struct arena *memory; /* owns all that the fields point to */
};

/* What is laid over the file. */
struct config_overrides {
    const char *const *sets; /* the arguments of --set, "key=value"; a later one wins */
    size_t set_count;
    const char *const
        *environment; /* "NAME=value", NULL at the end; NULL is an empty environment */
};

/* Reads the file at `path`; NULL means no file: environment and --set alone. To be freed with config_free().
 * NULL: the reason and the remedy are in err, ERROR_CONFIG, "penstock.yml:12:5: …"; passwords never are. */
struct config *config_load(const char *path, const struct config_overrides *overrides,
                           struct error *err) MUST_USE;

/* The same from memory; `file_name` is for messages only. The permissions of the file are config_load()'s. */
struct config *config_parse(struct bytes text, const char *file_name,
                            const struct config_overrides *overrides, struct error *err) MUST_USE;

void config_free(struct config *config);

/* For SCOPED_CONFIG. */
void config_release(struct config **config);
#define SCOPED_CONFIG CLEANUP(config_release) struct config *

#endif
