/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the table of settings and of what it says about values. */
#include "config/setting.h"
#include "tests/unit/config/config_support.h"

static char values[SETTING_VALUES_SIZE];

static void finds_settings_and_sections(void **state)
{
    (void)state;
    assert_string_equal(setting_find("log.level")->key, "log.level");
    assert_null(setting_find("log"));
    assert_null(setting_find(""));
    assert_true(setting_is_section("log"));
    assert_false(setting_is_section("lo"));
    assert_false(setting_is_section("name"));
}

static void makes_the_names_of_variables(void **state)
{
    (void)state;
    char name[SETTING_ENVIRONMENT_SIZE];
    assert_string_equal(setting_environment_name(setting_find("source.password_file"), name),
                        "PENSTOCK_SOURCE_PASSWORD_FILE");
}

static void has_no_two_settings_with_one_variable(void **state)
{
    (void)state;
    for (size_t i = 0; i < setting_count; i++) {
        for (size_t j = 0; j < i; j++) {
            char left[SETTING_ENVIRONMENT_SIZE];
            char right[SETTING_ENVIRONMENT_SIZE];
            assert_string_not_equal(setting_environment_name(&settings[i], left),
                                    setting_environment_name(&settings[j], right));
            assert_int_not_equal(settings[i].offset, settings[j].offset);
        }
    }
}

static void says_enough_about_each_setting(void **state)
{
    (void)state;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &settings[i];
        assert_true(strlen(setting->key) < SETTING_KEY_SIZE - strlen("PENSTOCK_"));
        assert_non_null(setting->summary);
        assert_true(!setting->is_required || (setting->example && !setting->initial));
        bool is_number = setting->type == SETTING_INTEGER || setting->type == SETTING_SIZE ||
                         setting->type == SETTING_DURATION;
        assert_true(!is_number || setting->least < setting->most);
        assert_true(setting->type != SETTING_CHOICE || setting->choices);
        assert_true(!setting->takes_password || setting->is_secret);
        bool is_optional = setting->type == SETTING_STRING || setting->type == SETTING_LIST;
        assert_true(is_optional || setting->is_required || setting->initial);
        assert_true(strlen(setting_values(setting, values)) > 0);
        assert_true(strlen(values) < SETTING_VALUES_SIZE - 1);
    }
}

static void prints_the_allowed_values(void **state)
{
    (void)state;
    assert_string_equal(setting_values(setting_find("batch.max_bytes"), values),
                        "64 KiB to 256 MiB");
    assert_string_equal(setting_values(setting_find("batch.max_rows"), values), "1 to 1000000");
    assert_string_equal(setting_values(setting_find("log.format"), values), "auto, text or json");
    assert_string_equal(setting_values(setting_find("source.insecure"), values), "true or false");
    struct setting wait = {.type = SETTING_DURATION, .least = 500, .most = 90000};
    assert_string_equal(setting_values(&wait, values), "500 ms to 90 s");
    struct setting long_wait = {.type = SETTING_DURATION, .least = 0, .most = 864000000};
    assert_string_equal(setting_values(&long_wait, values), "0 ms to 10 d");
    struct setting odd = {.type = SETTING_SIZE, .least = 0, .most = 1025};
    assert_string_equal(setting_values(&odd, values), "0 bytes to 1025 bytes");
    struct setting text = {.type = SETTING_STRING};
    assert_string_equal(setting_values(&text, values), "text");
    struct setting list = {.type = SETTING_LIST};
    assert_string_equal(setting_values(&list, values), "list");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_settings_and_sections),
        cmocka_unit_test(makes_the_names_of_variables),
        cmocka_unit_test(has_no_two_settings_with_one_variable),
        cmocka_unit_test(says_enough_about_each_setting),
        cmocka_unit_test(prints_the_allowed_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
