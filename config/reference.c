/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the table of settings as a page of documentation. */
#include "config/reference.h"

#include <string.h>

#include "config/setting.h"

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "<!-- Generated from config/settings.c by tests/unit/config/reference_test.c: do not edit. "
    "-->\n"
    "\n"
    "Penstock reads one YAML file; `config/examples/` has some to start from. The smallest for\n"
    "`penstock run`, which replicates in one process and without Kafka:\n"
    "\n";

static const char over_kafka[] = "\n"
                                 "Over Kafka the two halves are processes of their own, "
                                 "`penstock capture` and `penstock sink`,\n"
                                 "each with its file or both with one. With Kafka `penstock run` "
                                 "is both halves in one process.\n"
                                 "The smallest for `penstock capture`:\n"
                                 "\n";

static const char to_target[] = "\n"
                                "And for `penstock sink`:\n"
                                "\n";

static const char rules[] =
    "\n"
    "## Rules\n"
    "\n"
    "- A setting `source.url` is `url:` below `source:` in the file, `PENSTOCK_SOURCE_URL` in the\n"
    "  environment, `--set source.url=…` on the command line. `--set` beats the environment, "
    "which\n"
    "  beats the file, which beats the default.\n"
    "- Lists are separated by commas in the environment and in `--set`. An empty environment "
    "variable\n"
    "  counts as unset.\n"
    "- In the file, `${NAME}` in a value is replaced with an environment variable, and\n"
    "  `${NAME:-default}` with the default if the variable is unset or empty. `$${` stands for "
    "`${`.\n"
    "- An unknown key, a key given twice, and a value of the wrong type or out of range are "
    "errors\n"
    "  with their line and column. Aliases, anchors, tags and several documents are refused.\n"
    "- A command asks for what it needs only: `capture` for the source and Kafka, `sink` for Kafka "
    "and\n"
    "  the target, `run`, `status` and `verify` for the source and the target. `check` takes what "
    "is "
    "there.\n"
    "- A size is a whole number of bytes or has a unit: `64kB`, `16 MiB`, `1 GiB`. As in "
    "PostgreSQL,\n"
    "  `kB`, `MB` and `GB` are powers of 1024 too. A duration has a unit unless it is 0: `500 "
    "ms`,\n"
    "  `10 s`, `5 min`, `1 h`, `7 d`.\n"
    "- A path is relative to the directory that Penstock is started in.\n"
    "\n"
    "## Passwords\n"
    "\n"
    "Put each into a file of its own, closed to other users (`chmod 600`), and name it in\n"
    "`source.password_file`, `target.password_file` and `registry.password_file`; or use libpq's\n"
    "`PGPASSFILE`; or write `${NAME}` into the URL of the source or the target. A password in such "
    "a\n"
    "URL is refused in `--set`, because every user can read the command line, and in a file that "
    "users\n"
    "other than its owner can open. Messages never show one.\n"
    "\n"
    "## Kafka\n"
    "\n"
    "What stands below `kafka:` goes to librdkafka as it is, except `insecure`; its\n"
    "[CONFIGURATION.md](https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md) "
    "lists\n"
    "all properties. Names are written with their dots, on one line each:\n"
    "\n"
    "```yaml\n"
    "kafka:\n"
    "  bootstrap.servers: kafka1.example.com:9093,kafka2.example.com:9093\n"
    "  security.protocol: SASL_SSL\n"
    "  sasl.mechanism: SCRAM-SHA-512\n"
    "  sasl.username: penstock\n"
    "  sasl.password_file: /etc/penstock/kafka.password\n"
    "  compression.type: zstd\n"
    "```\n"
    "\n"
    "- `--set kafka.compression.type=zstd` sets one, as any setting.\n"
    "- In the environment the rule is that of Kafka's own image: `.` is written `_`, `_` is "
    "written "
    "`__`,\n"
    "  `-` is written `___`. So `PENSTOCK_KAFKA_BOOTSTRAP_SERVERS` is `kafka.bootstrap.servers`, "
    "and\n"
    "  `PENSTOCK_KAFKA_SASL_PASSWORD__FILE` is `kafka.sasl.password_file`. Variables that begin "
    "with\n"
    "  `PENSTOCK_KAFKA_PORT` or `PENSTOCK_KAFKA_SERVICE_` are left alone: Kubernetes makes such "
    "for "
    "a\n"
    "  service named penstock-kafka.\n"
    "- A property whose name ends in `password`, `passphrase`, `secret`, `key.pem` or\n"
    "  `oauthbearer.config` is a secret. With `_file` behind its name it names a file that holds "
    "only "
    "the\n"
    "  secret, in one line, `chmod 600`. Its value is taken from the environment, from `${NAME}`, "
    "and "
    "from\n"
    "  a file that only its owner can open; never from `--set`. Messages never show a property's "
    "value.\n"
    "- Names are checked for their form here; whether librdkafka knows them, when a client is "
    "made.\n"
    "  Where it has two names for one property, the one that is set last wins: `--set` after the\n"
    "  environment after the file, and in each their order.\n"
    "\n"
    "## Patterns\n"
    "\n"
    "A pattern is `schema.table`. `*` stands for any characters, `?` for one. Names are compared "
    "as\n"
    "PostgreSQL stores them: unquoted names in SQL are lower case. A part in double quotes is "
    "taken as\n"
    "it is, `\"\"` in it being one quote. YAML needs quotes of its own around a pattern that "
    "begins\n"
    "with `*` or `\"`:\n"
    "\n"
    "```yaml\n"
    "source:\n"
    "  tables:\n"
    "    - public.*\n"
    "    - \"*.orders\"\n"
    "    - 'sales.\"Order.Lines\"'\n"
    "  exclude: [\"public.*_log\"]\n"
    "```\n"
    "\n"
    "## Settings\n";

static size_t section_size(const struct setting *setting)
{
    const char *dot = strchr(setting->key, '.');
    return dot ? (size_t)(dot - setting->key) : 0;
}

static bool begins_section(size_t i)
{
    size_t size = section_size(&settings[i]);
    return i == 0 || size != section_size(&settings[i - 1]) ||
           strncmp(settings[i].key, settings[i - 1].key, size) != 0;
}

static void write_heading(const struct setting *setting, struct byte_buffer *out)
{
    int size = (int)section_size(setting);
    if (size > 0)
        write_format(out, "\n### %.*s\n", size, setting->key);
    write_text(out, "\n| setting | values | default | meaning |\n|---|---|---|---|\n");
}

static const char *required_text(enum config_part part)
{
    switch (part) {
    case CONFIG_EVERY:
        return "**required**";
    case CONFIG_SOURCE:
        return "**required** for the source";
    case CONFIG_TARGET:
        return "**required** for the target";
    case CONFIG_KAFKA:
        return "**required** for Kafka";
    }
    return "";
}

static void write_default(const struct setting *setting, struct byte_buffer *out)
{
    if (setting->is_required)
        write_text(out, required_text(setting->part));
    else if (!setting->initial)
        write_text(out, "none");
    else if (!*setting->initial)
        write_text(out, "empty");
    else
        write_format(out, "`%s`", setting->initial);
}

static void write_setting(const struct setting *setting, struct byte_buffer *out)
{
    char values[SETTING_VALUES_SIZE];
    write_format(out, "| `%s` | %s | ", setting->key, setting_values(setting, values));
    write_default(setting, out);
    write_format(out, " | %s |\n", setting->summary);
}

/* The smallest file that loads for a command that needs these parts. */
static void write_smallest(unsigned parts, struct byte_buffer *out)
{
    bool is_heading_due = false;
    write_text(out, "```yaml\n");
    for (size_t i = 0; i < setting_count; i++) {
        int size = (int)section_size(&settings[i]);
        is_heading_due |= begins_section(i);
        bool is_due = settings[i].part == CONFIG_EVERY || (settings[i].part & parts);
        if (!settings[i].is_required || !is_due)
            continue;
        if (is_heading_due && size > 0)
            write_format(out, "%.*s:\n", size, settings[i].key);
        is_heading_due = false;
        const char *word = settings[i].key + (size > 0 ? size + 1 : 0);
        write_format(out, "%s%s: %s\n", size > 0 ? "  " : "", word, settings[i].example);
    }
    write_text(out, "```\n");
}

void config_write_reference(struct byte_buffer *out)
{
    write_text(out, introduction);
    write_smallest(CONFIG_SOURCE | CONFIG_TARGET, out);
    write_text(out, over_kafka);
    write_smallest(CONFIG_SOURCE | CONFIG_KAFKA, out);
    write_text(out, to_target);
    write_smallest(CONFIG_KAFKA | CONFIG_TARGET, out);
    write_text(out, rules);
    for (size_t i = 0; i < setting_count; i++) {
        if (begins_section(i))
            write_heading(&settings[i], out);
        write_setting(&settings[i], out);
    }
}
