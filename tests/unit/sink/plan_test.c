/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of compaction: which few steps stand for which changes of a key. */
#include "sink/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/sink/plan_support.h"

/* ---- one key ---- */

static void nothing_gives_no_step(void **state)
{
    (void)state;
    assert_plan("");
}

static void an_insert_and_its_updates_are_one_insert_with_the_last_values(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 3, "b");
    scene_insert(&scene, t, "1,a,b");
    scene_update(&scene, t, NULL, "1,c,d");
    scene_update(&scene, t, NULL, "1,e,-");
    assert_plan("insert t 1,e,-");
}

static void what_an_update_did_not_send_comes_from_the_insert(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 3, "b");
    scene_insert(&scene, t, "1,a,b");
    scene_update(&scene, t, NULL, "1,?,c");
    scene_update(&scene, t, NULL, "1,d,?");
    assert_plan("insert t 1,d,c");
}

static void what_an_update_did_not_send_comes_from_the_update_before(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 3, "b");
    scene_update(&scene, t, NULL, "1,a,b");
    scene_update(&scene, t, NULL, "1,?,c");
    assert_plan("update t 1,a,c");
}

static void a_column_that_no_update_sent_stays_out(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 4, "b");
    scene_update(&scene, t, NULL, "1,?,?,c");
    scene_update(&scene, t, NULL, "1,a,?,?");
    assert_plan("update t -c3 1,a,?,c");
}

static void a_null_is_a_value_and_not_an_unchanged_column(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 3, "b");
    scene_insert(&scene, t, "1,a,-");
    scene_update(&scene, t, NULL, "1,-,?");
    assert_plan("insert t 1,-,-");
}

static void a_full_update_over_a_partial_one_has_all_columns(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 3, "b");
    scene_update(&scene, t, NULL, "1,?,b");
    scene_update(&scene, t, NULL, "1,c,d");
    assert_plan("update t 1,c,d");
}

static void updates_with_different_unchanged_columns_are_sets_of_their_own(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 3, "b");
    scene_update(&scene, t, NULL, "1,?,b");
    scene_update(&scene, t, NULL, "2,a,?");
    scene_update(&scene, t, NULL, "3,a,b");
    scene_update(&scene, t, NULL, "4,?,c");
    assert_plan("update t -c2 1,?,b 4,?,c; update t -c3 2,a,?; update t 3,a,b");
}

static void an_insert_that_is_deleted_again_should_meet_no_row(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_insert(&scene, t, "1,a");
    scene_update(&scene, t, NULL, "1,b");
    scene_delete(&scene, t, "K1,-");
    assert_plan("unseen t 1,-");
}

static void an_update_and_a_delete_are_one_delete(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_update(&scene, t, NULL, "1,a");
    scene_delete(&scene, t, "K1,-");
    assert_plan("delete t 1,-");
}

static void a_row_deleted_and_inserted_again_is_an_update_of_all_columns(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 3, "b");
    scene_delete(&scene, t, "K1,-,-");
    scene_insert(&scene, t, "1,a,b");
    assert_plan("update t 1,a,b");
}

static void after_delete_and_insert_nothing_is_unchanged_any_more(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 3, "b");
    scene_update(&scene, t, NULL, "1,?,b");
    scene_delete(&scene, t, "K1,-,-");
    scene_insert(&scene, t, "1,c,d");
    scene_update(&scene, t, NULL, "1,?,e");
    assert_plan("update t 1,c,e");
}

static void a_row_that_comes_and_goes_twice_was_never_there(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_insert(&scene, t, "1,a");
    scene_delete(&scene, t, "K1,-");
    scene_insert(&scene, t, "1,b");
    assert_plan("insert t 1,b");
    scene_delete(&scene, t, "K1,-");
    assert_plan("unseen t 1,-");
}

static void a_row_that_goes_comes_and_goes_was_there(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_delete(&scene, t, "O1,a");
    scene_insert(&scene, t, "1,b");
    scene_delete(&scene, t, "O1,b");
    assert_plan("delete t 1,b");
}

/* ---- many rows ---- */

static void the_sets_of_a_table_are_deletes_then_the_rest(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_insert(&scene, t, "1,a");
    scene_delete(&scene, t, "K2,-");
    scene_update(&scene, t, NULL, "3,c");
    scene_insert(&scene, t, "4,d");
    scene_delete(&scene, t, "K5,-");
    assert_plan("delete t 2,- 5,-; insert t 1,a 4,d; update t 3,c");
}

static void deletes_of_all_tables_come_first_the_last_table_before_the_first(void **state)
{
    (void)state;
    size_t parent = scene_add_table(&scene, "parent", 2, "b");
    size_t child = scene_add_table(&scene, "child", 2, "b");
    scene_insert(&scene, parent, "1,a");
    scene_insert(&scene, child, "10,1");
    scene_delete(&scene, child, "K11,-");
    scene_delete(&scene, parent, "K2,-");
    assert_plan("delete child 11,-; delete parent 2,-; insert parent 1,a; insert child 10,1");
}

static void ten_thousand_keys_are_all_told_apart(void **state)
{
    (void)state;
    enum { KEYS = 10000 };
    size_t t = scene_add_table(&scene, "t", 2, "b");
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < KEYS; i++) {
            char row[32];
            snprintf(row, sizeof(row), "%d,%d", i, round);
            if (round == 0)
                scene_insert(&scene, t, row);
            else
                scene_update(&scene, t, NULL, row);
        }
    struct plan *plan = plan_new();
    const struct plan_step *steps;
    size_t count;
    struct error err;
    assert_true(plan_make(plan, scene.batch, 0, scene.batch->change_count, &steps, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(steps[0].set.kind, ROW_SET_INSERT);
    assert_int_equal(steps[0].set.count, KEYS);
    for (int i = 0; i < KEYS; i++) {
        char expected[32];
        char text[32];
        snprintf(expected, sizeof(expected), "%d,1", i);
        assert_string_equal(scene_text_of(steps[0].set.tuples[i], text, sizeof(text)), expected);
    }
    plan_free(plan);
}

static void only_the_named_range_of_the_batch_is_planned(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_insert(&scene, t, "1,a");
    scene_insert(&scene, t, "2,b");
    scene_insert(&scene, t, "3,c");
    struct plan *plan = plan_new();
    const struct plan_step *steps;
    size_t count;
    struct error err;
    char text[32];
    for (int i = 0; i < 2; i++) {
        assert_true(plan_make(plan, scene.batch, 1, 2, &steps, &count, &err));
        assert_int_equal(count, 1);
        assert_int_equal(steps[0].set.count, 1);
        assert_string_equal(scene_text_of(steps[0].set.tuples[0], text, sizeof(text)), "2,b");
    }
    plan_free(plan);
}

static void a_malformed_change_is_a_bug_of_ours(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_insert(&scene, t, "1,a");
    scene.batch->changes[0].wire.size--;
    struct plan *plan = plan_new();
    const struct plan_step *steps;
    size_t count;
    struct error err;
    assert_false(plan_make(plan, scene.batch, 0, 1, &steps, &count, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_SCENE(nothing_gives_no_step),
        IN_A_SCENE(an_insert_and_its_updates_are_one_insert_with_the_last_values),
        IN_A_SCENE(what_an_update_did_not_send_comes_from_the_insert),
        IN_A_SCENE(what_an_update_did_not_send_comes_from_the_update_before),
        IN_A_SCENE(a_column_that_no_update_sent_stays_out),
        IN_A_SCENE(a_null_is_a_value_and_not_an_unchanged_column),
        IN_A_SCENE(a_full_update_over_a_partial_one_has_all_columns),
        IN_A_SCENE(updates_with_different_unchanged_columns_are_sets_of_their_own),
        IN_A_SCENE(an_insert_that_is_deleted_again_should_meet_no_row),
        IN_A_SCENE(an_update_and_a_delete_are_one_delete),
        IN_A_SCENE(a_row_deleted_and_inserted_again_is_an_update_of_all_columns),
        IN_A_SCENE(after_delete_and_insert_nothing_is_unchanged_any_more),
        IN_A_SCENE(a_row_that_comes_and_goes_twice_was_never_there),
        IN_A_SCENE(a_row_that_goes_comes_and_goes_was_there),
        IN_A_SCENE(the_sets_of_a_table_are_deletes_then_the_rest),
        IN_A_SCENE(deletes_of_all_tables_come_first_the_last_table_before_the_first),
        IN_A_SCENE(ten_thousand_keys_are_all_told_apart),
        IN_A_SCENE(only_the_named_range_of_the_batch_is_planned),
        IN_A_SCENE(a_malformed_change_is_a_bug_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
