/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the built-in registry over a log in memory. */
#include "schema/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/memory_log.h"

#define INT    "{\"type\":\"int\"}"
#define LONG   "{\"type\":\"long\"}"
#define STRING "{\"type\":\"string\"}"

static struct memory_log log_;
static struct memory_client client;
static struct memory_client other_client;
static struct registry *registry;
static struct registry *other;
static struct error err;

static int start(void **state)
{
    (void)state;
    memory_client_init(&client, &log_);
    memory_client_init(&other_client, &log_);
    registry = registry_log_new(&client.schema_log);
    other = registry_log_new(&other_client.schema_log);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    registry->ops->free(registry);
    other->ops->free(other);
    memory_log_release(&log_);
    return 0;
}

static struct bytes view(const char *text)
{
    return (struct bytes){.data = (const uint8_t *)text, .size = strlen(text)};
}

static uint32_t id_by(struct registry *of, const char *subject, const char *schema)
{
    uint32_t id = 0;
    if (!of->ops->id(of, subject, view(schema), &id, &err))
        fail_msg("%s", err.message);
    return id;
}

static uint32_t id_of(const char *subject, const char *schema)
{
    return id_by(registry, subject, schema);
}

static void assert_schema(struct registry *of, uint32_t id, const char *text)
{
    struct bytes schema;
    if (!of->ops->schema(of, id, &schema, &err))
        fail_msg("%s", err.message);
    assert_int_equal(schema.size, strlen(text));
    assert_memory_equal(schema.data, text, schema.size);
}

static void assert_stops(enum stop name)
{
    uint32_t id;
    assert_false(registry->ops->id(registry, "t", view(INT), &id, &err));
    assert_int_equal(err.kind, ERROR_STOP);
    assert_int_equal(err.stop, name);
}

/* A record as Confluent's registry writes it. */
static void add_version(const char *subject, int version, int id, const char *escaped,
                        const char *rest)
{
    char key[256];
    char value[512];
    snprintf(key, sizeof(key),
             "{\"keytype\":\"SCHEMA\",\"subject\":\"%s\",\"version\":%d,\"magic\":1}", subject,
             version);
    snprintf(value, sizeof(value),
             "{\"subject\":\"%s\",\"version\":%d,\"id\":%d,\"schema\":\"%s\"%s}", subject, version,
             id, escaped, rest);
    memory_log_add(&log_, key, value);
}

#define ESCAPED_INT  "{\\\"type\\\":\\\"int\\\"}"
#define ESCAPED_LONG "{\\\"type\\\": \\\"long\\\"}" /* with a space that isn't significant */

static void writes_records_as_confluent_does(void **state)
{
    (void)state;
    assert_int_equal(id_of("t-value", INT), 1);
    assert_int_equal(log_.count, 1);
    assert_string_equal(
        log_.records[0].key,
        "{\"keytype\":\"SCHEMA\",\"subject\":\"t-value\",\"version\":1,\"magic\":1}");
    assert_string_equal(log_.records[0].value,
                        "{\"subject\":\"t-value\",\"version\":1,\"id\":1,\"schema\":\"" ESCAPED_INT
                        "\",\"deleted\":false}");
}

static void the_same_schema_has_one_id_in_all_subjects(void **state)
{
    (void)state;
    assert_int_equal(id_of("a", INT), 1);
    assert_int_equal(id_of("b", LONG), 2);
    assert_int_equal(id_of("b", "{ \"type\" :\n\t\"int\" }"), 1);
    assert_non_null(strstr(log_.records[2].key, "\"subject\":\"b\",\"version\":2,"));
    assert_non_null(strstr(log_.records[2].value, "\"id\":1,"));
}

static void a_known_schema_is_neither_read_nor_written_again(void **state)
{
    (void)state;
    assert_int_equal(id_of("a", INT), 1);
    int reads = client.reads;
    assert_int_equal(id_of("a", INT), 1);
    assert_int_equal(client.reads, reads);
    assert_int_equal(log_.count, 1);
}

static void one_that_starts_again_finds_its_schemas_and_fences_nobody(void **state)
{
    (void)state;
    assert_int_equal(id_of("a", INT), 1);
    assert_int_equal(id_by(other, "a", INT), 1);
    assert_int_equal(other_client.fences, 0);
    assert_int_equal(id_of("a", LONG), 2);
    assert_int_equal(client.fences, 1);
}

static void gives_the_text_of_an_id_that_somebody_else_registered_since(void **state)
{
    (void)state;
    struct bytes schema;
    assert_false(other->ops->schema(other, 1, &schema, &err));
    assert_int_equal(err.stop, STOP_SCHEMA_UNKNOWN);
    assert_int_equal(id_of("a", INT), 1);
    assert_schema(other, 1, INT);
}

static void register_by_the_other(struct memory_client *of)
{
    (void)of;
    assert_int_equal(id_by(other, "b", LONG), 1);
}

static void of_two_writers_at_once_the_later_one_wins(void **state)
{
    (void)state;
    client.before_append = register_by_the_other;
    assert_int_equal(id_of("a", INT), 2);
    assert_int_equal(log_.count, 2);
    assert_int_equal(id_by(other, "a", INT), 2);
    assert_schema(registry, 1, LONG);
}

static void register_the_same_by_the_other(struct memory_client *of)
{
    (void)of;
    assert_int_equal(id_by(other, "a", INT), 1);
}

static void two_writers_of_one_schema_agree(void **state)
{
    (void)state;
    client.before_append = register_the_same_by_the_other;
    assert_int_equal(id_of("a", INT), 1);
    assert_int_equal(log_.count, 1);
}

static void a_writer_that_was_fenced_while_idle_looks_again(void **state)
{
    (void)state;
    assert_int_equal(id_of("a", INT), 1);
    assert_int_equal(id_by(other, "a", LONG), 2);
    assert_int_equal(id_of("a", STRING), 3);
    assert_int_equal(client.fences, 2);
    assert_non_null(strstr(log_.records[2].key, "\"version\":3,"));
}

static void a_commit_of_unknown_outcome_is_looked_for(void **state)
{
    (void)state;
    client.fault = MEMORY_FAULT_UNKNOWN;
    assert_int_equal(id_of("a", INT), 1);
    client.fault = MEMORY_FAULT_REFUSED;
    assert_int_equal(id_of("a", LONG), 2);
    assert_int_equal(log_.count, 2);
}

static void take_over(struct memory_client *of)
{
    of->log->epoch++;
    of->before_append = take_over;
}

static void gives_up_for_now_when_it_is_fenced_over_and_over(void **state)
{
    (void)state;
    uint32_t id;
    client.before_append = take_over;
    assert_false(registry->ops->id(registry, "a", view(INT), &id, &err));
    assert_int_equal(err.kind, ERROR_RETRY);
    assert_int_equal(log_.count, 0);
    client.before_append = NULL;
    assert_int_equal(id_of("a", INT), 1);
}

static void a_log_that_is_away_may_come_back(void **state)
{
    (void)state;
    uint32_t id;
    client.is_away = true;
    assert_false(registry->ops->id(registry, "a", view(INT), &id, &err));
    assert_int_equal(err.kind, ERROR_RETRY);
    client.is_away = false;
    assert_int_equal(id_of("a", INT), 1);
}

static void goes_on_where_a_confluent_registry_stopped(void **state)
{
    (void)state;
    memory_log_add(&log_, "{\"keytype\":\"NOOP\",\"magic\":0}", NULL);
    memory_log_add(&log_, "{\"keytype\":\"CONFIG\",\"magic\":0}",
                   "{\"compatibilityLevel\":\"FULL\"}");
    memory_log_add(&log_, "{\"keytype\":\"CONFIG\",\"subject\":null,\"magic\":0}", NULL);
    memory_log_add(&log_, "{\"keytype\":\"MODE\",\"subject\":\"t\",\"magic\":0}",
                   "{\"mode\":\"READWRITE\"}");
    memory_log_add(&log_, "{\"keytype\":\"CONTEXT\",\"tenant\":\"x\",\"magic\":0}", "{}");
    memory_log_add(&log_, "no JSON at all", "\"nor here");
    memory_log_add(&log_, "[1,2]", "{}");
    add_version("t", 1, 7, ESCAPED_INT, ",\"deleted\":false,\"md5\":\"x\",\"metadata\":{\"a\":[]}");
    add_version("t", 2, 9, ESCAPED_LONG, ",\"schemaType\":\"AVRO\",\"references\":[]");
    assert_int_equal(id_of("t", INT), 7);
    assert_int_equal(id_of("t", LONG), 9);
    assert_schema(registry, 9, LONG);
    assert_int_equal(log_.count, 9);
    assert_int_equal(id_of("t", STRING), 10);
    assert_non_null(strstr(log_.records[9].key, "\"version\":3,"));
}

static void ids_of_other_kinds_of_schemas_are_taken(void **state)
{
    (void)state;
    struct bytes schema;
    add_version("p", 1, 5, "message X {}", ",\"schemaType\":\"PROTOBUF\"");
    add_version("r", 1, 6, ESCAPED_INT, ",\"references\":[{\"name\":\"n\"}]");
    assert_int_equal(id_of("t", INT), 7);
    assert_false(registry->ops->schema(registry, 5, &schema, &err));
    assert_int_equal(err.stop, STOP_SCHEMA_UNKNOWN);
}

static void ids_of_other_contexts_are_their_own(void **state)
{
    (void)state;
    add_version(":.staging:t", 1, 1, ESCAPED_LONG, "");
    assert_int_equal(id_of("t", INT), 1);
    assert_schema(registry, 1, INT);
}

static void a_softly_deleted_schema_comes_back_as_a_new_version(void **state)
{
    (void)state;
    add_version("t", 1, 4, ESCAPED_INT, "");
    add_version("t", 1, 4, ESCAPED_INT, ",\"deleted\":true");
    assert_int_equal(id_of("t", INT), 4);
    assert_non_null(strstr(log_.records[2].key, "\"version\":2,"));
}

static void a_deleted_subject_begins_after_its_old_versions(void **state)
{
    (void)state;
    add_version("t", 1, 4, ESCAPED_INT, "");
    add_version("t", 2, 5, ESCAPED_LONG, "");
    memory_log_add(&log_, "{\"keytype\":\"DELETE_SUBJECT\",\"subject\":\"t\",\"magic\":0}",
                   "{\"subject\":\"t\",\"version\":1}");
    assert_int_equal(id_of("t", LONG), 5);
    assert_int_equal(log_.count, 3);
    assert_int_equal(id_of("t", INT), 4);
    assert_non_null(strstr(log_.records[3].key, "\"version\":3,"));
}

static void versions_that_are_gone_leave_their_numbers(void **state)
{
    (void)state;
    add_version("t", 1, 4, ESCAPED_INT, ",\"deleted\":true");
    add_version("t", 2, 5, ESCAPED_LONG, "");
    memory_log_add(&log_, "{\"keytype\":\"CLEAR_SUBJECT\",\"subject\":\"t\",\"magic\":0}",
                   "{\"subject\":\"t\"}");
    memory_log_add(&log_, "{\"keytype\":\"SCHEMA\",\"subject\":\"t\",\"version\":2,\"magic\":1}",
                   NULL);
    /* The id stays what it was, for messages may bear it. */
    assert_int_equal(id_of("t", LONG), 5);
    assert_non_null(strstr(log_.records[4].key, "\"version\":1,"));
    assert_int_equal(id_of("t", STRING), 6);
}

static void an_id_never_stands_for_two_schemas(void **state)
{
    (void)state;
    add_version("a", 1, 4, ESCAPED_INT, "");
    add_version("b", 1, 4, ESCAPED_LONG, "");
    assert_stops(STOP_SCHEMA_CHANGED);
    assert_non_null(strstr(err.message, "_schemas at offset 1"));
    assert_non_null(strstr(err.message, "id 4"));
}

static void a_version_that_makes_no_sense_is_not_skipped(void **state)
{
    (void)state;
    static const char *const values[] = {
        "{\"subject\":\"t\",\"version\":1,\"schema\":\"x\"}",
        "{\"subject\":\"t\",\"version\":1,\"id\":0,\"schema\":\"x\"}",
        "{\"subject\":\"t\",\"version\":1,\"id\":4294967297,\"schema\":\"x\"}",
        "{\"subject\":\"t\",\"version\":1,\"id\":1}",
        "[]",
        "cut of",
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        memory_log_release(&log_);
        client.next = 0;
        memory_log_add(&log_,
                       "{\"keytype\":\"SCHEMA\",\"subject\":\"t\",\"version\":1,\"magic\":1}",
                       values[i]);
        assert_stops(STOP_REGISTRY_UNSUITABLE);
    }
}

static void ids_end_where_their_four_bytes_do(void **state)
{
    (void)state;
    add_version("a", 1, INT32_MAX, ESCAPED_LONG, "");
    assert_stops(STOP_REGISTRY_UNSUITABLE);
    assert_int_equal(log_.count, 1);
}

static void many_subjects_keep_their_order(void **state)
{
    (void)state;
    char subject[16];
    char schema[64];
    for (uint32_t i = 0; i < 100; i++) {
        snprintf(subject, sizeof(subject), "s%u", i * 37 % 100);
        snprintf(schema, sizeof(schema), "{\"type\":\"fixed\",\"name\":\"f\",\"size\":%u}", i + 1);
        assert_int_equal(id_of(subject, schema), i + 1);
    }
    for (uint32_t i = 0; i < 100; i++) {
        snprintf(subject, sizeof(subject), "s%u", i * 37 % 100);
        snprintf(schema, sizeof(schema), "{\"type\":\"fixed\",\"name\":\"f\",\"size\":%u}", i + 1);
        assert_int_equal(id_by(other, subject, schema), i + 1);
        assert_schema(other, i + 1, schema);
    }
    assert_int_equal(log_.count, 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(writes_records_as_confluent_does),
        TEST(the_same_schema_has_one_id_in_all_subjects),
        TEST(a_known_schema_is_neither_read_nor_written_again),
        TEST(one_that_starts_again_finds_its_schemas_and_fences_nobody),
        TEST(gives_the_text_of_an_id_that_somebody_else_registered_since),
        TEST(of_two_writers_at_once_the_later_one_wins),
        TEST(two_writers_of_one_schema_agree),
        TEST(a_writer_that_was_fenced_while_idle_looks_again),
        TEST(a_commit_of_unknown_outcome_is_looked_for),
        TEST(gives_up_for_now_when_it_is_fenced_over_and_over),
        TEST(a_log_that_is_away_may_come_back),
        TEST(goes_on_where_a_confluent_registry_stopped),
        TEST(ids_of_other_kinds_of_schemas_are_taken),
        TEST(ids_of_other_contexts_are_their_own),
        TEST(a_softly_deleted_schema_comes_back_as_a_new_version),
        TEST(a_deleted_subject_begins_after_its_old_versions),
        TEST(versions_that_are_gone_leave_their_numbers),
        TEST(an_id_never_stands_for_two_schemas),
        TEST(a_version_that_makes_no_sense_is_not_skipped),
        TEST(ids_end_where_their_four_bytes_do),
        TEST(many_subjects_keep_their_order),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
