/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of compaction: which keys are equal, and what has to keep its order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/sink/plan_support.h"

/* ---- what ends the folding ---- */

static void a_key_change_ends_the_folding_before_and_after_it(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_insert(&scene, t, "1,a");
    scene_update(&scene, t, "K1,-", "2,a");
    scene_update(&scene, t, NULL, "2,b");
    scene_insert(&scene, t, "1,c");
    assert_plan("insert t 1,a; rows t U2,a; insert t 1,c; update t 2,b");
}

static void a_chain_of_key_changes_keeps_its_order(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_update(&scene, t, "K2,-", "3,b");
    scene_update(&scene, t, "K1,-", "2,a");
    scene_update(&scene, t, "K3,-", "1,b");
    assert_plan("rows t U3,b U2,a U1,b");
}

static void around_a_key_change_deletes_stay_in_their_group(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    size_t u = scene_add_table(&scene, "u", 2, "b");
    scene_delete(&scene, t, "K2,-");
    scene_update(&scene, t, "K1,-", "2,a");
    scene_delete(&scene, t, "K2,-");
    scene_insert(&scene, t, "1,b");
    scene_delete(&scene, u, "K9,-");
    assert_plan("delete u 9,-; delete t 2,-; rows t U2,a; delete t 2,-; insert t 1,b");
}

static void a_key_change_of_one_table_leaves_the_others_folded(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    size_t u = scene_add_table(&scene, "u", 2, "b");
    scene_insert(&scene, u, "1,a");
    scene_update(&scene, t, "K1,-", "2,a");
    scene_update(&scene, u, NULL, "1,b");
    assert_plan("insert u 1,b; rows t U2,a");
}

static void an_old_tuple_with_the_same_key_is_no_key_change(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_update(&scene, t, "O1,a", "1,b");
    scene_update(&scene, t, "K1,-", "1,c");
    assert_plan("update t 1,c");
}

static void an_update_whose_old_key_is_unknown_keeps_its_order(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "bb");
    scene_update(&scene, t, "K1,-", "1,b");
    scene_update(&scene, t, NULL, "1,?");
    assert_plan("rows t U1,b U1,?");
}

static void an_insert_of_a_row_that_is_there_keeps_the_order(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_update(&scene, t, NULL, "1,a");
    scene_insert(&scene, t, "1,b");
    scene_update(&scene, t, NULL, "1,c");
    assert_plan("update t 1,a; rows t I1,b; update t 1,c");
}

static void two_inserts_of_one_key_keep_the_order(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_insert(&scene, t, "1,a");
    scene_insert(&scene, t, "1,b");
    assert_plan("insert t 1,a; rows t I1,b");
}

static void an_update_of_a_row_that_is_gone_keeps_the_order(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_delete(&scene, t, "K1,-");
    scene_update(&scene, t, NULL, "1,a");
    scene_insert(&scene, t, "2,b");
    assert_plan("delete t 1,-; rows t U1,a; insert t 2,b");
}

static void a_delete_of_a_row_that_is_gone_keeps_the_order(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_delete(&scene, t, "K1,-");
    scene_delete(&scene, t, "K1,-");
    assert_plan("delete t 1,-; rows t D1,-");
}

/* ---- keys ---- */

static void a_table_without_key_stays_in_order(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "");
    scene_insert(&scene, t, "1,a");
    scene_insert(&scene, t, "1,a");
    scene_delete(&scene, t, "O1,a");
    scene_update(&scene, t, "O1,a", "1,b");
    assert_plan("rows t I1,a I1,a D1,a U1,b");
}

static void a_key_that_only_the_server_can_compare_stays_in_order(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "u");
    size_t two = scene_add_table(&scene, "two", 2, "bu");
    scene_insert(&scene, t, "1,a");
    scene_update(&scene, t, NULL, "1,b");
    scene_insert(&scene, two, "1,a");
    scene_delete(&scene, two, "K1,a");
    assert_plan("rows t I1,a U1,b; rows two I1,a D1,a");
}

static void numeric_keys_are_equal_whatever_their_scale(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "n");
    scene_insert(&scene, t, "1.0,a");
    scene_update(&scene, t, NULL, "1.00,b");
    scene_insert(&scene, t, "10,c");
    scene_update(&scene, t, NULL, "10.0,d");
    scene_insert(&scene, t, "NaN,e");
    scene_update(&scene, t, NULL, "NaN,f");
    scene_insert(&scene, t, "100,g");
    assert_plan("insert t 1.00,b 10.0,d 100,g NaN,f");
}

static void a_numeric_key_that_changes_its_scale_is_no_key_change(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "n");
    scene_update(&scene, t, "K1.0,-", "1.00,b");
    assert_plan("update t 1.00,b");
}

static void minus_zero_is_zero_where_the_key_is_a_float(void **state)
{
    (void)state;
    size_t f = scene_add_table(&scene, "f", 2, "f");
    size_t b = scene_add_table(&scene, "b", 2, "b");
    scene_insert(&scene, f, "-0,a");
    scene_update(&scene, f, NULL, "0,b");
    scene_insert(&scene, b, "-0,a");
    scene_insert(&scene, b, "0,b");
    assert_plan("insert f 0,b; insert b 0,b -0,a");
}

static void the_columns_of_a_key_keep_their_borders(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 3, "bb");
    scene_insert(&scene, t, "a,bc,1");
    scene_insert(&scene, t, "ab,c,2");
    scene_insert(&scene, t, "abc,,3");
    scene_insert(&scene, t, ",abc,4");
    scene_update(&scene, t, NULL, "ab,c,5");
    assert_plan("insert t ,abc,4 a,bc,1 ab,c,5 abc,,3");
}

static void a_key_of_several_forms_is_compared_column_by_column(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 4, "bnf");
    scene_insert(&scene, t, "a,1.0,0,x");
    scene_update(&scene, t, "Ka,1.00,-0,-", "a,1,-0,y");
    scene_insert(&scene, t, "b,1,0,z");
    assert_plan("insert t a,1,-0,y b,1,0,z");
}

static void an_empty_key_is_a_key(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_insert(&scene, t, ",a");
    scene_update(&scene, t, NULL, ",b");
    assert_plan("insert t ,b");
}

static void a_key_that_is_null_or_was_not_sent_keeps_the_order(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_insert(&scene, t, "-,a");
    scene_update(&scene, t, NULL, "?,b");
    scene_delete(&scene, t, "K-,-");
    assert_plan("rows t I-,a U?,b D-,-");
}

static void equal_keys_of_two_tables_are_two_rows(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    size_t u = scene_add_table(&scene, "u", 2, "b");
    scene_insert(&scene, t, "1,a");
    scene_insert(&scene, u, "1,b");
    scene_delete(&scene, t, "K1,-");
    assert_plan("unseen t 1,-; insert u 1,b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_SCENE(a_key_change_ends_the_folding_before_and_after_it),
        IN_A_SCENE(a_chain_of_key_changes_keeps_its_order),
        IN_A_SCENE(around_a_key_change_deletes_stay_in_their_group),
        IN_A_SCENE(a_key_change_of_one_table_leaves_the_others_folded),
        IN_A_SCENE(an_old_tuple_with_the_same_key_is_no_key_change),
        IN_A_SCENE(an_update_whose_old_key_is_unknown_keeps_its_order),
        IN_A_SCENE(an_insert_of_a_row_that_is_there_keeps_the_order),
        IN_A_SCENE(two_inserts_of_one_key_keep_the_order),
        IN_A_SCENE(an_update_of_a_row_that_is_gone_keeps_the_order),
        IN_A_SCENE(a_delete_of_a_row_that_is_gone_keeps_the_order),
        IN_A_SCENE(a_table_without_key_stays_in_order),
        IN_A_SCENE(a_key_that_only_the_server_can_compare_stays_in_order),
        IN_A_SCENE(numeric_keys_are_equal_whatever_their_scale),
        IN_A_SCENE(a_numeric_key_that_changes_its_scale_is_no_key_change),
        IN_A_SCENE(minus_zero_is_zero_where_the_key_is_a_float),
        IN_A_SCENE(the_columns_of_a_key_keep_their_borders),
        IN_A_SCENE(a_key_of_several_forms_is_compared_column_by_column),
        IN_A_SCENE(an_empty_key_is_a_key),
        IN_A_SCENE(a_key_that_is_null_or_was_not_sent_keeps_the_order),
        IN_A_SCENE(equal_keys_of_two_tables_are_two_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
