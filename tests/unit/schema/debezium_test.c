/* SPDX-License-Identifier: Apache-2.0 */
/* A table's schemas, against samples of Debezium's and our own derivation in Python. */
#include "schema/debezium.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/avro_round.h"
#include "tests/support/things.h"

enum { FILE_SIZE = 16384, USER_OID = 20000 };

/* The file's text without its newline, to be released with free(). */
static char *read_file(const char *path)
{
    char *text = calloc(1, FILE_SIZE);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, FILE_SIZE - 1, file) > 0);
    fclose(file);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* Replaces the one place where `old` stands. */
static void replace(char *text, const char *old, const char *new)
{
    char *at = strstr(text, old);
    assert_non_null(at);
    char *rest = strdup(at + strlen(old));
    strcpy(at, new);
    strcat(text, rest);
    free(rest);
    assert_null(strstr(text, old));
}

static void assert_schema(const struct table *table, const char *topic, bool is_key,
                          const char *expected)
{
    SCOPED_BUFFER text;
    struct error err;
    error_clear(&err);
    byte_buffer_init(&text, SIZE_MAX);
    if (is_key)
        assert_true(debezium_write_key_schema(&text, table, topic, &err));
    else
        assert_true(debezium_write_value_schema(&text, table, topic, &err));
    assert_string_equal(byte_buffer_text(&text), expected);
}

/* ---- the sample ---- */

static const char *mood_labels[] = {"sad", "ok", "happy"};
static struct type_definition mood = {.kind = TYPE_ENUM,
                                      .schema = "inventory",
                                      .name = "mood",
                                      .part_count = 3,
                                      .parts = mood_labels};

static struct column customers_columns[] = {
    {"id", 23, -1, true, true, 1, "integer"},
    {"email", 25, -1, false, true, 0, "text"},
    {"small", 21, -1, false, false, 0, "smallint"},
    {"balance", 1700, (10 << 16 | 2) + 4, false, false, 0, "numeric(10,2)"},
    {"rate", 1700, -1, false, false, 0, "numeric"},
    {"born", 1082, -1, false, false, 0, "date"},
    {"created", 1114, -1, false, false, 0, "timestamp without time zone"},
    {"updated", 1184, -1, false, false, 0, "timestamp with time zone"},
    {"doc", 3802, -1, false, false, 0, "jsonb"},
    {"uid", 2950, -1, false, false, 0, "uuid"},
    {"mood", USER_OID, -1, false, false, 0, "inventory.mood"},
};

static const struct table CUSTOMERS = {.schema = "inventory",
                                       .name = "customers",
                                       .replica_identity = REPLICA_IDENTITY_DEFAULT,
                                       .column_count =
                                           sizeof(customers_columns) / sizeof(*customers_columns),
                                       .columns = customers_columns,
                                       .type_count = 1,
                                       .types = &mood};

/* The sample has a default, which the capture doesn't know of, and two columns of types that travel as text here. */
static void the_sample_is_met_but_for_a_default_and_two_types(void **state)
{
    (void)state;
    char *value = read_file("tests/data/avro/debezium_customers_value.avsc");
    char *key = read_file("tests/data/avro/debezium_customers_key.avsc");
    static const char with_default[] = "{\"type\":\"int\",\"connect.default\":0},\"default\":0}";
    replace(value, with_default, "\"int\"}");
    replace(key, with_default, "\"int\"}");
    replace(value,
            "{\"name\":\"tags\",\"type\":[\"null\",{\"type\":\"array\",\"items\":[\"null\","
            "\"string\"]}],\"default\":null},",
            "");
    replace(
        value,
        ",{\"name\":\"flags\",\"type\":[\"null\",{\"type\":\"bytes\",\"connect.version\":1,"
        "\"connect.parameters\":{\"length\":\"8\"},\"connect.name\":\"io.debezium.data.Bits\"}],"
        "\"default\":null}",
        "");
    assert_schema(&CUSTOMERS, "dbserver1.inventory.customers", false, value);
    assert_schema(&CUSTOMERS, "dbserver1.inventory.customers", true, key);
    free(value);
    free(key);
}

static void things_have_the_schema_that_python_derives(void **state)
{
    (void)state;
    char *value = read_file("tests/data/avro/things_value.avsc");
    assert_schema(&THINGS, ROUND_TOPIC, false, value);
    free(value);
}

/* ---- forms ---- */

static const char *enum_labels[] = {"a\"b\\c\td", "\x01"};
static const char *positive_base[] = {"numeric(12,2)"};
static const char *outer_base[] = {"\"My \"\"Schema\"\"\".\"Positive\""};
static const char *feeling_base[] = {"public.feeling"};
static const char *moment_base[] = {"timestamp(3) without time zone"};
static const char *list_base[] = {"integer[]"};
static const char *span_base[] = {"interval day to second(3)"};
static const char *name_base[] = {"character varying(20)"};
static const char *foreign_base[] = {"public.citext"};
static const char *stamp_base[] = {"timestamp(0) with time zone"};
static struct type_definition types[] = {
    {TYPE_ENUM, false, "public", "feeling", 2, enum_labels, NULL},
    {TYPE_DOMAIN, false, "My \"Schema\"", "Positive", 1, positive_base, NULL},
    {TYPE_DOMAIN, false, "public", "outer", 1, outer_base, NULL},
    {TYPE_DOMAIN, false, "public", "felt", 1, feeling_base, NULL},
    {TYPE_DOMAIN, false, "public", "moment", 1, moment_base, NULL},
    {TYPE_DOMAIN, false, "public", "list", 1, list_base, NULL},
    {TYPE_DOMAIN, false, "public", "span", 1, span_base, NULL},
    {TYPE_DOMAIN, false, "public", "name", 1, name_base, NULL},
    {TYPE_DOMAIN, false, "public", "foreign", 1, foreign_base, NULL},
    {TYPE_DOMAIN, false, "public", "stamp", 1, stamp_base, NULL},
};

static struct column_form form_of(uint32_t oid, int32_t modifier, const char *sql)
{
    struct column column = {"v", oid, modifier, false, false, 0, sql};
    struct table table = {.column_count = 1,
                          .columns = &column,
                          .type_count = sizeof(types) / sizeof(*types),
                          .types = types};
    return debezium_form(&table, &column);
}

static void domains_have_the_form_of_what_they_are_made_of(void **state)
{
    (void)state;
    struct column_form form = form_of(USER_OID, -1, "public.\"outer\"");
    assert_int_equal(form.form, FORM_DECIMAL);
    assert_int_equal(form.precision, 12);
    assert_int_equal(form.scale, 2);
    assert_int_equal(form_of(USER_OID, -1, "public.felt").form, FORM_ENUM);
    assert_int_equal(form_of(USER_OID, -1, "public.moment").form, FORM_TIMESTAMP_MS);
    assert_int_equal(form_of(USER_OID, -1, "public.list").form, FORM_TEXT);
    assert_int_equal(form_of(USER_OID, -1, "public.span").form, FORM_INTERVAL);
    assert_int_equal(form_of(USER_OID, -1, "public.name").form, FORM_TEXT);
    assert_int_equal(form_of(USER_OID, -1, "public.\"foreign\"").form, FORM_TEXT);
    form = form_of(USER_OID, -1, "public.stamp");
    assert_int_equal(form.form, FORM_ZONED_TIMESTAMP);
    assert_int_equal(form.precision, 0);
}

static void types_without_form_are_text(void **state)
{
    (void)state;
    assert_int_equal(form_of(1009, -1, "text[]").form, FORM_TEXT);
    assert_int_equal(form_of(869, -1, "inet").form, FORM_TEXT);
    assert_int_equal(form_of(USER_OID, -1, "public.unknown").form, FORM_TEXT);
    assert_int_equal(form_of(USER_OID, -1, "public.felt[]").form, FORM_TEXT);
    assert_int_equal(form_of(USER_OID, -1, "").form, FORM_TEXT);
}

static void modifiers_decide(void **state)
{
    (void)state;
    assert_int_equal(form_of(1083, 3, "").form, FORM_TIME_MS);
    assert_int_equal(form_of(1083, 4, "").form, FORM_TIME_US);
    assert_int_equal(form_of(1083, -1, "").form, FORM_TIME_US);
    assert_int_equal(form_of(1114, 0, "").form, FORM_TIMESTAMP_MS);
    assert_int_equal(form_of(1114, 6, "").form, FORM_TIMESTAMP_US);
    assert_int_equal(form_of(1184, -1, "").precision, 6);
    assert_int_equal(form_of(1184, 3, "").precision, 3);
    assert_int_equal(form_of(1700, -1, "").form, FORM_VARIABLE_DECIMAL);
    assert_int_equal(form_of(1700, (1000 << 16 | 1000) + 4, "").scale, 1000);
    /* numeric(3,-2) and numeric(2,5) */
    assert_int_equal(form_of(1700, (3 << 16 | 0x7fe) + 4, "").form, FORM_VARIABLE_DECIMAL);
    assert_int_equal(form_of(1700, (2 << 16 | 5) + 4, "").form, FORM_VARIABLE_DECIMAL);
}

static void labels_are_escaped(void **state)
{
    (void)state;
    struct column column = {"v", USER_OID, -1, false, true, 1, "public.feeling"};
    struct table table = {.schema = "s",
                          .name = "t",
                          .column_count = 1,
                          .columns = &column,
                          .type_count = 1,
                          .types = types};
    assert_schema(
        &table, "p.s.t", true,
        "{\"type\":\"record\",\"name\":\"Key\",\"namespace\":\"p.s.t\",\"fields\":[{\"name\":\"v\","
        "\"type\":{\"type\":\"string\",\"connect.version\":1,\"connect.parameters\":{\"allowed\":"
        "\"a\\\"b\\\\c\\td,\\u0001\"},\"connect.name\":\"io.debezium.data.Enum\"}}],"
        "\"connect.name\":\"p.s.t.Key\"}");
}

/* ---- names ---- */

static void assert_name(const char *name, const char *expected)
{
    SCOPED_BUFFER out;
    byte_buffer_init(&out, SIZE_MAX);
    debezium_write_name(&out, name);
    assert_string_equal(byte_buffer_text(&out), expected);
}

static void names_are_adjusted_as_debezium_does(void **state)
{
    (void)state;
    assert_name("plain_Name1", "plain_Name1");
    assert_name("1st", "_1st");
    assert_name("a-b.c d", "a_b_c_d");
    assert_name("Gr\xc3\xb6\xc3\x9f"
                "e",
                "Gr__e");
    assert_name("\xe2\x82\xac", "_");
    assert_name("\xf0\x9f\x90\x98", "__");
}

static void two_columns_with_one_name_are_refused(void **state)
{
    (void)state;
    struct column columns[] = {{.name = "a-b", .type_oid = 25, .type_sql = ""},
                               {.name = "x", .type_oid = 25, .type_sql = ""},
                               {.name = "a_b", .type_oid = 25, .type_sql = ""}};
    struct table table = {.schema = "s", .name = "t", .column_count = 3, .columns = columns};
    SCOPED_BUFFER out;
    struct error err;
    error_clear(&err);
    byte_buffer_init(&out, SIZE_MAX);
    assert_false(debezium_write_value_schema(&out, &table, "p.s.t", &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.message, "a_b"));
}

static void a_topic_keeps_its_dots(void **state)
{
    (void)state;
    struct column column = {"v", 23, -1, false, true, 1, ""};
    struct table table = {.schema = "s", .name = "t", .column_count = 1, .columns = &column};
    assert_schema(&table, "p-1.s.t", true,
                  "{\"type\":\"record\",\"name\":\"Key\",\"namespace\":\"p_1.s.t\",\"fields\":["
                  "{\"name\":\"v\",\"type\":\"int\"}],\"connect.name\":\"p_1.s.t.Key\"}");
}

/* A named type is defined once; a second definition would be refused by every reader. */
static void two_numerics_without_scale_share_one_definition(void **state)
{
    (void)state;
    struct column columns[] = {{"a", 1700, -1, false, false, 0, ""},
                               {"b", 1700, -1, false, true, 0, ""}};
    struct table table = {.schema = "s", .name = "t", .column_count = 2, .columns = columns};
    struct avro_round *round = avro_round_new(&table);
    const char *text = byte_buffer_text(&round->schema_text);
    assert_non_null(strstr(text, "{\"name\":\"b\",\"type\":\"io.debezium.data."
                                 "VariableScaleDecimal\"}"));
    avro_round_free(round);
}

/* ---- keys ---- */

static void the_key_is_the_identity_else_the_primary_key(void **state)
{
    (void)state;
    uint16_t key[TABLE_MAX_COLUMNS];
    struct column columns[] = {{"a", 23, -1, true, true, 2, ""},
                               {"b", 23, -1, false, true, 0, ""},
                               {"c", 23, -1, true, true, 1, ""}};
    struct table table = {
        .replica_identity = REPLICA_IDENTITY_DEFAULT, .column_count = 3, .columns = columns};
    assert_int_equal(debezium_key_columns(&table, key), 2);
    assert_int_equal(key[0], 2);
    assert_int_equal(key[1], 0);
    columns[0].is_key = columns[2].is_key = false;
    columns[1].is_key = true;
    table.replica_identity = REPLICA_IDENTITY_INDEX;
    assert_int_equal(debezium_key_columns(&table, key), 1);
    assert_int_equal(key[0], 1);
    table.replica_identity = REPLICA_IDENTITY_FULL;
    assert_int_equal(debezium_key_columns(&table, key), 2);
    assert_int_equal(key[0], 2);
    columns[0].primary_key_position = columns[2].primary_key_position = 0;
    assert_false(debezium_has_key(&table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_is_met_but_for_a_default_and_two_types),
        cmocka_unit_test(things_have_the_schema_that_python_derives),
        cmocka_unit_test(domains_have_the_form_of_what_they_are_made_of),
        cmocka_unit_test(types_without_form_are_text),
        cmocka_unit_test(modifiers_decide),
        cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(names_are_adjusted_as_debezium_does),
        cmocka_unit_test(two_columns_with_one_name_are_refused),
        cmocka_unit_test(a_topic_keeps_its_dots),
        cmocka_unit_test(two_numerics_without_scale_share_one_definition),
        cmocka_unit_test(the_key_is_the_identity_else_the_primary_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
