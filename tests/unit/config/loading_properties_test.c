/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what stands below `kafka:`, from all places. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/properties.h"
#include "tests/unit/config/config_support.h"

#define HALF  "name: shop\ntarget: {url: postgres://a@db2/shop}\n"
#define KAFKA HALF "kafka:\n  bootstrap.servers: k1:9092\n"

static struct error err;

static struct config *load(const char *text, const char *set, const char *const *environment)
{
    struct config_overrides overrides = {
        .sets = &set, .set_count = set ? 1 : 0, .environment = environment};
    return parse_for(SINK, text, &overrides, &err);
}

static const char *value_of(const struct config *config, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < config->kafka.count; i++) {
        if (strcmp(config->kafka.properties[i].name, name) != 0)
            continue;
        assert_null(value);
        value = config->kafka.properties[i].value;
    }
    return value;
}

/* Refused with exactly this message and a remedy, neither of which holds the secret. */
static const char *assert_not_loaded(const char *text, const char *set,
                                     const char *const *environment, const char *message)
{
    assert_null(load(text, set, environment));
    assert_string_equal(err.message, message);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_string_not_equal(err.remedy, "");
    assert_lacks(err.message, "hunter2");
    assert_lacks(err.remedy, "hunter2");
    return err.remedy;
}

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

static void takes_scalars_as_they_are_written(void **state)
{
    (void)state;
    SCOPED_CONFIG config = load(KAFKA "  insecure: true\n"
                                      "  linger.ms: 0x10\n"
                                      "  enable.idempotence: True\n"
                                      "  sasl.username: '${USER}'\n"
                                      "  ssl.ca.pem: |\n"
                                      "    -----BEGIN\n"
                                      "    x\n",
                                NULL, ENVIRONMENT("USER=me"));
    if (!config)
        fail_msg("%s", err.message);
    assert_true(config->kafka.insecure);
    assert_int_equal(config->kafka.count, 5);
    assert_string_equal(value_of(config, "bootstrap.servers"), "k1:9092");
    assert_string_equal(value_of(config, "linger.ms"), "0x10");
    assert_string_equal(value_of(config, "enable.idempotence"), "True");
    assert_string_equal(value_of(config, "sasl.username"), "me");
    assert_string_equal(value_of(config, "ssl.ca.pem"), "-----BEGIN\nx\n");
}

static void takes_them_from_the_environment_and_the_command_line(void **state)
{
    (void)state;
    SCOPED_CONFIG config =
        load(HALF, "kafka.compression.type=zstd=x",
             ENVIRONMENT("PENSTOCK_KAFKA_BOOTSTRAP_SERVERS=k1,k2", "PENSTOCK_KAFKA_INSECURE=true",
                         "PENSTOCK_KAFKA_LINGER_MS=", "PENSTOCK_KAFKA_PORT=tcp://10.0.0.1:80",
                         "PENSTOCK_KAFKA_SERVICE_HOST=10.0.0.1",
                         "PENSTOCK_KAFKA_SASL_PASSWORD=hunter2"));
    if (!config)
        fail_msg("%s", err.message);
    assert_true(config->kafka.insecure);
    assert_int_equal(config->kafka.count, 3);
    assert_string_equal(value_of(config, "bootstrap.servers"), "k1,k2");
    assert_string_equal(value_of(config, "sasl.password"), "hunter2");
    assert_string_equal(value_of(config, "compression.type"), "zstd=x");
}

static void has_each_once_with_the_winner_last(void **state)
{
    (void)state;
    const char *text = KAFKA "  linger.ms: 1\n  acks: all\n";
    SCOPED_CONFIG from_environment = load(text, NULL, ENVIRONMENT("PENSTOCK_KAFKA_LINGER_MS=2"));
    assert_string_equal(value_of(from_environment, "linger.ms"), "2");
    assert_string_equal(from_environment->kafka.properties[2].name, "linger.ms");
    SCOPED_CONFIG from_set =
        load(text, "kafka.linger.ms=3", ENVIRONMENT("PENSTOCK_KAFKA_LINGER_MS=2"));
    assert_string_equal(value_of(from_set, "linger.ms"), "3");
    assert_int_equal(from_set->kafka.count, 3);
}

static void takes_the_last_of_several_sets(void **state)
{
    (void)state;
    const char *const sets[] = {"kafka.acks=1", "kafka.acks=all"};
    SCOPED_CONFIG config =
        parse_for(SINK, KAFKA, &(struct config_overrides){.sets = sets, .set_count = 2}, &err);
    assert_string_equal(value_of(config, "acks"), "all");
}

static void is_empty_for_a_command_without_kafka(void **state)
{
    (void)state;
    SCOPED_CONFIG config = parse_for(
        VERIFY, SMALLEST "kafka: {sasl.password_file: /nonexistent, a.b: c}\n", NULL, &err);
    assert_non_null(config);
    assert_int_equal(config->kafka.count, 0);
}

static void refuses_names_that_are_none(void **state)
{
    (void)state;
    assert_not_loaded(KAFKA "  Linger.ms: 1\n", NULL, NULL,
                      "penstock.yml:5:3: kafka: the name \"Linger.ms\" has a character other than "
                      "a lower-case letter, a digit, ., _ and -");
    assert_not_loaded(KAFKA "  sasl.password hunter2: 1\n", NULL, NULL,
                      "penstock.yml:5:3: kafka: the name has a character other than a lower-case "
                      "letter, a digit, ., _ and -");
    assert_not_loaded(KAFKA, "kafka.=1", NULL, "--set: kafka: the name is empty");
    assert_not_loaded(KAFKA, NULL, ENVIRONMENT("PENSTOCK_KAFKA_A____B=hunter2"),
                      "PENSTOCK_KAFKA_A____B: it stands for no property of Kafka");
    assert_not_loaded(KAFKA, NULL, ENVIRONMENT("PENSTOCK_KAFKA_A\x1b=hunter2"),
                      "PENSTOCK_KAFKA_A: kafka: the name has a character other than a lower-case "
                      "letter, a digit, ., _ and -");
}

static void refuses_a_name_that_is_too_long(void **state)
{
    (void)state;
    char set[200] = "kafka.";
    memset(set + strlen(set), 'a', PROPERTY_NAME_SIZE);
    strcat(set, "=hunter2");
    assert_not_loaded(KAFKA, set, NULL, "--set: kafka: the name is longer than 128 characters");
}

static void refuses_values_that_are_none(void **state)
{
    (void)state;
    assert_not_loaded(KAFKA "  acks:\n", NULL, NULL,
                      "penstock.yml:5:8: kafka.acks must be a single value, not nothing");
    assert_not_loaded(KAFKA "  ssl: {ca.location: x}\n", NULL, NULL,
                      "penstock.yml:5:8: kafka.ssl must be a single value, not a section");
    assert_not_loaded(KAFKA "  acks: ''\n", NULL, NULL, "penstock.yml:5:9: kafka.acks is empty");
    assert_not_loaded(KAFKA, "kafka.acks=", NULL, "--set: kafka.acks is empty");
    assert_not_loaded(KAFKA, "kafka.acks=\xff", NULL, "--set: kafka.acks is not UTF-8");
    assert_not_loaded(KAFKA "  acks: ${X}\n", NULL, NULL,
                      "penstock.yml:5:9: the environment variable X is not set");
    assert_not_loaded(KAFKA "  insecure: 1\n", NULL, NULL,
                      "penstock.yml:5:13: kafka.insecure must be true or false, not \"1\"");
}

static void refuses_what_is_given_twice(void **state)
{
    (void)state;
    assert_not_loaded(KAFKA "  acks: 1\n  acks: all\n", NULL, NULL,
                      "penstock.yml:6:3: duplicate key \"acks\", already in line 5");
    assert_string_equal(
        assert_not_loaded(KAFKA "  sasl.password: hunter2\n  sasl.password_file: /a\n", NULL, NULL,
                          "penstock.yml:6:23: kafka.sasl.password is given twice"),
        "keep one of sasl.password and sasl.password_file");
    assert_not_loaded(KAFKA, NULL,
                      ENVIRONMENT("PENSTOCK_KAFKA_ACKS=1", "PENSTOCK_KAFKA_acks=hunter2"),
                      "PENSTOCK_KAFKA_acks: kafka.acks is given twice");
}

static void refuses_more_properties_than_there_can_be(void **state)
{
    (void)state;
    char *text = calloc(PROPERTY_MAX_COUNT + 2, 32);
    strcpy(text, KAFKA);
    for (int i = 1; i <= PROPERTY_MAX_COUNT; i++)
        snprintf(text + strlen(text), 32, "  a%d: b\n", i);
    assert_not_loaded(text, NULL, NULL, "penstock.yml:260:9: kafka has more than 256 properties");
    *strstr(text, "  a256") = '\0';
    SCOPED_CONFIG config = load(text, "kafka.a1=c", NULL);
    assert_non_null(config);
    assert_int_equal(config->kafka.count, PROPERTY_MAX_COUNT);
    free(text);
}

static void reads_the_files_of_secrets(void **state)
{
    (void)state;
    char path[64];
    char text[256];
    make_file(path, "hunter2\n", 0600);
    snprintf(text, sizeof(text), KAFKA "  sasl.password_file: %s\n  sasl.username: me\n", path);
    SCOPED_CONFIG config = load(text, NULL, NULL);
    assert_non_null(config);
    assert_string_equal(value_of(config, "sasl.password"), "hunter2");
    assert_null(value_of(config, "sasl.password_file"));
    assert_true(config->kafka.properties[1].is_secret);
    assert_false(config->kafka.properties[2].is_secret);
    assert_int_equal(chmod(path, 0644), 0);
    assert_null(load(text, NULL, NULL));
    assert_contains(err.message, "kafka.sasl.password_file: the password file /tmp/");
    assert_contains(err.message, "is open to every user");
    unlink(path);
}

static void reads_no_file_that_something_else_replaces(void **state)
{
    (void)state;
    SCOPED_CONFIG config = load(KAFKA "  sasl.password_file: /nonexistent\n", NULL,
                                ENVIRONMENT("PENSTOCK_KAFKA_SASL_PASSWORD=hunter2"));
    assert_non_null(config);
    assert_string_equal(value_of(config, "sasl.password"), "hunter2");
    SCOPED_CONFIG other = load(KAFKA "  sasl.password: hunter2\n", NULL,
                               ENVIRONMENT("PENSTOCK_KAFKA_SASL_PASSWORD__FILE=/nonexistent"));
    assert_null(other);
    assert_contains(err.message, "/nonexistent can't be opened");
}

static void says_how_the_file_of_a_secret_is_named(void **state)
{
    (void)state;
    const char *remedy = assert_not_loaded(
        KAFKA, NULL, ENVIRONMENT("PENSTOCK_KAFKA_SASL_PASSWORD_FILE=/a"),
        "PENSTOCK_KAFKA_SASL_PASSWORD_FILE: kafka.sasl.password.file is unknown — did you mean "
        "\"kafka.sasl.password_file\"?");
    assert_string_equal(remedy, "write \"sasl.password_file\", in the environment "
                                "PENSTOCK_KAFKA_SASL_PASSWORD__FILE");
}

static void refuses_a_secret_on_the_command_line(void **state)
{
    (void)state;
    const char *remedy = assert_not_loaded(KAFKA, "kafka.ssl.key.password=hunter2", NULL,
                                           "--set kafka.ssl.key.password: a password on the "
                                           "command line can be read by every user");
    assert_string_equal(remedy, "change that password, then use kafka.ssl.key.password_file or the "
                                "environment variable PENSTOCK_KAFKA_SSL_KEY_PASSWORD");
}

static struct config *load_file(const char *text, mode_t mode)
{
    char path[64];
    make_file(path, text, mode);
    struct config_overrides overrides = {.environment = ENVIRONMENT("PW=hunter2")};
    struct config *config = config_load(path, &overrides, SINK, &err);
    unlink(path);
    return config;
}

static void refuses_a_secret_in_a_file_that_others_can_read(void **state)
{
    (void)state;
    static const char *const texts[] = {KAFKA "  sasl.password: hunter2\n",
                                        KAFKA "  sasl.password: ${PW:-hunter2}\n",
                                        KAFKA "  sasl.password: x${PW}\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_null(load_file(texts[i], 0644));
        assert_contains(err.message, ":5:18: kafka.sasl.password holds a password");
        assert_contains(err.remedy, "or move the password to kafka.sasl.password_file");
        assert_lacks(err.message, "hunter2");
        SCOPED_CONFIG config = load_file(texts[i], 0600);
        assert_non_null(config);
    }
}

static void takes_a_variable_in_a_file_that_others_can_read(void **state)
{
    (void)state;
    SCOPED_CONFIG config = load_file(KAFKA "  sasl.password: ${PW}\n", 0644);
    if (!config)
        fail_msg("%s", err.message);
    assert_string_equal(value_of(config, "sasl.password"), "hunter2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_scalars_as_they_are_written),
        cmocka_unit_test(takes_them_from_the_environment_and_the_command_line),
        cmocka_unit_test(has_each_once_with_the_winner_last),
        cmocka_unit_test(takes_the_last_of_several_sets),
        cmocka_unit_test(is_empty_for_a_command_without_kafka),
        cmocka_unit_test(refuses_names_that_are_none),
        cmocka_unit_test(refuses_a_name_that_is_too_long),
        cmocka_unit_test(refuses_values_that_are_none),
        cmocka_unit_test(refuses_what_is_given_twice),
        cmocka_unit_test(refuses_more_properties_than_there_can_be),
        cmocka_unit_test(reads_the_files_of_secrets),
        cmocka_unit_test(reads_no_file_that_something_else_replaces),
        cmocka_unit_test(says_how_the_file_of_a_secret_is_named),
        cmocka_unit_test(refuses_a_secret_on_the_command_line),
        cmocka_unit_test(refuses_a_secret_in_a_file_that_others_can_read),
        cmocka_unit_test(takes_a_variable_in_a_file_that_others_can_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
