/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of loading a whole configuration. */
#include "tests/unit/config/config_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error err;

/* A temporary file with this text and these permissions; the path goes into `path` of 64. */
static void make_file(char *path, const char *text, mode_t mode)
{
    strcpy(path, "/tmp/penstock_config_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static struct config *load_text(const char *text, mode_t mode, char *path)
{
    make_file(path, text, mode);
    struct config *config = config_load(path, NULL, RUN, &err);
    unlink(path);
    return config;
}

static void assert_takes_what_kafka_needs(const struct config *config)
{
    assert_string_equal(config->topics.prefix, "A.b-c_1");
    assert_int_equal(config->topics.partitions, 12);
    assert_int_equal(config->topics.replication, 3);
    assert_int_equal(config->topics.retention_ms, 0);
    assert_int_equal(config->topics.max_message_bytes, 2 << 20);
    assert_true(config->topics.allow_compaction && !config->topics.tombstones);
    assert_string_equal(config->registry.url, "https://r:8081/apis/ccompat/v7");
    assert_string_equal(config->registry.user, "u");
    assert_string_equal(config->registry.password_file, "/c");
    assert_string_equal(config->registry.ca_file, "/d");
    assert_int_equal(config->registry.timeout_ms, 100);
    assert_true(config->registry.insecure);
    assert_string_equal(config->sink.name, "other");
    assert_string_equal(config->sink.tables.items[0], "a.*");
    assert_int_equal(config->sink.exclude.count, 2);
    assert_int_equal(config->queue.max_bytes, 1 << 30);
}

static void takes_all_values_of_the_file(void **state)
{
    (void)state;
    SCOPED_CONFIG config =
        parse("name: shop\n"
              "source: {url: 'host=db1 dbname=x', password_file: /a, insecure: true, slot: s1,\n"
              "         publication: P, tables: [public.*, 'a.\"B.c\"'], exclude: ['*.x']}\n"
              "target: {url: postgresql://db2/x, password_file: /b, insecure: true,\n"
              "         create_tables: true, synchronous_commit: local, on_row_error: park}\n"
              "topics: {prefix: A.b-c_1, partitions: 12, replication: 3, retention: 0,\n"
              "         max_message_bytes: 2 MiB,\n"
              "         allow_compaction: true, tombstones: false}\n"
              "registry: {url: 'https://r:8081/apis/ccompat/v7', user: u, password_file: /c,\n"
              "           ca_file: /d, timeout: 100 ms, insecure: true}\n"
              "sink: {name: other, tables: [a.*], exclude: [a.b, a.c]}\n"
              "queue: {max_bytes: 1 GiB}\n"
              "kafka: {insecure: true}\n"
              "batch: {max_bytes: 64kB, max_rows: 7}\n"
              "pipe: {max_bytes: 1 GiB}\n"
              "copy: {unit_rows: 1}\n"
              "limits: {max_row_bytes: 65536}\n"
              "log: {level: debug, format: json}\n",
              NULL, &err);
    assert_non_null(config);
    assert_string_equal(config->source.url, "host=db1 dbname=x");
    assert_string_equal(config->source.password_file, "/a");
    assert_string_equal(config->source.slot, "s1");
    assert_string_equal(config->source.publication, "P");
    assert_true(config->source.insecure && config->target.insecure && config->target.create_tables);
    assert_int_equal(config->source.tables.count, 2);
    assert_string_equal(config->source.tables.items[1], "a.\"B.c\"");
    assert_string_equal(config->source.exclude.items[0], "*.x");
    assert_string_equal(config->target.password_file, "/b");
    assert_int_equal(config->target.synchronous_commit, SYNCHRONOUS_COMMIT_LOCAL);
    assert_int_equal(config->target.on_row_error, ROW_ERROR_PARK);
    assert_true(config->kafka.insecure);
    assert_takes_what_kafka_needs(config);
    assert_int_equal(config->batch.max_bytes, 65536);
    assert_int_equal(config->batch.max_rows, 7);
    assert_int_equal(config->pipe.max_bytes, 1 << 30);
    assert_int_equal(config->copy.unit_rows, 1);
    assert_int_equal(config->limits.max_row_bytes, 65536);
    assert_int_equal(config->log.level, LOG_DEBUG);
    assert_int_equal(config->log.format, CONFIG_LOG_JSON);
}

static void fills_in_the_defaults(void **state)
{
    (void)state;
    SCOPED_CONFIG config = parse(SMALLEST, NULL, &err);
    assert_non_null(config);
    assert_string_equal(config->source.slot, "penstock_shop");
    assert_string_equal(config->source.publication, "penstock_shop");
    assert_null(config->source.password_file);
    assert_int_equal(config->source.exclude.count, 0);
    assert_false(config->source.insecure || config->target.insecure);
    assert_false(config->target.create_tables);
    assert_int_equal(config->target.synchronous_commit, SYNCHRONOUS_COMMIT_OFF);
    assert_int_equal(config->target.on_row_error, ROW_ERROR_STOP);
    assert_string_equal(config->topics.prefix, "shop");
    assert_int_equal(config->topics.partitions, 1);
    assert_int_equal(config->topics.replication, 0);
    assert_int_equal(config->topics.retention_ms, INT64_C(7) * 24 * 3600 * 1000);
    assert_int_equal(config->topics.max_message_bytes, 16 << 20);
    assert_true(config->topics.tombstones && !config->topics.allow_compaction);
    assert_null(config->registry.url);
    assert_int_equal(config->registry.timeout_ms, 5000);
    assert_false(config->registry.insecure || config->kafka.insecure);
    assert_string_equal(config->sink.name, "shop");
    assert_int_equal(config->sink.tables.count, 1);
    assert_string_equal(config->sink.tables.items[0], "*.*");
    assert_int_equal(config->queue.max_bytes, 16 << 20);
    assert_int_equal(config->batch.max_bytes, 8 << 20);
    assert_int_equal(config->batch.max_rows, 20000);
    assert_int_equal(config->pipe.max_bytes, 8 << 20);
    assert_int_equal(config->copy.unit_rows, 10000);
    assert_int_equal(config->limits.max_row_bytes, 256 << 20);
    assert_int_equal(config->log.level, LOG_INFO);
    assert_int_equal(config->log.format, CONFIG_LOG_AUTO);
}

static void names_the_slot_after_a_name_from_the_command_line(void **state)
{
    (void)state;
    SCOPED_CONFIG config = parse_with_set(SMALLEST, "name=other", &err);
    assert_non_null(config);
    assert_string_equal(config->source.slot, "penstock_other");
}

static void prefers_set_to_environment_to_file_to_default(void **state)
{
    (void)state;
    const char *text = SMALLEST "batch: {max_rows: 2}\n";
    const char *set = "batch.max_rows=4";
    const char *const *environment = ENVIRONMENT("PENSTOCK_BATCH_MAX_ROWS=3");
    struct config_overrides both = {&set, 1, environment};
    SCOPED_CONFIG from_file = parse(text, NULL, &err);
    SCOPED_CONFIG from_environment = parse_with_environment(text, environment, &err);
    SCOPED_CONFIG from_set = parse(text, &both, &err);
    assert_int_equal(from_file->batch.max_rows, 2);
    assert_int_equal(from_environment->batch.max_rows, 3);
    assert_int_equal(from_set->batch.max_rows, 4);
}

static void loads_without_a_file(void **state)
{
    (void)state;
    struct config_overrides overrides = {
        .environment = ENVIRONMENT("PENSTOCK_NAME=a", "PENSTOCK_SOURCE_URL=postgres://x:secret@h/d",
                                   "PENSTOCK_SOURCE_TABLES=public.*, s.\"a,b\"",
                                   "PENSTOCK_TARGET_URL=postgres://y/d")};
    SCOPED_CONFIG config = config_load(NULL, &overrides, RUN, &err);
    assert_non_null(config);
    assert_string_equal(config->source.url, "postgres://x:secret@h/d");
    assert_int_equal(config->source.tables.count, 2);
    assert_string_equal(config->source.tables.items[1], "s.\"a,b\"");
}

static void says_what_to_set_when_there_is_no_file(void **state)
{
    (void)state;
    assert_null(config_load(NULL, NULL, RUN, &err));
    assert_string_equal(err.message, "name is missing");
    assert_string_equal(err.remedy, "give a configuration file, or set PENSTOCK_NAME");
}

static void loads_the_example(void **state)
{
    (void)state;
    SCOPED_CONFIG config = config_load("config/examples/penstock.yml", NULL, RUN, &err);
    if (!config)
        fail_msg("%s", err.message);
    assert_string_equal(config->source.password_file, "/etc/penstock/source.password");
    assert_int_equal(config->source.tables.count, 2);
    assert_true(config->target.create_tables);
}

static void loads_the_examples_of_the_way_over_kafka(void **state)
{
    (void)state;
    struct config_overrides overrides = {.environment = ENVIRONMENT("KAFKA_PASSWORD=x")};
    SCOPED_CONFIG capture = config_load("config/examples/capture.yml", &overrides, CAPTURE, &err);
    if (!capture)
        fail_msg("%s", err.message);
    assert_string_equal(capture->kafka.properties[5].name, "compression.type");
    assert_string_equal(capture->registry.url, "https://registry.example.com");
    assert_null(capture->target.url);
    SCOPED_CONFIG sink = config_load("config/examples/sink.yml", &overrides, SINK, &err);
    if (!sink)
        fail_msg("%s", err.message);
    assert_string_equal(sink->kafka.properties[4].value, "x");
    assert_string_equal(sink->sink.exclude.items[0], "audit.*");
    assert_null(sink->source.url);
}

static void says_that_a_file_is_not_there(void **state)
{
    (void)state;
    assert_null(config_load("/nonexistent/penstock.yml", NULL, RUN, &err));
    assert_string_equal(err.message, "/nonexistent/penstock.yml: No such file or directory");
    assert_contains(err.remedy, "config/examples/penstock.yml");
    assert_null(config_load("/", NULL, RUN, &err));
    assert_string_equal(err.message, "/: Is a directory");
}

static const char with_password[] = "name: shop\n"
                                    "source:\n"
                                    "  url: postgres://a:hunter2@db1/shop\n"
                                    "  tables: [a.b]\n"
                                    "target:\n"
                                    "  url: postgres://a@db2/shop\n";

static void refuses_a_password_in_a_file_that_others_can_read(void **state)
{
    (void)state;
    char path[64];
    static const mode_t modes[] = {0640, 0604, 0644, 0660};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        char remedy[160];
        assert_null(load_text(with_password, modes[i], path));
        snprintf(remedy, sizeof(remedy),
                 "chmod 600 %s, or move the password to source.password_file", path);
        assert_contains(err.message, ":3:8: source.url holds a password");
        assert_lacks(err.message, "hunter2");
        assert_string_equal(err.remedy, remedy);
    }
}

static void takes_a_password_in_a_private_file(void **state)
{
    (void)state;
    char path[64];
    SCOPED_CONFIG config = load_text(with_password, 0600, path);
    assert_non_null(config);
    assert_string_equal(config->source.url, "postgres://a:hunter2@db1/shop");
}

static void takes_a_password_variable_in_a_file_that_others_can_read(void **state)
{
    (void)state;
    char path[64];
    make_file(path,
              "name: shop\n"
              "source: {url: 'postgres://a:${PW}@db1/shop', tables: [a.b]}\n"
              "target: {url: 'host=db2 password=${PW} user=b'}\n",
              0644);
    struct config_overrides overrides = {.environment = ENVIRONMENT("PW=hunter2")};
    SCOPED_CONFIG config = config_load(path, &overrides, RUN, &err);
    unlink(path);
    if (!config)
        fail_msg("%s", err.message);
    assert_string_equal(config->source.url, "postgres://a:hunter2@db1/shop");
    assert_string_equal(config->target.url, "host=db2 password=hunter2 user=b");
}

static void refuses_a_default_password_in_a_file_that_others_can_read(void **state)
{
    (void)state;
    char path[64];
    assert_null(load_text("source: {url: 'postgres://a:${PW:-hunter2}@db1/shop'}\n", 0644, path));
    assert_contains(err.message, ":1:15: source.url holds a password");
    assert_lacks(err.message, "hunter2");
}

static void refuses_a_file_larger_than_1_mib(void **state)
{
    (void)state;
    char path[64];
    size_t size = 1 << 20;
    char *text = calloc(size + 2, 1);
    memset(text, '#', size + 1);
    assert_null(load_text(text, 0600, path));
    assert_contains(err.message, ":1:1: the file is larger than 1 MiB");
    text[size] = '\0';
    assert_null(load_text(text, 0600, path));
    assert_contains(err.message, ":1:1: name is missing");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_all_values_of_the_file),
        cmocka_unit_test(fills_in_the_defaults),
        cmocka_unit_test(names_the_slot_after_a_name_from_the_command_line),
        cmocka_unit_test(prefers_set_to_environment_to_file_to_default),
        cmocka_unit_test(loads_without_a_file),
        cmocka_unit_test(says_what_to_set_when_there_is_no_file),
        cmocka_unit_test(loads_the_example),
        cmocka_unit_test(loads_the_examples_of_the_way_over_kafka),
        cmocka_unit_test(says_that_a_file_is_not_there),
        cmocka_unit_test(refuses_a_password_in_a_file_that_others_can_read),
        cmocka_unit_test(takes_a_password_in_a_private_file),
        cmocka_unit_test(takes_a_password_variable_in_a_file_that_others_can_read),
        cmocka_unit_test(refuses_a_default_password_in_a_file_that_others_can_read),
        cmocka_unit_test(refuses_a_file_larger_than_1_mib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
