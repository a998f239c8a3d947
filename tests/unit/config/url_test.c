/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of finding passwords in connection strings. */
#include "config/url.h"
#include "tests/unit/config/config_support.h"

static void assert_masked(const char *url, const char *expected)
{
    SCOPED_BUFFER out;
    byte_buffer_init(&out, 1000);
    url_mask(url, &out);
    assert_string_equal(byte_buffer_text(&out), expected);
    assert_int_equal(url_has_password(url), strcmp(url, expected) != 0);
}

static void leaves_strings_without_password_alone(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "postgres://",
        "postgres://host",
        "postgresql://user@host:5432/db?sslmode=verify-full&user=me@corp",
        "postgres://host:5432/db?user=me@corp",
        "postgres://user:@host/db",
        "postgres://[::1]:5432/db?application_name=a@b",
        "postgres://h1:1,h2:2/db?target_session_attrs=any&passfile=/a",
        "host=h user=me dbname=db",
        " host = h  user = 'a b' ",
        "host=h password=",
        "",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_masked(urls[i], urls[i]);
}

static void hides_the_password_of_a_uri(void **state)
{
    (void)state;
    assert_masked("postgres://u:pw@h/d", "postgres://u:***@h/d");
    assert_masked("postgresql://u:p%40w@h1:1,h2:2/d", "postgresql://u:***@h1:1,h2:2/d");
    assert_masked("postgres://:pw@/d", "postgres://:***@/d");
    assert_masked("mysql://u:pw@h/d?x=y", "mysql://u:***@h/d?x=y");
}

static void hides_passwords_that_should_have_been_encoded(void **state)
{
    (void)state;
    assert_masked("postgres://u:p@w@h/d", "postgres://u:***@h/d");
    assert_masked("postgres://u:p?w@h/d", "postgres://u:***@h/d");
    assert_masked("postgres://u:p:w@h/d", "postgres://u:***@h/d");
    assert_masked("postgres://u:p/w@h/d", "postgres://u:***@h/d");
    assert_masked("postgres://u:p/w?x@h/d", "postgres://u:***@h/d");
    assert_masked("postgres://u:12/3@h/d", "postgres://u:***@h/d");
}

static void hides_parameters_of_a_uri(void **state)
{
    (void)state;
    assert_masked("postgres://h/d?password=pw", "postgres://h/d?password=***");
    assert_masked("postgres://h?user=u&password=p=w&sslmode=x",
                  "postgres://h?user=u&password=***&sslmode=x");
    assert_masked("postgres://h/d?sslpassword=pw&a", "postgres://h/d?sslpassword=***&a");
    assert_masked("postgres://h/d?p%61ssword=pw", "postgres://h/d?p%61ssword=***");
    assert_masked("postgres://h/d?PASSWORD=pw", "postgres://h/d?PASSWORD=***");
    assert_masked("postgres://h?user=a&password=x@y", "postgres://h?user=a&password=***");
    assert_masked("postgres://u:a@h/d?password=b", "postgres://u:***@h/d?password=***");
    assert_masked("postgres://h/d?x?password=b", "postgres://h/d?x?password=***");
}

static void hides_passwords_of_keywords(void **state)
{
    (void)state;
    assert_masked("host=h password=pw user=u", "host=h password=*** user=u");
    assert_masked("password = 'p w\\'x' user=u", "password = *** user=u");
    assert_masked("password=p\\ w user=u", "password=*** user=u");
    assert_masked("password= user=u", "password= ***");
    assert_masked("sslpassword=x host=h", "sslpassword=*** host=h");
    assert_masked("dbname='host=x password=y'", "dbname=***");
    assert_masked("dbname=postgres://u:pw@h/d user=u", "dbname=*** user=u");
}

static void hides_what_can_not_be_parsed(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"host=h password='pw user=u", "host=h password=***"},
                                           {"host=h hunter2", "host=h ***"},
                                           {"password hunter2", "***"},
                                           {"hunter2", "***"},
                                           {"p4ss=x", "***"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SCOPED_BUFFER out;
        byte_buffer_init(&out, 1000);
        url_mask(cases[i][0], &out);
        assert_string_equal(byte_buffer_text(&out), cases[i][1]);
        assert_non_null(url_problem(cases[i][0]));
    }
}

static void does_not_count_a_password_from_a_variable(void **state)
{
    (void)state;
    assert_false(url_has_password("postgres://u:\x01@h/d"));
    assert_false(url_has_password("password=\x01 host=h"));
    assert_false(url_has_password("password='\x01' host=h"));
    assert_false(url_has_password("password='' host=h"));
    assert_true(url_has_password("postgres://u:\x01"
                                 "x@h/d"));
}

static void knows_a_connection_string(void **state)
{
    (void)state;
    assert_null(url_problem("postgres://h/d"));
    assert_null(url_problem("postgresql://h/d"));
    assert_null(url_problem("host=h dbname=d"));
    assert_non_null(url_problem("mysql://h/d"));
    assert_non_null(url_problem("shop"));
    assert_non_null(url_problem(" "));
    assert_non_null(url_problem("host=h '"));
}

static void takes_the_urls_of_registries(void **state)
{
    (void)state;
    assert_null(url_http_problem("http://localhost:8081"));
    assert_null(url_http_problem("https://registry.example.com/apis/ccompat/v7/"));
    assert_null(url_http_problem("http://[::1]:8081"));
}

static void refuses_other_urls_of_registries(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "",          "http://",    "http:/h",        "HTTP://h",       "https://",  "ftp://h",
        "http:///x", "http://u@h", "http://u:p@h/x", "http://h?",      "http://h#", "http://h\n",
        "http://:1", "http://h/ü", " http://h",      "https+unix://h",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        if (!url_http_problem(urls[i]))
            fail_msg("\"%s\" was taken", urls[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_strings_without_password_alone),
        cmocka_unit_test(hides_the_password_of_a_uri),
        cmocka_unit_test(hides_passwords_that_should_have_been_encoded),
        cmocka_unit_test(hides_parameters_of_a_uri),
        cmocka_unit_test(hides_passwords_of_keywords),
        cmocka_unit_test(hides_what_can_not_be_parsed),
        cmocka_unit_test(does_not_count_a_password_from_a_variable),
        cmocka_unit_test(knows_a_connection_string),
        cmocka_unit_test(takes_the_urls_of_registries),
        cmocka_unit_test(refuses_other_urls_of_registries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
