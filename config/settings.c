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
#define DAY UINT64_C(86400000)

#define FIELD(type, field)     SETTING_##type, offsetof(struct config, field)
#define RANGE(smallest, great) .least = (smallest), .most = (great)

static const char *const synchronous_commits[] = {"off", "local", "on", NULL};
static const char *const row_errors[] = {"stop", "park", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"auto", "text", "json", NULL};

#define URL_FORM "postgres://user@host/database or host=… user=… dbname=…"
#define HTTP_FORM                                                                                  \
    "http://host or https://host, perhaps with a port and a path, without user and password"
#define PATTERNS_FORM        "list of schema.table patterns"
#define REQUIRED_FOR(needed) .is_required = true, .part = (needed)
#define PASSWORD_FILE        "a file that holds only the password, mode 0640 or less"
#define INSECURE                                                                                   \
    "allow connections to a host other than this one without verified TLS: anyone on the way "     \
    "can then read and change what is replicated"

const struct setting settings[] = {
    {"name", FIELD(NAME, name), REQUIRED_FOR(CONFIG_EVERY), .example = "shop",
     .summary = "what this replication is called: the slot, the publication, the topics and the "
                "checkpoint in the target are named after it, so it must stay the same"},

    {"source.url", FIELD(STRING, source.url), .problem = url_problem, .form = URL_FORM,
     REQUIRED_FOR(CONFIG_SOURCE), .is_secret = true, .takes_password = true,
     .example = "postgres://penstock@db1.example.com/shop",
     .summary = "where changes come from; keep the password out of it, in `source.password_file`"},
    {"source.password_file", FIELD(STRING, source.password_file), .form = "path",
     .summary = PASSWORD_FILE},
    {"source.insecure", FIELD(BOOL, source.insecure), .initial = "false", .summary = INSECURE},
    {"source.tables", FIELD(LIST, source.tables), .problem = config_pattern_problem, .least = 1,
     .form = PATTERNS_FORM, REQUIRED_FOR(CONFIG_SOURCE), .example = "[\"public.*\"]",
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
     REQUIRED_FOR(CONFIG_TARGET), .is_secret = true, .takes_password = true,
     .example = "postgres://penstock@db2.example.com/shop",
     .summary =
         "where changes are applied; keep the password out of it, in `target.password_file`"},
    {"target.password_file", FIELD(STRING, target.password_file), .form = "path",
     .summary = PASSWORD_FILE},
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
    {"kafka.bootstrap.servers", FIELD(PROPERTY, kafka), .form = "host:port, several with commas",
     REQUIRED_FOR(CONFIG_KAFKA), .example = "kafka1.example.com:9092",
     .summary = "the brokers to ask first"},
    {"kafka.insecure", FIELD(BOOL, kafka.insecure), .initial = "false", .summary = INSECURE},

    {"topics.prefix", FIELD(STRING, topics.prefix), .problem = prefix_problem, .most = 100,
     .form = "letters, digits, ., _ and -, at most 100", .initial = "<name>",
     .summary =
         "what the topics' names begin with: `<prefix>.<schema>.<table>`; must stay the same"},
    {"topics.partitions", FIELD(INTEGER, topics.partitions), .initial = "1", RANGE(1, 1000),
     .summary = "how many partitions a new topic of rows has; rows of one key share one"},
    {"topics.replication", FIELD(INTEGER, topics.replication), .initial = "0", RANGE(0, 15),
     .summary = "on how many brokers a new topic is kept; 0 for the brokers' default"},
    {"topics.retention", FIELD(DURATION, topics.retention_ms), .initial = "7 d",
     RANGE(0, 3650 * DAY),
     .summary = "how long a new topic keeps its messages; 0 for ever. A sink that is away for "
                "longer needs a new copy"},
    {"topics.max_message_bytes", FIELD(SIZE, topics.max_message_bytes), .initial = "16 MiB",
     RANGE(1 * MIB, GIB),
     .summary = "the largest message that a new topic of rows takes, a row and its old one before "
                "compression; a larger one stops the capture"},
    {"topics.allow_compaction", FIELD(BOOL, topics.allow_compaction), .initial = "false",
     .summary = "use topics of rows that Kafka compacts: sinks can then no longer apply whole "
                "transactions once messages are gone"},
    {"topics.tombstones", FIELD(BOOL, topics.tombstones), .initial = "true",
     .summary = "after each delete, a message with the key and no value, as Debezium writes it; "
                "must stay the same"},

    {"registry.url", FIELD(STRING, registry.url), .problem = url_http_problem, .form = HTTP_FORM,
     .is_secret = true,
     .summary = "a schema registry of Confluent's interface; without it Penstock keeps the schemas "
                "in the topic `_schemas` itself"},
    {"registry.user", FIELD(STRING, registry.user), .problem = user_problem, .most = 255,
     .form = "text without a colon, at most 255 bytes", .summary = "for the registry"},
    {"registry.password_file", FIELD(STRING, registry.password_file), .form = "path",
     .summary = PASSWORD_FILE},
    {"registry.ca_file", FIELD(STRING, registry.ca_file), .form = "path",
     .summary = "the certificates that may sign the registry's, PEM; without it the system's"},
    {"registry.timeout", FIELD(DURATION, registry.timeout_ms), .initial = "5 s", RANGE(100, 60000),
     .summary = "how long the registry may take for an answer"},
    {"registry.insecure", FIELD(BOOL, registry.insecure), .initial = "false", .summary = INSECURE},

    {"sink.name", FIELD(NAME, sink.name), .initial = "<name>",
     .summary = "what this sink's checkpoint in the target is called; must stay the same. Sinks "
                "into one database need different ones"},
    {"sink.tables", FIELD(LIST, sink.tables), .problem = config_pattern_problem, .least = 1,
     .form = PATTERNS_FORM, .initial = "*.*", .example = "[\"public.*\"]",
     .summary = "the tables to apply, of those that the topics hold"},
    {"sink.exclude", FIELD(LIST, sink.exclude), .problem = config_pattern_problem,
     .form = PATTERNS_FORM, .initial = "", .example = "[\"public.*_log\"]",
     .summary = "tables to leave out, though they match `sink.tables`"},

    {"queue.max_bytes", FIELD(SIZE, queue.max_bytes), .initial = "16 MiB", RANGE(MIB, GIB),
     .summary = "how many bytes may wait in Kafka's client, of the capture and of the sink each"},

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

_Static_assert(sizeof(enum log_level) == sizeof(int), "a CHOICE is stored as an int");
