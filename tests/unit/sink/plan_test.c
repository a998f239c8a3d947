/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of compaction: which few steps stand for which changes. */
#include "sink/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "schema/wire.h"
#include "tests/support/scene.h"

static struct scene scene;

static int open_scene(void **state)
{
    (void)state;
    scene_open(&scene);
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    scene_close(&scene);
    return 0;
}

/* ---- steps as text ---- */

static void write_set(struct byte_buffer *out, const struct row_set *set)
{
    static const char *const names[] = {[ROW_SET_INSERT] = "insert",
                                        [ROW_SET_UPDATE] = "update",
                                        [ROW_SET_DELETE] = "delete",
                                        [ROW_SET_DELETE_UNSEEN] = "unseen"};
    char text[256];
    write_format(out, "%s %s", names[set->kind], set->table->display_name);
    for (int i = 0; set->is_unchanged && i < set->table->shape->column_count; i++)
        if (set->is_unchanged[i])
            write_format(out, " -c%d", i + 1);
    for (size_t i = 0; i < set->count; i++)
        write_format(out, " %s", scene_text_of(set->tuples[i], text, sizeof(text)));
}

static void write_rows(struct byte_buffer *out, const struct plan_step *step)
{
    static struct change_values values;
    write_format(out, "rows %s", step->table->display_name);
    for (size_t i = 0; i < step->change_count; i++) {
        struct change change;
        char text[256];
        assert_true(wire_read(step->changes[i]->wire, &values, &change));
        const struct tuple *tuple =
            change.kind == CHANGE_DELETE ? &change.old_tuple : &change.new_tuple;
        write_format(out, " %c%s", change.kind, scene_text(tuple, text, sizeof(text)));
    }
}

/* Plans the scene's batch; the steps must read as `expected`. */
static void assert_plan(const char *expected)
{
    struct plan *plan = plan_new();
    const struct plan_step *steps;
    size_t count;
    struct error err;
    SCOPED_BUFFER out;
    byte_buffer_init(&out, 1 << 20);
    assert_true(plan_make(plan, scene.batch, 0, scene.batch->change_count, &steps, &count, &err));
    for (size_t i = 0; i < count; i++) {
        write_text(&out, i > 0 ? "; " : "");
        if (steps[i].kind == PLAN_SET)
            write_set(&out, &steps[i].set);
        else
            write_rows(&out, &steps[i]);
    }
    assert_string_equal(byte_buffer_text(&out), expected);
    plan_free(plan);
}

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

/* ---- what ends the folding ---- */

static void a_key_change_ends_the_folding_before_and_after_it(void **state)
{
    (void)state;
    size_t t = scene_add_table(&scene, "t", 2, "b");
    scene_insert(&scene, t, "1,a");
    scene_update(&scene, t, "K1,-", "2,a");
    scene_update(&scene, t, NULL, "2,b");
    scene_insert(&scene, t, "1,c");
    assert_plan("insert t 1,a; rows t U2,a; update t 2,b; insert t 1,c");
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
    assert_plan("insert t 1.00,b 10.0,d NaN,f 100,g");
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
    assert_plan("insert f 0,b; insert b -0,a 0,b");
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
    assert_plan("insert t a,bc,1 ab,c,5 abc,,3 ,abc,4");
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

#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

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
