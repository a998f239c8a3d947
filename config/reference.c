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
    "Penstock reads one YAML file; `config/examples/penstock.yml` is one to start from:\n"
    "\n"
    "```yaml\n";

static const char rules[] =
    "```\n"
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
    "- A size is a whole number of bytes or has a unit: `64kB`, `16 MiB`, `1 GiB`. As in "
    "PostgreSQL,\n"
    "  `kB`, `MB` and `GB` are powers of 1024 too. A duration always has a unit: `500 ms`, `10 "
    "s`,\n"
    "  `5 min`, `1 h`.\n"
    "- A path is relative to the directory that Penstock is started in.\n"
    "\n"
    "## Passwords\n"
    "\n"
    "Put each into a file of its own, closed to other users (`chmod 600`), and name it in\n"
    "`source.password_file` and `target.password_file`; or use libpq's `PGPASSFILE`; or write\n"
    "`${NAME}` into the URL. A password in a URL is refused in `--set`, because every user can "
    "read\n"
    "the command line, and in a file that users other than its owner can open. Messages never "
    "show\n"
    "one.\n"
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

static void write_default(const struct setting *setting, struct byte_buffer *out)
{
    if (setting->is_required)
        write_text(out, "**required**");
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

/* The smallest file that loads: all that is required. */
static void write_smallest(struct byte_buffer *out)
{
    bool is_heading_due = false;
    for (size_t i = 0; i < setting_count; i++) {
        int size = (int)section_size(&settings[i]);
        is_heading_due |= begins_section(i);
        if (!settings[i].is_required)
            continue;
        if (is_heading_due && size > 0)
            write_format(out, "%.*s:\n", size, settings[i].key);
        is_heading_due = false;
        const char *word = settings[i].key + (size > 0 ? size + 1 : 0);
        write_format(out, "%s%s: %s\n", size > 0 ? "  " : "", word, settings[i].example);
    }
}

void config_write_reference(struct byte_buffer *out)
{
    write_text(out, introduction);
    write_smallest(out);
    write_text(out, rules);
    for (size_t i = 0; i < setting_count; i++) {
        if (begins_section(i))
            write_heading(&settings[i], out);
        write_setting(&settings[i], out);
    }
}
