/* SPDX-License-Identifier: Apache-2.0 */
/* What a subcommand gets and gives. The one table of subcommands is in cli/main.c. */
#ifndef PENSTOCK_CLI_COMMAND_H
#define PENSTOCK_CLI_COMMAND_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/stop_flag.h"
#include "config/config.h"
#include "postgres/connection.h"

/* The command line, parsed. */
struct arguments {
    const char *config_path; /* -c */
    const char **sets;       /* --set key=value, in order */
    size_t set_count;
    const char *operand;  /* what follows the options, where the command takes it */
    bool is_json;         /* --json */
    bool until_caught_up; /* --until-caught-up */
    bool adopts_slot;     /* --adopt-slot */
};

struct command {
    const char *name;
    const char *summary;
    const char *help;        /* options and an example, after the usage line */
    const char *options;     /* the long options that it takes, each between blanks: " set json " */
    const char *operand;     /* what must follow the options, as help calls it: "TOPIC"; or NULL */
    unsigned needs;          /* enum config_part, together: what must be configured */
    unsigned uses;           /* the same: what is used if it is configured */
    unsigned needs_for_pipe; /* the same: what must be configured unless Kafka is */
    /* Returns the exit code. `config` is NULL if the command needs and uses nothing. */
    enum exit_code (*run)(const struct arguments *arguments, const struct config *config);
};

enum exit_code command_run(const struct arguments *arguments, const struct config *config);
enum exit_code command_capture(const struct arguments *arguments, const struct config *config);
enum exit_code command_sink(const struct arguments *arguments, const struct config *config);
enum exit_code command_cat(const struct arguments *arguments, const struct config *config);
enum exit_code command_check(const struct arguments *arguments, const struct config *config);
enum exit_code command_status(const struct arguments *arguments, const struct config *config);
enum exit_code command_verify(const struct arguments *arguments, const struct config *config);
enum exit_code command_version(const struct arguments *arguments, const struct config *config);

/* Logs the error as the end of the process and returns its exit code. */
enum exit_code command_stopped(const struct error *err);

/* The flag that SIGTERM and SIGINT set; a second signal ends the process at once. */
struct stop_flag *command_stop_flag(void);

/* How to connect, with passwords read from their files; release it with endpoints_release(). What the command doesn't
 * use has no url. */
struct endpoints {
    struct connection_options source;
    struct connection_options target;
    char *source_password;
    char *target_password;
};

bool endpoints_read(struct endpoints *endpoints, const struct config *config,
                    struct error *err) MUST_USE;
void endpoints_release(struct endpoints *endpoints);

/* Whether source.tables and source.exclude choose the table, which is none of our own; `context` is the configuration. */
bool endpoints_want_table(const void *context, const char *schema, const char *name);

/* Whether sink.tables and sink.exclude choose the table; without Kafka all that are captured are. `context` as above. */
bool endpoints_sink_wants_table(const void *context, const char *schema, const char *name);

/* A hash of source.tables and source.exclude, which R records: 16 hexadecimal digits. */
enum { FILTER_HASH_SIZE = 17 };
void endpoints_hash_filter(const struct config *config, char *hash);

/* What the checkpoint in the target is called: the sink's name over Kafka, else the pipeline's. */
const char *endpoints_sink_name(const struct config *config);

/* Opens a session, trying again while the server is away, for at most `patience_ms`. */
struct connection *command_connect(const struct connection_options *options, int patience_ms,
                                   struct error *err) MUST_USE;

/* How long check, status, verify and `run --until-caught-up` wait for a server that is away. */
enum { COMMAND_PATIENCE_MS = 30000 };

#endif
