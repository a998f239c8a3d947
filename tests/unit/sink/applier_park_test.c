/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what the applier keeps aside with the policy `park`. */
#include "tests/unit/sink/applier_support.h"

#include "base/memory.h"

static int open_parking(void **state)
{
    open_apply(state);
    apply.options.parks_rows = true;
    return 0;
}

static void assert_parked(const char *expected)
{
    static char text[64 * 1024];
    assert_string_equal(memory_target_parked(apply.memory, text, sizeof(text)), expected);
}

static void insert(const char *row)
{
    scene_insert(&apply.scene, 0, row);
}

static void end_and_apply(void)
{
    scene_end(&apply.scene);
    assert_applies();
}

/* 1,x is there, and 2,x was refused because of it. */
static void start_parked(void)
{
    insert("1,x");
    insert("2,x");
    end_and_apply();
    assert_parked("t:I 2,x!");
}

static void a_refused_row_is_parked_and_the_rest_of_its_unit_applied(void **state)
{
    (void)state;
    insert("1,x");
    insert("2,x");
    insert("3,y");
    scene_end(&apply.scene);
    insert("4,z");
    end_and_apply();
    assert_rows("t", "1,x 3,y 4,z");
    assert_parked("t:I 2,x!");
    assert_int_equal(atomic_load(&apply.stats.parked), 1);
}

static void one_refused_row_of_a_large_batch_is_found(void **state)
{
    (void)state;
    memory_target_queue_rows(apply.memory);
    insert("9000,a700");
    apply_many_inserts(&apply, 0, 699);
    insert("700,a700");
    apply_many_inserts(&apply, 1, 2000);
    end_and_apply();
    assert_parked("t:I 700,a700!");
    static char rows[64 * 1024];
    memory_target_rows(apply.memory, "t", rows, sizeof(rows));
    assert_non_null(strstr(rows, "699,a699"));
    assert_non_null(strstr(rows, "9000,a700"));
    assert_null(strstr(rows, "700,a700 "));
}

static void later_changes_of_its_key_wait_behind_it(void **state)
{
    (void)state;
    start_parked();
    scene_update(&apply.scene, 0, NULL, "2,y");
    scene_update(&apply.scene, 0, NULL, "1,z");
    scene_end(&apply.scene);
    scene_delete(&apply.scene, 0, "K2,-");
    end_and_apply();
    assert_rows("t", "1,z");
    assert_parked("t:I 2,x!; t:U 2,y; t:D 2,-");
}

static void later_changes_wait_in_a_folded_batch_too(void **state)
{
    (void)state;
    start_parked();
    apply_many_inserts(&apply, 1, 100);
    scene_update(&apply.scene, 0, NULL, "2,y");
    scene_update(&apply.scene, 0, NULL, "1,z");
    memory_target_forget_trace(apply.memory);
    end_and_apply();
    assert_non_null(strstr(memory_target_trace(apply.memory), "set"));
    assert_rows("t", "1,z");
    assert_parked("t:I 2,x!; t:U 2,y");
}

static void a_key_change_takes_both_keys_along(void **state)
{
    (void)state;
    insert("5,e");
    insert("6,f");
    end_and_apply();
    start_parked();
    scene_update(&apply.scene, 0, "K2,-", "7,g");
    scene_update(&apply.scene, 0, NULL, "7,h");
    scene_update(&apply.scene, 0, "K5,-", "2,e");
    scene_update(&apply.scene, 0, NULL, "5,i");
    scene_update(&apply.scene, 0, NULL, "6,j");
    end_and_apply();
    assert_rows("t", "1,x 5,e 6,j");
    assert_parked("t:I 2,x!; t:U 7,g; t:U 7,h; t:U 2,e; t:U 5,i");
}

static void an_update_that_meets_no_row_is_parked(void **state)
{
    (void)state;
    scene_update(&apply.scene, 0, NULL, "1,a");
    insert("2,b");
    end_and_apply();
    assert_rows("t", "2,b");
    assert_parked("t:U 1,a!");
}

static void a_restart_remembers_the_keys(void **state)
{
    (void)state;
    start_parked();
    apply_restart(&apply);
    scene_update(&apply.scene, 0, NULL, "2,y");
    end_and_apply();
    assert_parked("t:I 2,x!; t:U 2,y");
}

static void with_the_policy_stop_what_waits_is_parked_still_and_what_is_refused_stops(void **state)
{
    (void)state;
    struct error err;
    start_parked();
    apply.options.parks_rows = false;
    apply_restart(&apply);
    scene_update(&apply.scene, 0, NULL, "2,y");
    end_and_apply();
    assert_parked("t:I 2,x!; t:U 2,y");
    insert("3,x");
    scene_end(&apply.scene);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.stop, STOP_ROW_REFUSED);
    assert_parked("t:I 2,x!; t:U 2,y");
}

static void what_a_person_resolved_is_applied_again(void **state)
{
    (void)state;
    start_parked();
    memory_target_resolve_parked(apply.memory);
    insert("2,y");
    end_and_apply();
    assert_rows("t", "1,x 2,y");
    assert_parked("");
}

static void truncate_resolves_what_is_parked_of_its_table(void **state)
{
    (void)state;
    scene_update(&apply.scene, 1, NULL, "9,u");
    insert("1,x");
    insert("2,x");
    scene_update(&apply.scene, 0, NULL, "2,y");
    scene_truncate(&apply.scene, 0);
    insert("2,z");
    end_and_apply();
    assert_rows("t", "2,z");
    assert_parked("u:U 9,u!");
}

static void of_a_table_without_a_key_each_row_stands_by_itself(void **state)
{
    (void)state;
    scene_update(&apply.scene, 2, "O1,a", "1,b");
    scene_insert(&apply.scene, 2, "1,b");
    end_and_apply();
    assert_rows("n", "1,b");
    assert_parked("n:U 1,b!");
}

static void a_large_unit_in_parts_is_read_again_and_parks(void **state)
{
    (void)state;
    struct error err;
    insert("1,x");
    assert_applies();
    insert("2,x");
    scene_end_counting(&apply.scene, 2);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.kind, ERROR_RETRY);
    apply_restart(&apply);
    apply.scene.lsn -= 0x10;
    apply.scene.ordinal = 0;
    insert("1,x");
    insert("2,x");
    assert_applies();
    scene_update(&apply.scene, 0, NULL, "2,y");
    scene_end_counting(&apply.scene, 3);
    assert_applies();
    assert_rows("t", "1,x");
    assert_parked("t:I 2,x!; t:U 2,y");
}

static void a_constraint_that_only_the_commit_checks_is_found_out_row_by_row(void **state)
{
    (void)state;
    insert("1,a");
    insert("2,b");
    scene_end(&apply.scene);
    memory_target_fail(apply.memory, MEMORY_COMMIT, 1, MEMORY_DATA);
    memory_target_fail(apply.memory, MEMORY_COMMIT, 2, MEMORY_DATA);
    memory_target_fail(apply.memory, MEMORY_CHECK_DEFERRED, 1, MEMORY_DATA);
    memory_target_fail(apply.memory, MEMORY_CHECK_DEFERRED, 3, MEMORY_DATA);
    assert_applies();
    assert_rows("t", "1,a");
    assert_parked("t:I 2,b!");
}

static void a_commit_that_is_refused_whatever_is_parked_stops(void **state)
{
    (void)state;
    struct error err;
    insert("1,a");
    scene_end(&apply.scene);
    for (unsigned nth = 1; nth <= 3; nth++)
        memory_target_fail(apply.memory, MEMORY_COMMIT, nth, MEMORY_DATA);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.stop, STOP_ROW_REFUSED);
    assert_parked("");
}

static void a_large_unit_whose_commit_is_refused_is_read_twice_and_then_stops(void **state)
{
    (void)state;
    struct error err;
    for (int reading = 1; reading <= 3; reading++) {
        apply.scene.lsn = 0x100;
        insert("1,a");
        assert_applies();
        insert("2,b");
        scene_end_counting(&apply.scene, 2);
        memory_target_fail(apply.memory, MEMORY_COMMIT, 1, MEMORY_DATA);
        assert_false(apply_batch(&apply, &err));
        assert_int_equal(err.kind, reading < 3 ? ERROR_RETRY : ERROR_STOP);
        apply_restart(&apply);
    }
    assert_int_equal(err.stop, STOP_ROW_REFUSED);
    assert_int_equal(atomic_load(&apply.remembered.checked_until), 0x100);
}

static void a_row_that_cannot_be_parked_either_stops(void **state)
{
    (void)state;
    struct error err;
    insert("1,x");
    insert("2,x");
    scene_end(&apply.scene);
    memory_target_fail(apply.memory, MEMORY_PARK, 1, MEMORY_REFUSES);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.stop, STOP_PERMISSION_DENIED);
    assert_rows("t", "");
    assert_parked("");
}

static void a_session_lost_at_each_call_in_turn_parks_each_change_once(void **state)
{
    (void)state;
    for (unsigned op = MEMORY_BEGIN; op < MEMORY_OPS; op++)
        for (unsigned nth = 1; nth <= 4; nth++) {
            close_apply(NULL);
            open_parking(NULL);
            insert("1,x");
            end_and_apply();
            insert("2,x");
            scene_update(&apply.scene, 0, NULL, "2,y");
            insert("3,z");
            scene_end(&apply.scene);
            memory_target_fail(apply.memory, (enum memory_op)op, nth,
                               nth % 2 ? MEMORY_LOST : MEMORY_LOST_AFTER);
            assert_applies();
            assert_rows("t", "1,x 3,z");
            assert_parked("t:I 2,x!; t:U 2,y");
        }
}

static void a_new_copy_voids_what_is_parked(void **state)
{
    (void)state;
    struct recorded creating = {.state = RECORDED_CREATING, .position.epoch = 2};
    start_parked();
    creating.tables = memory_copy_string("");
    scene_state(&apply.scene, &creating, 1);
    assert_applies();
    assert_parked("");
    recorded_release(&creating);
}

#define T(test) cmocka_unit_test_setup_teardown(test, open_parking, close_apply)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        T(a_refused_row_is_parked_and_the_rest_of_its_unit_applied),
        T(one_refused_row_of_a_large_batch_is_found),
        T(later_changes_of_its_key_wait_behind_it),
        T(later_changes_wait_in_a_folded_batch_too),
        T(a_key_change_takes_both_keys_along),
        T(an_update_that_meets_no_row_is_parked),
        T(a_restart_remembers_the_keys),
        T(with_the_policy_stop_what_waits_is_parked_still_and_what_is_refused_stops),
        T(what_a_person_resolved_is_applied_again),
        T(truncate_resolves_what_is_parked_of_its_table),
        T(of_a_table_without_a_key_each_row_stands_by_itself),
        T(a_large_unit_in_parts_is_read_again_and_parks),
        T(a_constraint_that_only_the_commit_checks_is_found_out_row_by_row),
        T(a_commit_that_is_refused_whatever_is_parked_stops),
        T(a_large_unit_whose_commit_is_refused_is_read_twice_and_then_stops),
        T(a_row_that_cannot_be_parked_either_stops),
        T(a_session_lost_at_each_call_in_turn_parks_each_change_once),
        T(a_new_copy_voids_what_is_parked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
