/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of settings: a new one is an entry here and a field in struct config. */
#include "config/config.h"
#include "config/names.h"
#include "config/patterns.h"
#include "config/setting.h"
#include "config/url.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define FIELD(type, field)     SETTING_##type, offsetof(struct config, field)
#define RANGE(smallest, great) .least = (smallest), .most = (great)

static const char *const synchronous_commits[] = {"off", "local", "on", NULL};
static const char *const row_errors[] = {"stop", "park", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"auto", "text", "json", NULL};

#define URL_FORM      "postgres://user@host/database or host=… user=… dbname=…"
#define PATTERNS_FORM "list of schema.table patterns"
#define INSECURE                                                                                   \
    "allow connections to a host other than this one without verified TLS: anyone on the way "     \
    "can then read and change what is replicated"

const struct setting settings[] = {
    {"name", FIELD(NAME, name), .is_required = true, .example = "shop",
     .summary = "what this replication is called: the slot, the publication and the checkpoint in "
                "the target are named after it, so it must stay the same"},

    {"source.url", FIELD(STRING, source.url), .problem = url_problem, .form = URL_FORM,
     .is_required = true, .is_secret = true, .example = "postgres://penstock@db1.example.com/shop",
     .summary = "where changes come from; keep the password out of it, in `source.password_file`"},
    {"source.password_file", FIELD(STRING, source.password_file), .form = "path",
     .summary = "a file that holds only the password, mode 0640 or less"},
    {"source.insecure", FIELD(BOOL, source.insecure), .initial = "false", .summary = INSECURE},
    {"source.tables", FIELD(LIST, source.tables), .problem = config_pattern_problem, .least = 1,
     .form = PATTERNS_FORM, .is_required = true, .example = "[\"public.*\"]",
     .summary = "the tables to replicate"},
    {"source.exclude", FIELD(LIST, source.exclude), .problem = config_pattern_problem,
     .form = PATTERNS_FORM, .initial = "", .example = "[\"public.*_log\"]",
     .summary = "tables to leave out, though they match `source.tables`"},
    {"source.slot", FIELD(STRING, source.slot), .problem = slot_problem, .most = 63,
     .form = "lower-case letters, digits and _, at most 63", .initial = "penstock_<name>",
     .summary = "the replication slot"},
    {"source.publication", FIELD(STRING, source.publication), .most = 56, .form = "1 to 56 bytes",
     .initial = "penstock_<name>",
     .summary = "the publication; tables without a key go into a second one, named the same with "
                "`_insert` at the end"},

    {"target.url", FIELD(STRING, target.url), .problem = url_problem, .form = URL_FORM,
     .is_required = true, .is_secret = true, .example = "postgres://penstock@db2.example.com/shop",
     .summary =
         "where changes are applied; keep the password out of it, in `target.password_file`"},
    {"target.password_file", FIELD(STRING, target.password_file), .form = "path",
     .summary = "a file that holds only the password, mode 0640 or less"},
    {"target.insecure", FIELD(BOOL, target.insecure), .initial = "false", .summary = INSECURE},
    {"target.create_tables", FIELD(BOOL, target.create_tables), .initial = "false",
     .summary = "create tables that the target doesn't have"},
    {"target.synchronous_commit", FIELD(CHOICE, target.synchronous_commit), .initial = "off",
     .choices = synchronous_commits,
     .summary = "PostgreSQL's synchronous_commit in the target; `off` is fast and loses nothing, "
                "because the source keeps changes until the target has them on disk"},

    {"target.on_row_error", FIELD(CHOICE, target.on_row_error), .initial = "stop",
     .choices = row_errors,
     .summary = "what to do with a change that the target refuses: `stop`, or `park` it in the "
                "target's `penstock.parked` and go on, with later changes of its key parked too"},

    {"batch.max_bytes", FIELD(SIZE, batch.max_bytes), .initial = "8 MiB",
     RANGE(64 * KIB, 256 * MIB), .summary = "how many bytes of changes one target commit holds"},
    {"batch.max_rows", FIELD(INTEGER, batch.max_rows), .initial = "20000", RANGE(1, 1000000),
     .summary = "how many rows one target commit holds; a larger source transaction still commits "
                "as one"},

    {"pipe.max_bytes", FIELD(SIZE, pipe.max_bytes), .initial = "8 MiB", RANGE(64 * KIB, GIB),
     .summary = "how many bytes may wait between reading from the source and applying"},

    {"copy.unit_rows", FIELD(INTEGER, copy.unit_rows), .initial = "10000", RANGE(1, 10000),
     .summary = "how many rows of the initial copy make one unit"},

    {"limits.max_row_bytes", FIELD(SIZE, limits.max_row_bytes), .initial = "256 MiB",
     RANGE(64 * KIB, GIB), .summary = "the largest row; a larger one stops the replication"},

    {"log.level", FIELD(CHOICE, log.level), .initial = "info", .choices = log_levels,
     .summary = "the least important events that are logged"},
    {"log.format", FIELD(CHOICE, log.format), .initial = "auto", .choices = log_formats,
     .summary = "how they are written; `auto` is text on a terminal, else JSON"},
    {"log.progress_seconds", FIELD(INTEGER, log.progress_seconds), RANGE(0, 3600), .initial = "10",
     .summary = "how often `run` logs its progress while there is some; 0 for never"},
};

const size_t setting_count = sizeof(settings) / sizeof(settings[0]);

const struct later_setting later_settings[] = {
    {"kafka", "the Kafka transport isn't in this version",
     "remove it: without it `penstock run` replicates through the pipe, in one process"},
};

const size_t later_setting_count = sizeof(later_settings) / sizeof(later_settings[0]);

_Static_assert(sizeof(enum log_level) == sizeof(int), "a CHOICE is stored as an int");
