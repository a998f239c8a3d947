/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of tables as bytes, and of their names. */
#include "schema/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/scene.h"

static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_new(4096);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static const char *labels[] = {"sad", "ok"};
static const char *base[] = {"numeric(12,2)"};
static const char *attributes[] = {"street", "Größe"};
static const char *attribute_types[] = {"text", "public.mood"};

/* A table with something in every field. */
static struct table *full_table(void)
{
    struct table *table = scene_shape(arena, 16384, "a \"b", 3, 1);
    table->columns[1].type_modifier = 786438;
    table->columns[1].is_not_null = true;
    table->columns[2].primary_key_position = 2;
    table->columns[2].type_sql = "\"Größe\".mood[]";
    table->type_count = 3;
    table->types = arena_allocate(arena, 3 * sizeof(*table->types));
    table->types[0] = (struct type_definition){
        .kind = TYPE_ENUM, .schema = "public", .name = "mood", .part_count = 2, .parts = labels};
    table->types[1] = (struct type_definition){.kind = TYPE_DOMAIN,
                                               .is_not_null = true,
                                               .schema = "public",
                                               .name = "euros",
                                               .part_count = 1,
                                               .parts = base};
    table->types[2] = (struct type_definition){.kind = TYPE_COMPOSITE,
                                               .schema = "Größe",
                                               .name = "address",
                                               .part_count = 2,
                                               .parts = attributes,
                                               .part_types = attribute_types};
    return table;
}

/* What table_read() makes of the first `size` bytes of what table_write() wrote, in memory of exactly that size. */
static struct table *reread(const struct table *table, size_t size)
{
    SCOPED_BUFFER bytes;
    byte_buffer_init(&bytes, SIZE_MAX);
    table_write(&bytes, table);
    if (size > bytes.size)
        size = bytes.size;
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (size > 0)
        memcpy(copy, bytes.data, size);
    struct byte_reader reader = byte_reader_over((struct bytes){copy, size});
    struct table *read = table_read(&reader, arena);
    free(copy);
    return read;
}

static size_t size_of(const struct table *table)
{
    SCOPED_BUFFER bytes;
    byte_buffer_init(&bytes, SIZE_MAX);
    table_write(&bytes, table);
    return bytes.size;
}

static void a_table_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct table *table = full_table();
    struct table *read = reread(table, SIZE_MAX);
    assert_non_null(read);
    assert_true(table_equal(table, read));
    assert_int_equal(read->relation_oid, 16384);
    assert_string_equal(read->schema, "public");
    assert_string_equal(read->name, "a \"b");
    assert_int_equal(read->replica_identity, REPLICA_IDENTITY_DEFAULT);
    assert_true(read->columns[0].is_key);
    assert_false(read->columns[1].is_key);
    assert_true(read->columns[1].is_not_null);
    assert_int_equal(read->columns[1].type_modifier, 786438);
    assert_int_equal(read->columns[0].type_modifier, -1);
    assert_int_equal(read->columns[2].primary_key_position, 2);
    assert_string_equal(read->columns[2].type_sql, "\"Größe\".mood[]");
}

static void the_types_of_a_table_are_read_as_they_were_written(void **state)
{
    (void)state;
    struct table *read = reread(full_table(), SIZE_MAX);
    assert_non_null(read);
    assert_int_equal(read->type_count, 3);
    assert_int_equal(read->types[0].kind, TYPE_ENUM);
    assert_string_equal(read->types[0].parts[1], "ok");
    assert_true(read->types[1].is_not_null);
    assert_string_equal(read->types[1].parts[0], "numeric(12,2)");
    assert_string_equal(read->types[2].schema, "Größe");
    assert_string_equal(read->types[2].parts[1], "Größe");
    assert_string_equal(read->types[2].part_types[1], "public.mood");
}

static void what_was_read_does_not_borrow_from_the_bytes(void **state)
{
    (void)state;
    struct table *read = reread(full_table(), SIZE_MAX);
    assert_non_null(read);
    assert_string_equal(read->columns[2].name, "c3");
}

static void a_table_cut_off_at_any_byte_is_refused(void **state)
{
    (void)state;
    struct table *table = full_table();
    for (size_t size = 0; size < size_of(table); size++)
        assert_null(reread(table, size));
}

static void a_table_without_columns_and_one_of_1600_are_tables(void **state)
{
    (void)state;
    static const uint16_t widths[] = {0, 1, 1600, TABLE_MAX_COLUMNS};
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        struct table *table = scene_shape(arena, 1, "t", widths[i], 0);
        struct table *read = reread(table, SIZE_MAX);
        assert_non_null(read);
        assert_int_equal(read->column_count, widths[i]);
        assert_true(table_equal(table, read));
    }
}

static void more_columns_than_postgresql_has_are_refused(void **state)
{
    (void)state;
    assert_null(reread(scene_shape(arena, 1, "t", TABLE_MAX_COLUMNS + 1, 0), SIZE_MAX));
}

static void tables_that_differ_in_one_field_are_not_equal(void **state)
{
    (void)state;
    enum { VARIANTS = 12 };
    for (int variant = 0; variant < VARIANTS; variant++) {
        struct table *table = full_table();
        struct table *other = full_table();
        struct column *column = &other->columns[1];
        assert_true(table_equal(table, other));
        other->relation_oid += variant == 0;
        other->schema = variant == 1 ? "other" : other->schema;
        other->name = variant == 2 ? "other" : other->name;
        other->replica_identity = variant == 3 ? REPLICA_IDENTITY_FULL : other->replica_identity;
        other->column_count = (uint16_t)(other->column_count - (variant == 4));
        column->name = variant == 5 ? "other" : column->name;
        column->type_oid += variant == 6;
        column->type_modifier += variant == 7;
        column->is_key ^= variant == 8;
        column->is_not_null ^= variant == 9;
        column->primary_key_position = (uint16_t)(column->primary_key_position + (variant == 10));
        column->type_sql = variant == 11 ? "other" : column->type_sql;
        assert_false(table_equal(table, other));
        assert_false(table_equal(other, table));
    }
}

static void a_column_is_found_by_its_exact_name(void **state)
{
    (void)state;
    struct table *table = scene_shape(arena, 1, "t", 12, 1);
    assert_int_equal(table_find_column(table, "c1"), 0);
    assert_int_equal(table_find_column(table, "c12"), 11);
    assert_int_equal(table_find_column(table, "c"), -1);
    assert_int_equal(table_find_column(table, "C1"), -1);
    assert_int_equal(table_find_column(table, ""), -1);
}

static void assert_name(const char *schema, const char *name, const char *expected)
{
    SCOPED_BUFFER text;
    byte_buffer_init(&text, 1024);
    table_write_name(&text, schema, name);
    assert_string_equal(byte_buffer_text(&text), expected);
}

static void a_name_is_quoted_only_where_it_needs_it(void **state)
{
    (void)state;
    assert_name("public", "orders_2", "public.orders_2");
    assert_name("public", "Orders", "public.\"Orders\"");
    assert_name("Größe", "a.b", "\"Größe\".\"a.b\"");
    assert_name("a b", "x\"y\"\"z", "\"a b\".\"x\"\"y\"\"\"\"z\"");
    assert_name("", "t", "\"\".t");
}

#define IN_AN_ARENA(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_AN_ARENA(a_table_is_read_as_it_was_written),
        IN_AN_ARENA(the_types_of_a_table_are_read_as_they_were_written),
        IN_AN_ARENA(what_was_read_does_not_borrow_from_the_bytes),
        IN_AN_ARENA(a_table_cut_off_at_any_byte_is_refused),
        IN_AN_ARENA(a_table_without_columns_and_one_of_1600_are_tables),
        IN_AN_ARENA(more_columns_than_postgresql_has_are_refused),
        IN_AN_ARENA(tables_that_differ_in_one_field_are_not_equal),
        IN_AN_ARENA(a_column_is_found_by_its_exact_name),
        IN_AN_ARENA(a_name_is_quoted_only_where_it_needs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
