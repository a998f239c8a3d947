/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of names, partitions, and of which properties are the user's. */
#include "transport/kafka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- partitions ---- */

/* With 2^31 partitions the partition is the hash without its sign. */
static void assert_murmur2(const char *key, int32_t java)
{
    assert_int_equal(kafka_partition(key, strlen(key), UINT32_C(1) << 31),
                     (uint32_t)java & 0x7fffffff);
}

/* The values of Kafka's own test, clients/…/common/utils/UtilsTest.java, testMurmur2(). */
static void the_hash_is_that_of_kafkas_java_client(void **state)
{
    (void)state;
    assert_murmur2("21", -973932308);
    assert_murmur2("foobar", -790332482);
    assert_murmur2("a-little-bit-long-string", -985981536);
    assert_murmur2("a-little-bit-longer-string", -1486304829);
    assert_murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971);
    assert_murmur2("abc", 479470107);
}

static void partitions_are_the_hash_without_its_sign_modulo_their_number(void **state)
{
    (void)state;
    assert_int_equal(kafka_partition("21", 2, 7), ((uint32_t)-973932308 & 0x7fffffff) % 7);
    assert_int_equal(kafka_partition("21", 2, 1), 0);
}

/* ---- names ---- */

static void a_topic_is_named_after_prefix_schema_and_table(void **state)
{
    (void)state;
    char name[KAFKA_TOPIC_SIZE];
    struct error err;
    assert_true(kafka_topic_name("shop", "public", "orders", name, &err));
    assert_string_equal(name, "shop.public.orders");
    kafka_control_name("shop", name);
    assert_string_equal(name, "__penstock.shop.control");
    kafka_offsets_name("shop", name);
    assert_string_equal(name, "__penstock.shop.offsets");
}

static void what_kafka_does_not_allow_becomes_an_underscore(void **state)
{
    (void)state;
    char name[KAFKA_TOPIC_SIZE];
    struct error err;
    assert_true(kafka_topic_name("s", "Öl \"x\"", "a-b_c.d$", name, &err));
    assert_string_equal(name, "s.__l__x_.a-b_c.d_");
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char prefix[KAFKA_TOPIC_SIZE];
    char name[KAFKA_TOPIC_SIZE];
    struct error err;
    memset(prefix, 'p', sizeof(prefix));
    prefix[245] = '\0';
    assert_true(kafka_topic_name(prefix, "s", "t", name, &err));
    assert_int_equal(strlen(name), 249);
    prefix[245] = 'p';
    prefix[246] = '\0';
    assert_false(kafka_topic_name(prefix, "s", "t", name, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
}

/* ---- properties ---- */

static bool check(const char *name, const char *value, bool allows_insecure, struct error *err)
{
    struct kafka_property properties[] = {{"bootstrap.servers", "localhost:9092"}, {name, value}};
    struct kafka_options options = {.properties = properties,
                                    .property_count = name ? 2 : 1,
                                    .allows_insecure = allows_insecure,
                                    .name = "shop",
                                    .prefix = "shop"};
    error_clear(err);
    return kafka_check_properties(&options, err);
}

static void refuse(const char *name, const char *value, const char *expected)
{
    struct error err;
    assert_false(check(name, value, false, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.message, name));
    if (!strstr(err.remedy, expected))
        fail_msg("%s: the remedy is '%s'", name, err.remedy);
}

static void allow(const char *name, const char *value)
{
    struct error err;
    if (!check(name, value, false, &err))
        fail_msg("%s: %s", name, err.message);
}

static void what_exactly_once_rests_on_is_refused(void **state)
{
    (void)state;
    refuse("transactional.id", "mine", "set name");
    refuse("group.id", "mine", "set name");
    refuse("enable.idempotence", "false", "exactly-once");
    refuse("acks", "1", "exactly-once");
    refuse("request.required.acks", "0", "exactly-once");
    refuse("isolation.level", "read_uncommitted", "exactly-once");
    refuse("enable.auto.commit", "true", "checkpoint");
    refuse("auto.offset.reset", "latest", "checkpoint");
    refuse("message.timeout.ms", "1000", "transaction.timeout.ms");
    refuse("queue.buffering.max.kbytes", "1", "queue.max_bytes");
    refuse("queued.max.messages.kbytes", "1", "queue.max_bytes");
    refuse("partitioner", "random", "topics.partitions");
    refuse("plugin.library.paths", "x.so", "foreign code");
}

static void what_changes_nothing_may_be_said(void **state)
{
    (void)state;
    allow("acks", "all");
    allow("acks", "-1");
    allow("enable.idempotence", "true");
    allow("isolation.level", "read_committed");
}

static void other_properties_are_the_users(void **state)
{
    (void)state;
    allow("compression.type", "zstd");
    allow("linger.ms", "50");
    allow("client.id", "mine");
    allow("sasl.mechanism", "SCRAM-SHA-512");
    allow("transaction.timeout.ms", "10000");
    allow(NULL, NULL);
}

static void timeouts_of_transactions_have_bounds(void **state)
{
    (void)state;
    struct error err;
    assert_false(check("transaction.timeout.ms", "9999", false, &err));
    assert_false(check("transaction.timeout.ms", "900001", false, &err));
    assert_non_null(strstr(err.message, "10000 to 900000"));
}

static void unknown_properties_and_values_are_refused_without_their_value(void **state)
{
    (void)state;
    struct error err;
    refuse("sasl.pasword", "canary", "CONFIGURATION.md");
    assert_false(check("security.protocol", "canary", false, &err));
    assert_null(strstr(err.message, "canary"));
    assert_non_null(strstr(err.message, "security.protocol"));
}

static bool check_servers(const char *servers, const char *protocol, bool allows_insecure)
{
    struct error err;
    struct kafka_property properties[] = {{"bootstrap.servers", servers},
                                          {"security.protocol", protocol}};
    struct kafka_options options = {.properties = properties,
                                    .property_count = 2,
                                    .allows_insecure = allows_insecure,
                                    .name = "shop",
                                    .prefix = "shop"};
    return kafka_check_properties(&options, &err);
}

static void plain_text_leaves_this_host_only_where_allowed(void **state)
{
    (void)state;
    assert_true(check_servers("localhost:9092,127.0.0.1:9093,[::1]:9094", "plaintext", false));
    assert_true(check_servers("PLAINTEXT://127.0.0.1", "plaintext", false));
    assert_false(check_servers("localhost:9092,kafka:9092", "plaintext", false));
    assert_false(check_servers("127.0.0.1.example.org:9092", "plaintext", false));
    assert_false(check_servers("localhost.example.org", "sasl_plaintext", false));
    assert_true(check_servers("kafka:9092", "plaintext", true));
    assert_true(check_servers("kafka:9092", "ssl", false));
    assert_true(check_servers("kafka:9092", "SASL_SSL", false));
}

static void servers_must_be_named(void **state)
{
    (void)state;
    struct error err;
    struct kafka_options options = {.name = "shop", .prefix = "shop"};
    assert_false(kafka_check_properties(&options, &err));
    assert_non_null(strstr(err.message, "bootstrap.servers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_that_of_kafkas_java_client),
        cmocka_unit_test(partitions_are_the_hash_without_its_sign_modulo_their_number),
        cmocka_unit_test(a_topic_is_named_after_prefix_schema_and_table),
        cmocka_unit_test(what_kafka_does_not_allow_becomes_an_underscore),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(what_exactly_once_rests_on_is_refused),
        cmocka_unit_test(what_changes_nothing_may_be_said),
        cmocka_unit_test(other_properties_are_the_users),
        cmocka_unit_test(timeouts_of_transactions_have_bounds),
        cmocka_unit_test(unknown_properties_and_values_are_refused_without_their_value),
        cmocka_unit_test(plain_text_leaves_this_host_only_where_allowed),
        cmocka_unit_test(servers_must_be_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
