/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the HTTP client against a server that answers by a script. */
#include "schema/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/http_server.h"

#define SECRET "canary-S3cret"

static struct http_server *server;
static struct http *http;
static struct error err;

static int start(void **state)
{
    (void)state;
    server = http_server_start();
    http = http_new(&(struct http_options){.timeout_ms = 5000}, &err);
    return http ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    http_free(http);
    http_server_stop(server);
    return 0;
}

static void use(const struct http_options *options)
{
    http_free(http);
    http = http_new(options, &err);
    assert_non_null(http);
}

static bool request(const char *method, const char *path, const char *body,
                    struct http_reply *reply)
{
    char url[256];
    snprintf(url, sizeof(url), "%s%s", http_server_url(server), path);
    struct bytes bytes = {.data = (const uint8_t *)body, .size = body ? strlen(body) : 0};
    return http_request(http, method, url, "application/json", bytes, reply, &err);
}

static void assert_get(const char *path, long status, const char *body)
{
    struct http_reply reply;
    assert_true(request("GET", path, NULL, &reply));
    assert_int_equal(reply.status, status);
    assert_string_equal(byte_buffer_text(&reply.body), body);
    byte_buffer_release(&reply.body);
}

static void assert_fails(const char *path, enum error_kind kind, const char *words)
{
    struct http_reply reply;
    assert_false(request("GET", path, NULL, &reply));
    assert_int_equal(err.kind, kind);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
}

static void gives_status_and_body_of_any_answer(void **state)
{
    (void)state;
    http_server_add(server, (struct http_server_reply){.status = 200, .body = "first"});
    http_server_add(server, (struct http_server_reply){.status = 503, .body = "busy"});
    assert_get("/a", 200, "first");
    assert_get("/b", 503, "busy");
    assert_string_equal(http_server_request(server)->url, "/b");
}

static void sends_method_body_and_its_type(void **state)
{
    (void)state;
    static const char *const methods[] = {"POST", "PUT", "DELETE"};
    for (size_t i = 0; i < 3; i++) {
        http_server_add(server, (struct http_server_reply){.status = 200, .body = ""});
        struct http_reply reply;
        assert_true(request(methods[i], "/x", i < 2 ? "{\"a\":1}" : NULL, &reply));
        byte_buffer_release(&reply.body);
        assert_string_equal(http_server_request(server)->method, methods[i]);
        assert_string_equal(http_server_request(server)->body, i < 2 ? "{\"a\":1}" : "");
        assert_string_equal(http_server_request(server)->content_type, "application/json");
    }
}

static void a_request_after_one_with_a_body_has_none(void **state)
{
    (void)state;
    http_server_add(server, (struct http_server_reply){.status = 200, .body = ""});
    http_server_add(server, (struct http_server_reply){.status = 200, .body = ""});
    struct http_reply reply;
    assert_true(request("POST", "/x", "body", &reply));
    byte_buffer_release(&reply.body);
    assert_get("/x", 200, "");
    assert_string_equal(http_server_request(server)->method, "GET");
    assert_string_equal(http_server_request(server)->body, "");
}

static void keeps_its_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        http_server_add(server, (struct http_server_reply){.status = 200, .body = "x"});
        assert_get("/", 200, "x");
    }
    assert_int_equal(http_server_connections(server), 1);
}

static void sends_user_and_password_in_the_header(void **state)
{
    (void)state;
    use(&(struct http_options){.user = "joe", .password = SECRET, .timeout_ms = 5000});
    http_server_add(server, (struct http_server_reply){.status = 200, .body = ""});
    assert_get("/x", 200, "");
    /* "joe:canary-S3cret" in base64. */
    assert_string_equal(http_server_request(server)->authorization,
                        "Basic am9lOmNhbmFyeS1TM2NyZXQ=");
    assert_string_equal(http_server_request(server)->url, "/x");
}

static void follows_no_redirect(void **state)
{
    (void)state;
    http_server_add(server, (struct http_server_reply){
                                .status = 302, .body = "away", .location = "http://127.0.0.1:1/"});
    assert_get("/x", 302, "away");
}

static void an_answer_in_time_or_none(void **state)
{
    (void)state;
    use(&(struct http_options){.timeout_ms = 100});
    http_server_add(server,
                    (struct http_server_reply){.status = 200, .body = "", .is_withheld = true});
    assert_fails("/slow", ERROR_RETRY, "timed out");
}

static void an_answer_is_bounded(void **state)
{
    (void)state;
    http_server_add(server, (struct http_server_reply){.status = 200,
                                                       .body = "",
                                                       .padding = HTTP_DEFAULT_REPLY_BYTES + 1});
    assert_fails("/huge", ERROR_DATA, "longer than 1048576 bytes");
    /* The next one is none the worse for it. */
    http_server_add(server, (struct http_server_reply){.status = 200, .body = "fine"});
    assert_get("/", 200, "fine");
}

static void the_bound_is_an_option(void **state)
{
    (void)state;
    use(&(struct http_options){.timeout_ms = 5000, .max_reply_bytes = 4});
    http_server_add(server, (struct http_server_reply){.status = 200, .body = "four"});
    http_server_add(server, (struct http_server_reply){.status = 200, .body = "five!"});
    assert_get("/", 200, "four");
    assert_fails("/", ERROR_DATA, "longer than 4 bytes");
}

static void a_server_that_is_away_may_come_back(void **state)
{
    (void)state;
    struct http_reply reply;
    assert_false(
        http_request(http, "GET", "http://127.0.0.1:1/", NULL, (struct bytes){0}, &reply, &err));
    assert_int_equal(err.kind, ERROR_RETRY);
}

static void refuses_urls_that_could_leak(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *words;
    } cases[] = {
        {"http://joe:" SECRET "@127.0.0.1/", "user or a password"},
        {"http://joe@127.0.0.1/", "user or a password"},
        {"http://registry.example/", "registry.example is another host"},
        {"http://127.example.com/", "another host"},
        {"http://10.0.0.1/", "another host"},
        {"file:///etc/passwd", "https:// or http://"},
        {"ftp://127.0.0.1/", "https:// or http://"},
        {"http://", "no URL"},
        {"", "no URL"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(http_check_url(http, cases[i].url, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
        assert_non_null(strstr(err.message, cases[i].words));
        assert_null(strstr(err.message, SECRET));
        struct http_reply reply;
        assert_false(
            http_request(http, "GET", cases[i].url, NULL, (struct bytes){0}, &reply, &err));
        assert_null(strstr(err.message, SECRET));
    }
}

static void takes_this_host_and_https_and_what_is_allowed(void **state)
{
    (void)state;
    assert_true(http_check_url(http, "http://localhost:8081", &err));
    assert_true(http_check_url(http, "http://127.1.2.3/a", &err));
    assert_true(http_check_url(http, "http://[::1]:8081/", &err));
    assert_true(http_check_url(http, "https://registry.example/a/b", &err));
    use(&(struct http_options){.timeout_ms = 100, .allows_insecure = true});
    assert_true(http_check_url(http, "http://registry.example/", &err));
}

static void takes_no_proxy_from_the_environment(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    http_server_add(server, (struct http_server_reply){.status = 200, .body = "direct"});
    assert_get("/", 200, "direct");
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}

static void a_missing_ca_file_is_the_configuration(void **state)
{
    (void)state;
    /* libcurl reads the file once it has a connection, which the kernel gives it: libmicrohttpd 0.9.75
     * crashes now and then on one that is closed before its first byte. */
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    assert_return_code(bind(listener, (struct sockaddr *)&address, size), errno);
    assert_return_code(listen(listener, 1), errno);
    assert_return_code(getsockname(listener, (struct sockaddr *)&address, &size), errno);
    char url[64];
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", ntohs(address.sin_port));

    use(&(struct http_options){.timeout_ms = 1000, .ca_file = "/nonexistent/ca.pem"});
    struct http_reply reply;
    assert_false(http_request(http, "GET", url, NULL, (struct bytes){0}, &reply, &err));
    close(listener);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.message, "/nonexistent/ca.pem"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_status_and_body_of_any_answer, start, stop),
        cmocka_unit_test_setup_teardown(sends_method_body_and_its_type, start, stop),
        cmocka_unit_test_setup_teardown(a_request_after_one_with_a_body_has_none, start, stop),
        cmocka_unit_test_setup_teardown(keeps_its_connection, start, stop),
        cmocka_unit_test_setup_teardown(sends_user_and_password_in_the_header, start, stop),
        cmocka_unit_test_setup_teardown(follows_no_redirect, start, stop),
        cmocka_unit_test_setup_teardown(an_answer_in_time_or_none, start, stop),
        cmocka_unit_test_setup_teardown(an_answer_is_bounded, start, stop),
        cmocka_unit_test_setup_teardown(the_bound_is_an_option, start, stop),
        cmocka_unit_test_setup_teardown(a_server_that_is_away_may_come_back, start, stop),
        cmocka_unit_test_setup_teardown(refuses_urls_that_could_leak, start, stop),
        cmocka_unit_test_setup_teardown(takes_this_host_and_https_and_what_is_allowed, start, stop),
        cmocka_unit_test_setup_teardown(takes_no_proxy_from_the_environment, start, stop),
        cmocka_unit_test_setup_teardown(a_missing_ca_file_is_the_configuration, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
