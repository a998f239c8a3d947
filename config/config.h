/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: one YAML file, the environment and --set, checked against the table in config/settings.c.
 *
 * A setting `source.url` is `url:` below `source:` in the file, PENSTOCK_SOURCE_URL in the environment and
 * `--set source.url=…` on the command line. --set beats the environment, which beats the file, which beats the
 * default. Lists are comma-separated in the environment and in --set. An empty environment variable counts as
 * unset; an environment variable that names no setting is not ours (Kubernetes makes some of the same form). What is
 * below `kafka:` goes to librdkafka as it is, see config/properties.h. */
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

/* What a command may need. Settings are required by the commands that need their part. */
enum config_part {
    CONFIG_EVERY = 0, /* needed whatever the command */
    CONFIG_SOURCE = 1,
    CONFIG_TARGET = 2,
    CONFIG_KAFKA = 4,
};

/* What a command needs of a configuration. */
struct config_needs {
    const char *command; /* its name, for messages: "sink" */
    unsigned parts;      /* enum config_part, together: they must be there */
    unsigned optional;   /* the same: used, and then complete, if there; one is, if `parts` is 0 */
    unsigned parts_of_pipe; /* the same: they must be there unless Kafka is */
};

struct config_source {
    char *url;           /* NULL if not given. May hold a password: never print it */
    char *password_file; /* NULL if not given; read it with config_read_secret() */
    bool insecure;
    struct config_list tables;  /* for config_table_matches(); empty without `url` only */
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

/* One of librdkafka's. */
struct config_property {
    char *name;
    char *value;    /* not empty; the secret itself if a file was named */
    bool is_secret; /* never to be shown */
};

/* Empty for a command that doesn't use Kafka. Each property once, to be set in this order: of two names for the same, the
 * last one wins. */
struct config_kafka {
    struct config_property *properties;
    size_t count;
    bool insecure;
};

struct config_topics {
    char *prefix;
    size_t partitions;
    size_t replication;   /* 0: the broker's default */
    int64_t retention_ms; /* 0: for ever */
    size_t max_message_bytes;
    bool allow_compaction;
    bool tombstones;
};

struct config_registry {
    char *url;           /* NULL: the built-in one */
    char *user;          /* NULL if not given */
    char *password_file; /* as the source's */
    char *ca_file;       /* NULL if not given */
    int64_t timeout_ms;
    bool insecure;
};

struct config_sink {
    char *name;
    struct config_list tables;  /* as the source's; never empty */
    struct config_list exclude; /* the same, may be empty */
};

struct config_queue {
    size_t max_bytes;
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

/* Every field has its checked value: given or default. Strings are never empty. What a part requires is sure to be there
 * if `parts` has the part. */
struct config {
    unsigned parts; /* enum config_part, together: what the command uses and what is there */
    char *name;
    struct config_source source;
    struct config_target target;
    struct config_kafka kafka;
    struct config_topics topics;
    struct config_registry registry;
    struct config_sink sink;
    struct config_queue queue;
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
                           const struct config_needs *needs, struct error *err) MUST_USE;

/* The same from memory; `file_name` is for messages only. The permissions of the file are config_load()'s. */
struct config *config_parse(struct bytes text, const char *file_name,
                            const struct config_overrides *overrides,
                            const struct config_needs *needs, struct error *err) MUST_USE;

void config_free(struct config *config);

/* For SCOPED_CONFIG. */
void config_release(struct config **config);
#define SCOPED_CONFIG CLEANUP(config_release) struct config *

#endif
