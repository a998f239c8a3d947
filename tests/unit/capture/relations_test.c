/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the cache of relations, as far as it needs no server. */
#include "capture/relations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/scene.h"

static bool is_not_unwanted(const void *context, const char *schema, const char *name)
{
    (void)context;
    (void)schema;
    return strcmp(name, "unwanted") != 0;
}

static struct relations *relations;

static int open_relations(void **state)
{
    (void)state;
    relations = relations_new(is_not_unwanted, NULL);
    return 0;
}

static int close_relations(void **state)
{
    (void)state;
    relations_free(relations);
    return 0;
}

static struct relation *add(uint32_t oid, const char *name, uint16_t columns)
{
    struct arena *arena = arena_new(1024);
    return relations_add(relations, scene_shape(arena, oid, name, columns, 1), arena);
}

static void an_oid_that_was_never_described_is_not_found(void **state)
{
    (void)state;
    assert_null(relations_find(relations, 0));
    assert_null(relations_find(relations, 16384));
    assert_null(relations_find(relations, UINT32_MAX));
}

static void what_was_added_is_found_wanted_and_not_sent_yet(void **state)
{
    (void)state;
    struct relation *added = add(16384, "orders", 2);
    struct relation *found = relations_find(relations, 16384);
    assert_ptr_equal(found, added);
    assert_int_equal(found->oid, 16384);
    assert_int_equal(found->shape_id, 1);
    assert_true(found->is_wanted);
    assert_false(found->is_sent);
    assert_string_equal(found->table->name, "orders");
}

static void the_same_shape_keeps_its_id_and_is_not_sent_again(void **state)
{
    (void)state;
    add(16384, "orders", 2)->is_sent = true;
    struct relation *again = add(16384, "orders", 2);
    assert_int_equal(again->shape_id, 1);
    assert_true(again->is_sent);
}

static void a_new_shape_gets_a_new_id_and_has_to_be_sent(void **state)
{
    (void)state;
    add(16384, "orders", 2)->is_sent = true;
    struct relation *wider = add(16384, "orders", 3);
    assert_int_equal(wider->shape_id, 2);
    assert_false(wider->is_sent);
    assert_int_equal(wider->table->column_count, 3);
    struct relation *back = add(16384, "orders", 2);
    assert_int_equal(back->shape_id, 3);
    assert_false(back->is_sent);
}

static void a_renamed_table_is_a_new_shape(void **state)
{
    (void)state;
    add(16384, "orders", 2);
    assert_int_equal(add(16384, "old_orders", 2)->shape_id, 2);
    assert_int_equal(add(16400, "orders", 2)->shape_id, 3);
}

static void a_table_that_is_not_wanted_is_known_without_asking_the_catalog(void **state)
{
    (void)state;
    struct error err;
    struct pgoutput_relation message = {.oid = 16500, .schema = "public", .name = "unwanted"};
    assert_true(relations_update(relations, &message, NULL, &err));
    struct relation *found = relations_find(relations, 16500);
    assert_non_null(found);
    assert_false(found->is_wanted);
    assert_null(found->table);
    assert_int_equal(found->shape_id, 0);
}

static void a_table_that_was_renamed_out_of_the_list_is_not_wanted_any_more(void **state)
{
    (void)state;
    struct error err;
    struct pgoutput_relation message = {.oid = 16384, .schema = "public", .name = "unwanted"};
    add(16384, "orders", 2);
    assert_true(relations_update(relations, &message, NULL, &err));
    assert_false(relations_find(relations, 16384)->is_wanted);
    struct relation *back = add(16384, "orders", 2);
    assert_true(back->is_wanted);
    assert_false(back->is_sent);
    assert_int_equal(back->shape_id, 2);
}

static void ten_thousand_relations_are_all_found_and_no_other(void **state)
{
    (void)state;
    enum { RELATIONS = 10000, STEP = 64 };
    for (uint32_t i = 1; i <= RELATIONS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "t%u", i);
        assert_int_equal(add(i * STEP, name, 1)->shape_id, i);
    }
    for (uint32_t i = 1; i <= RELATIONS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "t%u", i);
        struct relation *found = relations_find(relations, i * STEP);
        assert_non_null(found);
        assert_int_equal(found->shape_id, i);
        assert_string_equal(found->table->name, name);
        assert_null(relations_find(relations, i * STEP + 1));
    }
}

static void freeing_nothing_does_nothing(void **state)
{
    (void)state;
    relations_free(NULL);
}

#define WITH_RELATIONS(test) cmocka_unit_test_setup_teardown(test, open_relations, close_relations)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RELATIONS(an_oid_that_was_never_described_is_not_found),
        WITH_RELATIONS(what_was_added_is_found_wanted_and_not_sent_yet),
        WITH_RELATIONS(the_same_shape_keeps_its_id_and_is_not_sent_again),
        WITH_RELATIONS(a_new_shape_gets_a_new_id_and_has_to_be_sent),
        WITH_RELATIONS(a_renamed_table_is_a_new_shape),
        WITH_RELATIONS(a_table_that_is_not_wanted_is_known_without_asking_the_catalog),
        WITH_RELATIONS(a_table_that_was_renamed_out_of_the_list_is_not_wanted_any_more),
        WITH_RELATIONS(ten_thousand_relations_are_all_found_and_no_other),
        cmocka_unit_test(freeing_nothing_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
