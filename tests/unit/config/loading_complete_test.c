/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what is said about missing settings. */
#include "tests/unit/config/config_support.h"

static struct error err;

static void asks_for_a_missing_setting_at_the_top(void **state)
{
    (void)state;
    const char *remedy = assert_refused("", "penstock.yml:1:1: name is missing", &err);
    assert_string_equal(remedy, "add the line \"name: shop\", or set PENSTOCK_NAME");
    assert_refused("# nothing\n---\n", "penstock.yml:3:1: name is missing", &err);
}

static void asks_for_a_missing_section(void **state)
{
    (void)state;
    const char *remedy =
        assert_refused("name: a\n", "penstock.yml:1:1: penstock run needs source.url", &err);
    assert_string_equal(remedy, "add \"source:\" and below it "
                                "\"  url: postgres://penstock@db1.example.com/shop\", "
                                "or set PENSTOCK_SOURCE_URL");
}

static void asks_for_a_missing_setting_in_a_section_that_is_there(void **state)
{
    (void)state;
    const char *remedy = assert_refused("name: a\n\nsource:\n  url: postgres://h/d\n",
                                        "penstock.yml:3:1: penstock run needs source.tables", &err);
    assert_string_equal(remedy, "add below line 3: \"  tables: [\"public.*\"]\", "
                                "or set PENSTOCK_SOURCE_TABLES");
}

static void takes_a_required_setting_from_the_environment(void **state)
{
    (void)state;
    SCOPED_CONFIG config =
        parse_with_environment("name: a\nsource: {url: postgres://h/d, tables: [a.b]}\n",
                               ENVIRONMENT("PENSTOCK_TARGET_URL=postgres://t/d"), &err);
    assert_non_null(config);
    assert_string_equal(config->target.url, "postgres://t/d");
}

#define SOURCE_HALF "name: a\nsource: {url: postgres://h/d, tables: [a.b]}\n"
#define TARGET_HALF "target: {url: postgres://t/d}\n"
#define KAFKA_HALF  "kafka: {bootstrap.servers: k}\n"

static void assert_needs(const struct config_needs *needs, const char *text, const char *message)
{
    assert_null(parse_for(needs, text, NULL, &err));
    assert_contains(err.message, message);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_string_not_equal(err.remedy, "");
}

static void asks_for_the_parts_that_a_command_needs(void **state)
{
    (void)state;
    assert_needs(SINK, "name: a\n" KAFKA_HALF, ":1:1: penstock sink needs target.url");
    assert_needs(SINK, "name: a\n" TARGET_HALF, "penstock sink needs kafka.bootstrap.servers");
    assert_string_equal(err.remedy,
                        "add \"kafka:\" and below it \"  bootstrap.servers: "
                        "kafka1.example.com:9092\", or set PENSTOCK_KAFKA_BOOTSTRAP_SERVERS");
    assert_needs(CAPTURE, SOURCE_HALF TARGET_HALF, "penstock capture needs kafka.");
    assert_needs(CAPTURE, "name: a\n" KAFKA_HALF TARGET_HALF, "penstock capture needs source.url");
    assert_needs(CAPTURE, KAFKA_HALF, "name is missing");
    assert_needs(RUN, SOURCE_HALF KAFKA_HALF, "penstock run needs target.url");
    assert_needs(RUN, SOURCE_HALF TARGET_HALF "kafka: {linger.ms: 5}\n",
                 "penstock run needs kafka.bootstrap.servers");
}

static void loads_the_half_that_a_command_needs(void **state)
{
    (void)state;
    SCOPED_CONFIG capture = parse_for(CAPTURE, SOURCE_HALF KAFKA_HALF, NULL, &err);
    assert_non_null(capture);
    assert_int_equal(capture->parts, CONFIG_SOURCE | CONFIG_KAFKA);
    assert_null(capture->target.url);
    SCOPED_CONFIG sink = parse_for(SINK, "name: a\n" KAFKA_HALF TARGET_HALF, NULL, &err);
    assert_non_null(sink);
    assert_null(sink->source.url);
    assert_int_equal(sink->source.tables.count, 0);
    SCOPED_CONFIG both = parse_for(SINK, SOURCE_HALF KAFKA_HALF TARGET_HALF, NULL, &err);
    assert_non_null(both);
    assert_int_equal(both->parts, CONFIG_KAFKA | CONFIG_TARGET);
}

static void takes_what_is_there_where_all_is_optional(void **state)
{
    (void)state;
    SCOPED_CONFIG source = parse_for(CHECK, SOURCE_HALF, NULL, &err);
    assert_non_null(source);
    SCOPED_CONFIG target = parse_for(CHECK, "name: a\n" TARGET_HALF, NULL, &err);
    assert_non_null(target);
    SCOPED_CONFIG kafka = parse_for(CHECK, "name: a\n" KAFKA_HALF, NULL, &err);
    assert_non_null(kafka);
    assert_int_equal(kafka->kafka.count, 1);
    assert_int_equal(kafka->parts, CONFIG_KAFKA);
    assert_needs(CHECK, "name: a\nsource: {url: postgres://h/d}\n",
                 ":2:1: penstock check needs source.tables");
    assert_needs(CHECK, "name: a\n", ":1:1: penstock check needs source, target or kafka");
    assert_needs(CHECK, SOURCE_HALF "kafka: {linger.ms: 5}\n", "needs kafka.bootstrap.servers");
}

static void without_kafka_asks_for_both_sides_where_half_would_do_with_it(void **state)
{
    (void)state;
    SCOPED_CONFIG capture = parse_for(STATUS, SOURCE_HALF KAFKA_HALF, NULL, &err);
    assert_non_null(capture);
    assert_int_equal(capture->parts, CONFIG_SOURCE | CONFIG_KAFKA);
    SCOPED_CONFIG pipe = parse_for(STATUS, SOURCE_HALF TARGET_HALF, NULL, &err);
    assert_non_null(pipe);
    assert_needs(STATUS, SOURCE_HALF, "penstock status needs target.url");
    assert_needs(STATUS, "name: a\n" TARGET_HALF, "penstock status needs source.url");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_a_missing_setting_at_the_top),
        cmocka_unit_test(asks_for_a_missing_section),
        cmocka_unit_test(asks_for_a_missing_setting_in_a_section_that_is_there),
        cmocka_unit_test(takes_a_required_setting_from_the_environment),
        cmocka_unit_test(asks_for_the_parts_that_a_command_needs),
        cmocka_unit_test(loads_the_half_that_a_command_needs),
        cmocka_unit_test(takes_what_is_there_where_all_is_optional),
        cmocka_unit_test(without_kafka_asks_for_both_sides_where_half_would_do_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
