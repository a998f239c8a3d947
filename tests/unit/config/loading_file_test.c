/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of keys and values in the file. */
#include "tests/unit/config/config_support.h"

#include <stdio.h>

static struct error err;

static void suggests_the_key_that_was_meant(void **state)
{
    (void)state;
    assert_refused("name: a\nsorce:\n  url: x\n",
                   "penstock.yml:2:1: unknown key \"sorce\" — did you mean \"source\"?", &err);
    assert_refused("source:\n  tabels: [a.b]\n",
                   "penstock.yml:2:3: unknown key \"tabels\" — did you mean \"tables\"?", &err);
    assert_refused("source: {url: postgres://h/d, Slot: x}\n",
                   "penstock.yml:1:31: unknown key \"Slot\" — did you mean \"slot\"?", &err);
    assert_string_equal(err.remedy, "write \"slot\", or remove the line");
}

static void suggests_the_section_that_a_key_belongs_to(void **state)
{
    (void)state;
    assert_refused("tables: [a.b]\n",
                   "penstock.yml:1:1: unknown key \"tables\" — did you mean \"source.tables\"?",
                   &err);
}

static void suggests_nothing_where_nothing_is_near(void **state)
{
    (void)state;
    assert_refused("name: a\nwhatever: 1\n", "penstock.yml:2:1: unknown key \"whatever\"", &err);
    assert_refused("<<: {a: b}\n", "penstock.yml:1:1: unknown key", &err);
    assert_refused("\"\": b\n", "penstock.yml:1:1: unknown key", &err);
    assert_contains(err.remedy, "docs/configuration.md");
}

static void says_how_to_write_a_dotted_key(void **state)
{
    (void)state;
    assert_refused("source.url: postgres://h/d\n",
                   "penstock.yml:1:1: \"source.url\" can't be one key in a file", &err);
    assert_string_equal(err.remedy, "write \"source:\" and, indented below it, \"url:\"");
    assert_refused("kafka.linger.ms: 5\n",
                   "penstock.yml:1:1: \"kafka.linger.ms\" can't be one key in a file", &err);
    assert_string_equal(err.remedy, "write \"kafka:\" and, indented below it, \"linger.ms:\"");
}

static void never_shows_a_value_that_slipped_into_a_key(void **state)
{
    (void)state;
    assert_refused("source:\n  postgres://a:hunter2@h/d: x\n", "penstock.yml:2:3: unknown key",
                   &err);
    assert_refused("source:\n  url=postgres://a:hunter2@h/d\n",
                   "penstock.yml:2:3: \"source\" must be a section, not a single value", &err);
    assert_lacks(err.remedy, "hunter2");
}

static void refuses_duplicate_keys(void **state)
{
    (void)state;
    assert_refused("name: a\nlog: {}\nname: b\n",
                   "penstock.yml:3:1: duplicate key \"name\", already in line 1", &err);
    assert_refused("log:\n  level: info\n  level: warn\n",
                   "penstock.yml:3:3: duplicate key \"level\", already in line 2", &err);
    assert_refused("log:\n  level: info\nlog:\n",
                   "penstock.yml:3:1: duplicate key \"log\", already in line 1", &err);
}

static void refuses_values_of_the_wrong_kind(void **state)
{
    (void)state;
    assert_refused("source:\n  tables: public.*\n",
                   "penstock.yml:2:11: source.tables must be a list, not a single value", &err);
    assert_string_equal(err.remedy, "write \"tables: [\"public.*\"]\"");
    assert_refused("name: [a]\n", "penstock.yml:1:7: name must be a single value, not a list",
                   &err);
    assert_refused("log:\n  level: {a: b}\n",
                   "penstock.yml:2:10: log.level must be a single value, not a section", &err);
    assert_refused("log:\n  level:\n",
                   "penstock.yml:2:9: log.level must be a single value, not nothing", &err);
    assert_string_equal(err.remedy, "write \"level: info\", or remove the line");
    assert_refused("log: [a]\n", "penstock.yml:1:6: \"log\" must be a section, not a list", &err);
    assert_refused("source: {tables: [[a.b]]}\n",
                   "penstock.yml:1:19: an item of source.tables must be a single value, not a list",
                   &err);
}

static void takes_a_section_with_nothing_in_it(void **state)
{
    (void)state;
    SCOPED_CONFIG config = parse(SMALLEST "log:\n  # level: info\nbatch: {}\n", NULL, &err);
    assert_non_null(config);
}

static void names_the_place_of_a_wrong_value(void **state)
{
    (void)state;
    assert_refused("batch:\n  max_rows: 0\n",
                   "penstock.yml:2:13: batch.max_rows must be 1 to 1000000, not \"0\"", &err);
    assert_refused("batch:\n  max_bytes: 1 GiB\n",
                   "penstock.yml:2:14: batch.max_bytes must be 64 KiB to 256 MiB, not \"1 GiB\"",
                   &err);
    assert_refused("log: {level: loud}\n",
                   "penstock.yml:1:14: log.level must be debug, info, warn or error, not \"loud\"",
                   &err);
    assert_refused("source:\n  insecure: yes\n",
                   "penstock.yml:2:13: source.insecure must be true or false, not \"yes\"", &err);
    assert_refused(
        "source:\n  tables:\n  - a.b\n  - orders\n",
        "penstock.yml:4:5: source.tables: \"orders\" has no dot: a pattern is schema.table", &err);
    assert_refused("source:\n  tables: []\n", "penstock.yml:2:11: source.tables is empty", &err);
    assert_refused("name: \"\"\n", "penstock.yml:1:7: name is empty", &err);
    assert_refused("name: Shop\n",
                   "penstock.yml:1:7: name: \"Shop\" does not begin with a lower-case letter",
                   &err);
}

static void never_shows_a_wrong_url(void **state)
{
    (void)state;
    assert_refused("source:\n  url: mysql://a:hunter2@h/d\n",
                   "penstock.yml:2:8: source.url is not a connection string of PostgreSQL", &err);
    assert_lacks(err.remedy, "hunter2");
    assert_refused("name: postgres://a:hunter2@h/d\n",
                   "penstock.yml:1:7: name: \"***\" has a character other "
                   "than a lower-case letter, a digit or _",
                   &err);
}

static void never_shows_a_wrong_url_of_a_registry(void **state)
{
    (void)state;
    static const char *const urls[][2] = {
        {"http://a:hunter2@h", "has a user or password in it"},
        {"https://hunter2@h/x", "has a user or password in it"},
        {"hunter2@h", "begins with neither http:// nor https://"},
        {"file:///etc/hunter2", "begins with neither http:// nor https://"},
        {"http:///hunter2", "has no host"},
        {"http://:8081/hunter2", "has no host"},
        {"http://h/?hunter2", "goes on behind its path"},
        {"http://h/ hunter2", "has a character that no URL has"},
        {"http://höst/hunter2", "has a character that no URL has"},
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        char text[128];
        char message[128];
        snprintf(text, sizeof(text), "registry:\n  url: '%s'\n", urls[i][0]);
        snprintf(message, sizeof(message), "penstock.yml:2:8: registry.url %s", urls[i][1]);
        assert_contains(assert_refused(text, message, &err), "without user and password");
        assert_lacks(err.remedy, "hunter2");
    }
}

static void refuses_wrong_values_of_what_kafka_needs(void **state)
{
    (void)state;
    assert_refused("topics: {prefix: a/b}\n",
                   "penstock.yml:1:18: topics.prefix: \"a/b\" has a character other than a letter, "
                   "a digit, ., _ and -",
                   &err);
    assert_refused("topics: {partitions: 1001}\n",
                   "penstock.yml:1:22: topics.partitions must be 1 to 1000, not \"1001\"", &err);
    assert_refused("topics: {replication: 16}\n",
                   "penstock.yml:1:23: topics.replication must be 0 to 15, not \"16\"", &err);
    assert_refused("topics: {retention: 7}\n",
                   "penstock.yml:1:21: topics.retention must be 0 ms to 3650 d, not \"7\"", &err);
    assert_refused("registry: {timeout: 61 s}\n",
                   "penstock.yml:1:21: registry.timeout must be 100 ms to 1 min, not \"61 s\"",
                   &err);
    assert_refused("registry: {user: 'a:b'}\n",
                   "penstock.yml:1:18: registry.user: \"a:b\" has a colon in it", &err);
    assert_refused("sink: {tables: []}\n", "penstock.yml:1:16: sink.tables is empty", &err);
    assert_refused("queue: {max_bytes: 1023 KiB}\n",
                   "penstock.yml:1:20: queue.max_bytes must be 1 MiB to 1 GiB, not \"1023 KiB\"",
                   &err);
}

static void expands_variables_in_values_and_items(void **state)
{
    (void)state;
    SCOPED_CONFIG config = parse_with_environment(
        "name: ${NAME}\n"
        "source: {url: 'postgres://${HOST:-db1}/d', tables: ['${SCHEMA}.*', a.b]}\n"
        "target: {url: 'postgres://h/$${x}'}\n",
        ENVIRONMENT("NAME=shop", "SCHEMA=sales: [x]"), &err);
    assert_non_null(config);
    assert_string_equal(config->name, "shop");
    assert_string_equal(config->source.url, "postgres://db1/d");
    assert_string_equal(config->source.tables.items[0], "sales: [x].*");
    assert_string_equal(config->target.url, "postgres://h/${x}");
}

static void names_the_place_of_a_missing_variable(void **state)
{
    (void)state;
    assert_refused("name: a\nsource:\n  url: postgres://${HOST}/d\n",
                   "penstock.yml:3:8: the environment variable HOST is not set", &err);
    assert_string_equal(err.remedy, "set HOST, or write ${HOST:-default}");
}

static void shows_the_reference_and_not_the_variable(void **state)
{
    (void)state;
    const char *const *environment = ENVIRONMENT("SECRET=hunter2");
    assert_null(parse_with_environment("log: {level: '${SECRET}'}\n", environment, &err));
    assert_string_equal(
        err.message,
        "penstock.yml:1:14: log.level must be debug, info, warn or error, not \"${SECRET}\"");
    assert_null(parse_with_environment("source: {tables: ['${SECRET}']}\n", environment, &err));
    assert_lacks(err.message, "hunter2");
}

static void refuses_variables_that_do_not_fit(void **state)
{
    (void)state;
    char *large = calloc(70000, 1);
    memset(large, 'x', 69999);
    memcpy(large, "L=", 2);
    assert_null(parse_with_environment("name: ${L}\n", ENVIRONMENT(large), &err));
    assert_string_equal(err.message, "penstock.yml:1:7: the value is longer than 64 KiB");
    free(large);
    assert_null(parse_with_environment("name: ${L}\n", ENVIRONMENT("L=\xff"), &err));
    assert_string_equal(err.message, "penstock.yml:1:7: the variable is not UTF-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suggests_the_key_that_was_meant),
        cmocka_unit_test(suggests_the_section_that_a_key_belongs_to),
        cmocka_unit_test(suggests_nothing_where_nothing_is_near),
        cmocka_unit_test(says_how_to_write_a_dotted_key),
        cmocka_unit_test(never_shows_a_value_that_slipped_into_a_key),
        cmocka_unit_test(refuses_duplicate_keys),
        cmocka_unit_test(refuses_values_of_the_wrong_kind),
        cmocka_unit_test(takes_a_section_with_nothing_in_it),
        cmocka_unit_test(names_the_place_of_a_wrong_value),
        cmocka_unit_test(never_shows_a_wrong_url),
        cmocka_unit_test(never_shows_a_wrong_url_of_a_registry),
        cmocka_unit_test(refuses_wrong_values_of_what_kafka_needs),
        cmocka_unit_test(expands_variables_in_values_and_items),
        cmocka_unit_test(names_the_place_of_a_missing_variable),
        cmocka_unit_test(shows_the_reference_and_not_the_variable),
        cmocka_unit_test(refuses_variables_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
