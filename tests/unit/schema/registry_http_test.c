/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the registry over HTTP against a server that answers by a script. */
#include "schema/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "schema/avro_schema.h"
#include "tests/support/http_server.h"

#define SECRET "canary-S3cret"
#define SCHEMA "{\"type\":\"int\"}"

static struct http_server *server;
static struct registry *registry;
static struct error err;

static struct registry *registry_at(const char *path, int timeout_ms)
{
    char url[256];
    snprintf(url, sizeof(url), "%s%s", http_server_url(server), path);
    const struct registry_http_options options = {
        .url = url, .user = "joe", .password = SECRET, .timeout_ms = timeout_ms};
    return registry_http_new(&options, &err);
}

static int start(void **state)
{
    (void)state;
    server = http_server_start();
    registry = registry_at("/apis/ccompat/v7/", 5000);
    return registry ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    registry->ops->free(registry);
    http_server_stop(server);
    return 0;
}

static void answer(unsigned status, const char *body)
{
    http_server_add(server, (struct http_server_reply){.status = status, .body = body});
}

static bool register_schema(const char *subject, uint32_t *id)
{
    struct bytes schema = {.data = (const uint8_t *)SCHEMA, .size = strlen(SCHEMA)};
    return registry->ops->id(registry, subject, schema, id, &err);
}

static void assert_fails(enum error_kind kind, enum stop name, const char *words)
{
    assert_int_equal(err.kind, kind);
    assert_int_equal(err.stop, name);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
    assert_null(strstr(err.message, SECRET));
    assert_null(strstr(err.remedy, SECRET));
}

static void assert_not_registered(enum error_kind kind, enum stop name, const char *words)
{
    uint32_t id = 77;
    assert_false(register_schema("t-value", &id));
    assert_int_equal(id, 77);
    assert_fails(kind, name, words);
}

static void assert_no_schema(enum stop name, const char *words)
{
    struct bytes schema;
    assert_false(registry->ops->schema(registry, 7, &schema, &err));
    assert_fails(name == STOP_NONE ? ERROR_RETRY : ERROR_STOP, name, words);
}

static void registers_a_schema_once(void **state)
{
    (void)state;
    uint32_t id = 0;
    answer(200, "{\"id\":12,\"version\":1,\"guid\":\"x\"}");
    assert_true(register_schema("inv.public.t-value", &id));
    assert_int_equal(id, 12);
    const struct http_server_request *request = http_server_request(server);
    assert_string_equal(request->method, "POST");
    assert_string_equal(request->url, "/apis/ccompat/v7/subjects/inv.public.t-value/versions");
    assert_string_equal(request->body, "{\"schema\":\"{\\\"type\\\":\\\"int\\\"}\"}");
    assert_string_equal(request->content_type, "application/vnd.schemaregistry.v1+json");
    assert_string_equal(request->authorization, "Basic am9lOmNhbmFyeS1TM2NyZXQ=");
    id = 0;
    assert_true(register_schema("inv.public.t-value", &id));
    assert_int_equal(id, 12);
    assert_int_equal(http_server_requests(server), 1);
}

static void another_subject_is_another_request(void **state)
{
    (void)state;
    uint32_t id;
    answer(200, "{\"id\":12}");
    answer(200, "{\"id\":12}");
    assert_true(register_schema("a", &id));
    assert_true(register_schema("b", &id));
    assert_int_equal(http_server_requests(server), 2);
}

static void a_subject_is_one_segment_of_the_path(void **state)
{
    (void)state;
    uint32_t id;
    answer(200, "{\"id\":1}");
    assert_true(register_schema("a/b?c d\xc3\xa9", &id));
    assert_string_equal(http_server_request(server)->url,
                        "/apis/ccompat/v7/subjects/a%2Fb%3Fc%20d%C3%A9/versions");
}

static void gets_a_schema_once(void **state)
{
    (void)state;
    struct bytes schema;
    answer(200,
           "{\"schema\":\"{\\\"type\\\":\\\"int\\\"}\",\"schemaType\":\"AVRO\",\"references\":[]}");
    for (int i = 0; i < 2; i++) {
        assert_true(registry->ops->schema(registry, 7, &schema, &err));
        assert_int_equal(schema.size, strlen(SCHEMA));
        assert_memory_equal(schema.data, SCHEMA, schema.size);
    }
    assert_string_equal(http_server_request(server)->url, "/apis/ccompat/v7/schemas/ids/7");
    assert_int_equal(http_server_requests(server), 1);
}

static void a_failure_is_not_remembered(void **state)
{
    (void)state;
    uint32_t id;
    answer(500, "{\"error_code\":50001,\"message\":\"store\"}");
    answer(200, "{\"id\":3}");
    assert_not_registered(ERROR_RETRY, STOP_NONE, "the registry answers 500: store");
    assert_true(register_schema("t-value", &id));
    assert_int_equal(id, 3);
}

static void an_incompatible_schema_is_rejected_with_the_difference(void **state)
{
    (void)state;
    answer(409, "{\"error_code\":409,\"message\":\"READER_FIELD_MISSING_DEFAULT_VALUE: price\"}");
    assert_not_registered(ERROR_STOP, STOP_SCHEMA_REJECTED,
                          "subject t-value: the registry refuses the schema (409): "
                          "READER_FIELD_MISSING_DEFAULT_VALUE: price");
    assert_non_null(strstr(err.remedy, "/apis/ccompat/v7/config/"));
    answer(422, "{\"error_code\":42201,\"message\":\"Invalid schema\"}");
    assert_not_registered(ERROR_STOP, STOP_SCHEMA_REJECTED, "(422): Invalid schema");
}

static void what_may_pass_is_tried_again(void **state)
{
    (void)state;
    static const unsigned statuses[] = {408, 429, 500, 502, 503, 504};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        answer(statuses[i], "<html>bad gateway</html>");
        assert_not_registered(ERROR_RETRY, STOP_NONE, "no reason given");
    }
}

static void a_missing_right_is_named(void **state)
{
    (void)state;
    answer(401, "{\"error_code\":401,\"message\":\"Unauthorized\"}");
    answer(403, "");
    assert_not_registered(ERROR_STOP, STOP_PERMISSION_DENIED, "401: Unauthorized");
    assert_not_registered(ERROR_STOP, STOP_PERMISSION_DENIED, "403: no reason given");
}

static void an_unknown_id_is_named(void **state)
{
    (void)state;
    answer(404, "{\"error_code\":40403,\"message\":\"Schema 7 not found\"}");
    assert_no_schema(STOP_SCHEMA_UNKNOWN, "schema id 7: the registry has no such schema: Schema 7");
    answer(200, "{\"schema\":\"message X {}\",\"schemaType\":\"PROTOBUF\"}");
    assert_no_schema(STOP_SCHEMA_UNKNOWN, "PROTOBUF");
    answer(503, "");
    assert_no_schema(STOP_NONE, "503");
}

static void what_is_no_registry_is_told_from_one(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
        const char *words;
    } cases[] = {
        {404, "<html>not found</html>", "answers 404, as no schema registry does"},
        {302, "", "answers 302"},
        {400, "{}", "answers 400"},
        {200, "<html>welcome</html>", "not JSON"},
        {200, "", "not JSON"},
        {200, "{\"id\":1", "not JSON"},
        {200, "{\"id\":1,\"id\":2}", "not JSON"},
        {200, "[1]", "no valid id"},
        {200, "{}", "no valid id"},
        {200, "{\"id\":\"1\"}", "no valid id"},
        {200, "{\"id\":0}", "no valid id"},
        {200, "{\"id\":-1}", "no valid id"},
        {200, "{\"id\":1.5}", "no valid id"},
        {200, "{\"id\":2147483648}", "no valid id"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        answer(cases[i].status, cases[i].body);
        assert_not_registered(ERROR_STOP, STOP_REGISTRY_UNSUITABLE, cases[i].words);
    }
    answer(200, "{\"schema\":1}");
    assert_no_schema(STOP_REGISTRY_UNSUITABLE, "no schema");
}

static void an_answer_is_bounded_in_size_and_depth(void **state)
{
    (void)state;
    http_server_add(server, (struct http_server_reply){
                                .status = 200, .body = "{\"id\":1}", .padding = 3 * AVRO_MAX_TEXT});
    assert_not_registered(ERROR_STOP, STOP_REGISTRY_UNSUITABLE, "longer than");
    char deep[4096];
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    answer(200, deep);
    assert_not_registered(ERROR_STOP, STOP_REGISTRY_UNSUITABLE, "more than 64 levels");
}

static void a_slow_registry_is_tried_again(void **state)
{
    (void)state;
    registry->ops->free(registry);
    registry = registry_at("", 100);
    http_server_add(server,
                    (struct http_server_reply){.status = 200, .body = "{}", .is_withheld = true});
    assert_not_registered(ERROR_RETRY, STOP_NONE, "timed out");
    assert_non_null(strstr(err.remedy, "registry.url"));
}

static void a_bad_url_is_the_configuration(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://joe:" SECRET "@127.0.0.1", "http://10.1.2.3", "x y"};
    for (size_t i = 0; i < 3; i++) {
        assert_null(registry_http_new(
            &(struct registry_http_options){.url = urls[i], .timeout_ms = 1000}, &err));
        assert_fails(ERROR_CONFIG, STOP_NONE, "registry.url: ");
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(registers_a_schema_once),
        TEST(another_subject_is_another_request),
        TEST(a_subject_is_one_segment_of_the_path),
        TEST(gets_a_schema_once),
        TEST(a_failure_is_not_remembered),
        TEST(an_incompatible_schema_is_rejected_with_the_difference),
        TEST(what_may_pass_is_tried_again),
        TEST(a_missing_right_is_named),
        TEST(an_unknown_id_is_named),
        TEST(what_is_no_registry_is_told_from_one),
        TEST(an_answer_is_bounded_in_size_and_depth),
        TEST(a_slow_registry_is_tried_again),
        TEST(a_bad_url_is_the_configuration),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
