/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the names of librdkafka's properties. */
#include "config/properties.h"
#include "tests/unit/config/config_support.h"

static void checks_the_form_of_a_name(void **state)
{
    (void)state;
    char longest[PROPERTY_NAME_SIZE + 1] = "";
    memset(longest, 'a', PROPERTY_NAME_SIZE - 1);
    assert_null(property_problem("sasl.oauthbearer.token.endpoint.url"));
    assert_null(property_problem("ssl.ca-1_x"));
    assert_null(property_problem(longest));
    longest[PROPERTY_NAME_SIZE - 1] = 'a';
    assert_string_equal(property_problem(longest), "is longer than 128 characters");
    assert_string_equal(property_problem(""), "is empty");
    assert_non_null(property_problem("Linger.ms"));
    assert_non_null(property_problem("linger ms"));
    assert_non_null(property_problem("lingür.ms"));
}

static void knows_its_own_setting(void **state)
{
    (void)state;
    assert_true(property_is_setting("insecure"));
    assert_false(property_is_setting("bootstrap.servers"));
    assert_false(property_is_setting("linger.ms"));
    assert_false(property_is_setting("insecureinsecureinsecureinsecureinsecureinsecureinsecure"));
}

static void knows_secrets_by_their_ends(void **state)
{
    (void)state;
    static const char *const secrets[] = {
        "sasl.password",
        "ssl.key.password",
        "ssl.keystore.password",
        "ssl.key.pem",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config",
        "sasl.oauthbearer.assertion.private.key.passphrase",
        "sasl.oauthbearer.assertion.private.key.pem",
        "sasl.jaas.config",
    };
    static const char *const others[] = {
        "sasl.username",       "ssl.key.location",
        "ssl.ca.pem",          "ssl.certificate.pem",
        "sasl.password_file",  "sasl.oauthbearer.token.endpoint.url",
        "bootstrap.servers",   "",
        "ssl.ca.certificates",
    };
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        assert_true(property_is_secret(secrets[i]));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(property_is_secret(others[i]));
}

static void knows_the_files_of_secrets(void **state)
{
    (void)state;
    char name[PROPERTY_NAME_SIZE];
    assert_true(property_is_secret_with("sasl.password_file", "_file", name));
    assert_string_equal(name, "sasl.password");
    assert_false(property_is_secret_with("ssl.ca.location_file", "_file", name));
    assert_false(property_is_secret_with("sasl.password", "_file", name));
    assert_false(property_is_secret_with("_file", "_file", name));
}

static void makes_variables_by_the_rule_of_kafkas_image(void **state)
{
    (void)state;
    char variable[PROPERTY_ENVIRONMENT_SIZE];
    char name[PROPERTY_NAME_SIZE];
    static const char *const pairs[][2] = {
        {"bootstrap.servers", "PENSTOCK_KAFKA_BOOTSTRAP_SERVERS"},
        {"sasl.password_file", "PENSTOCK_KAFKA_SASL_PASSWORD__FILE"},
        {"a-b.c_d9", "PENSTOCK_KAFKA_A___B_C__D9"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_string_equal(property_environment_name(pairs[i][0], variable), pairs[i][1]);
        strcat(variable, "=x");
        assert_true(property_from_environment(variable + strlen(PROPERTY_ENVIRONMENT), name));
        assert_string_equal(name, pairs[i][0]);
    }
}

static void makes_the_longest_variable(void **state)
{
    (void)state;
    char name[PROPERTY_NAME_SIZE] = "";
    char variable[PROPERTY_ENVIRONMENT_SIZE];
    memset(name, '-', PROPERTY_NAME_SIZE - 1);
    property_environment_name(name, variable);
    assert_int_equal(strlen(variable),
                     strlen(PROPERTY_ENVIRONMENT) + (size_t)3 * (PROPERTY_NAME_SIZE - 1));
}

static void refuses_variables_that_stand_for_nothing(void **state)
{
    (void)state;
    char name[PROPERTY_NAME_SIZE];
    char longest[PROPERTY_NAME_SIZE + 1] = "";
    memset(longest, 'A', PROPERTY_NAME_SIZE - 1);
    assert_true(property_from_environment(longest, name));
    longest[PROPERTY_NAME_SIZE - 1] = 'A';
    assert_false(property_from_environment(longest, name));
    assert_false(property_from_environment("A____B=x", name));
    assert_false(property_from_environment("=x", name));
}

static void knows_the_variables_of_kubernetes(void **state)
{
    (void)state;
    static const char *const theirs[] = {"PORT=tcp://10.0.0.1:9092", "PORT_9092_TCP_ADDR=10.0.0.1",
                                         "SERVICE_HOST=10.0.0.1", "SERVICE_PORT_CLIENT=9092"};
    for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
        assert_true(property_is_of_kubernetes(theirs[i]));
    assert_false(property_is_of_kubernetes("PORTS=x"));
    assert_false(property_is_of_kubernetes("BOOTSTRAP_SERVERS=x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_the_form_of_a_name),
        cmocka_unit_test(knows_its_own_setting),
        cmocka_unit_test(knows_secrets_by_their_ends),
        cmocka_unit_test(knows_the_files_of_secrets),
        cmocka_unit_test(makes_variables_by_the_rule_of_kafkas_image),
        cmocka_unit_test(makes_the_longest_variable),
        cmocka_unit_test(refuses_variables_that_stand_for_nothing),
        cmocka_unit_test(knows_the_variables_of_kubernetes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
