/* SPDX-License-Identifier: Apache-2.0 */
/* What a review of the applier found: with care, in parts, in the copy, around an ALTER. */
#include "tests/unit/sink/applier_support.h"
static void insert_units(int from, int to)
{
    for (int i = from; i <= to; i++) {
        char row[32];
        snprintf(row, sizeof(row), "%d,a%d", i, i);
        scene_insert(&apply.scene, 0, row);
        scene_end(&apply.scene);
    }
}

/* A */
static void with_care_a_deadlock_does_not_apply_again_what_was_committed(void **state)
{
    (void)state;
    atomic_store(&apply.remembered.careful_until, 0x1000);
    scene_insert(&apply.scene, 0, "1,a");
    scene_end(&apply.scene);
    scene_update(&apply.scene, 0, NULL, "1,b");
    scene_end(&apply.scene);
    scene_delete(&apply.scene, 0, "K1,-");
    scene_end(&apply.scene);
    scene_insert(&apply.scene, 0, "2,c");
    scene_end(&apply.scene);
    memory_target_fail(apply.memory, MEMORY_COMMIT, 4, MEMORY_BUSY);
    assert_applies();
    assert_rows("t", "2,c");
    assert_int_equal(memory_target_commits(apply.memory), 4);
}
/* A' lost session */
static void with_care_a_lost_session_does_not_apply_again_what_was_committed(void **state)
{
    (void)state;
    atomic_store(&apply.remembered.careful_until, 0x1000);
    insert_units(1, 3);
    memory_target_fail(apply.memory, MEMORY_COMMIT, 3, MEMORY_LOST);
    assert_applies();
    assert_int_equal(memory_target_commits(apply.memory), 3);
    assert_int_equal(atomic_load(&apply.stats.row_exists), 0);
}
/* B */
static void a_lost_commit_of_whole_units_does_not_swallow_the_open_one(void **state)
{
    (void)state;
    insert_units(1, 2);
    scene_insert(&apply.scene, 0, "3,c");
    memory_target_fail(apply.memory, MEMORY_COMMIT, 1, MEMORY_LOST_AFTER);
    assert_applies();
    scene_insert(&apply.scene, 0, "4,d");
    scene_end_counting(&apply.scene, 2);
    assert_applies();
    assert_rows("t", "1,a1 2,a2 3,c 4,d");
}
/* C */
static void a_copied_row_that_is_refused_in_an_open_unit_stops_by_name_in_the_end(void **state)
{
    (void)state;
    struct error err;
    for (int reading = 0; reading < 3; reading++) {
        memory_target_fail(apply.memory, MEMORY_COPY, 1, MEMORY_DATA);
        apply.scene.lsn = 0;
        apply.scene.ordinal = 0;
        scene_copy(&apply.scene, 0, "1\ta\n", 1);
        assert_false(apply_batch(&apply, &err));
        apply_restart(&apply);
    }
    assert_int_equal(err.kind, ERROR_STOP);
}
/* E */
static void after_a_failure_the_transaction_is_rolled_back(void **state)
{
    (void)state;
    struct error err;
    scene_insert(&apply.scene, 0, "1,a");
    scene_insert(&apply.scene, 0, "2,a");
    scene_end(&apply.scene);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.stop, STOP_ROW_REFUSED);
    struct recorded held = *memory_target_checkpoint(apply.memory);
    struct target *target = memory_target_base(apply.memory);
    /* the fake aborts: "a statement in a failed transaction" */
    assert_true(target->ops->begin(target, &held, false, &err));
}
/* D */
static void a_row_inserted_before_an_alter_and_deleted_after_it_is_gone(void **state)
{
    (void)state;
    size_t altered = scene_add_table(&apply.scene, "t", 2, "b");
    apply.scene.shapes[altered]->target = NULL;
    scene_insert(&apply.scene, 0, "1,a");
    scene_end(&apply.scene);
    for (int i = 0; i < 64; i++) {
        char row[32];
        snprintf(row, sizeof(row), "%d,u", i);
        scene_insert(&apply.scene, 1, row);
    }
    scene_end(&apply.scene);
    scene_delete(&apply.scene, altered, "K1,-");
    scene_end(&apply.scene);
    assert_applies();
    assert_rows("t", "");
}
#define T(test) cmocka_unit_test_setup_teardown(test, open_apply, close_apply)
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        T(with_care_a_deadlock_does_not_apply_again_what_was_committed),
        T(with_care_a_lost_session_does_not_apply_again_what_was_committed),
        T(a_lost_commit_of_whole_units_does_not_swallow_the_open_one),
        T(a_copied_row_that_is_refused_in_an_open_unit_stops_by_name_in_the_end),
        T(a_row_inserted_before_an_alter_and_deleted_after_it_is_gone),
        T(after_a_failure_the_transaction_is_rolled_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
