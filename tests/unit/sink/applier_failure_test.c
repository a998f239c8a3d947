/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the applier while the target fails: refusals, deadlocks, lost sessions, crashes. */
#include "tests/unit/sink/applier_support.h"

static void assert_fails(enum error_kind kind)
{
    struct error err;
    assert_false(apply_batch(&apply, &err));
    if (err.kind != kind)
        fail_msg("kind %d: %s", (int)err.kind, err.message);
}

/* 64 updates of u, so that what comes with them is folded. */
static void pad(void)
{
    for (int i = 0; i < 64; i++)
        scene_update(&apply.scene, 1, NULL, "0,pad");
}

static void insert_units(int from, int to)
{
    for (int i = from; i <= to; i++) {
        char row[32];
        snprintf(row, sizeof(row), "%d,a%d", i, i);
        scene_insert(&apply.scene, 0, row);
        scene_end(&apply.scene);
    }
}

static void start_with(const char *one, const char *two)
{
    scene_insert(&apply.scene, 1, "0,pad");
    scene_insert(&apply.scene, 0, one);
    if (two)
        scene_insert(&apply.scene, 0, two);
    scene_end(&apply.scene);
    assert_applies();
    memory_target_forget_trace(apply.memory);
}

/* ---- refused rows ---- */

static void a_unique_value_that_moves_between_two_rows_goes_row_by_row(void **state)
{
    (void)state;
    start_with("1,x", "2,y");
    pad();
    scene_update(&apply.scene, 0, NULL, "1,z");
    scene_update(&apply.scene, 0, NULL, "2,x");
    scene_update(&apply.scene, 0, NULL, "1,y");
    scene_end(&apply.scene);
    assert_applies();
    assert_rows("t", "1,y 2,x");
    assert_int_equal(atomic_load(&apply.stats.fallbacks), 1);
    assert_int_equal(memory_target_commits(apply.memory), 2);
}

static void a_refusal_that_comes_late_still_belongs_to_the_folded_part(void **state)
{
    (void)state;
    memory_target_queue_rows(apply.memory);
    start_with("1,x", NULL);
    pad();
    scene_update(&apply.scene, 0, "K1,-", "2,x");
    scene_insert(&apply.scene, 0, "3,x");
    scene_end(&apply.scene);
    assert_fails(ERROR_STOP);
    assert_int_equal(atomic_load(&apply.stats.fallbacks), 1);
    assert_rows("t", "1,x");
}

static void after_two_refusals_in_a_row_batches_go_unfolded_for_a_while(void **state)
{
    (void)state;
    start_with("1,x", NULL);
    for (int i = 0; i < 2; i++) {
        memory_target_fail(apply.memory, MEMORY_APPLY_SET, 1, MEMORY_DATA);
        pad();
        scene_end(&apply.scene);
        assert_applies();
    }
    for (int i = 0; i < 32; i++) {
        memory_target_forget_trace(apply.memory);
        pad();
        scene_end(&apply.scene);
        assert_applies();
        assert_null(strstr(memory_target_trace(apply.memory), "set"));
    }
    memory_target_forget_trace(apply.memory);
    pad();
    scene_end(&apply.scene);
    assert_applies();
    assert_non_null(strstr(memory_target_trace(apply.memory), "set"));
    assert_int_equal(atomic_load(&apply.stats.fallbacks), 2);
}

static void a_row_that_is_refused_either_way_stops_behind_the_units_before_it(void **state)
{
    (void)state;
    struct error err;
    insert_units(1, 2);
    scene_insert(&apply.scene, 0, "3,a1");
    scene_end(&apply.scene);
    insert_units(4, 4);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.kind, ERROR_STOP);
    assert_int_equal(err.stop, STOP_ROW_REFUSED);
    assert_non_null(strstr(err.message, "0/120"));
    assert_true(err.remedy[0]);
    assert_rows("t", "1,a1 2,a2");
    assert_true(memory_target_checkpoint(apply.memory)->position.commit_lsn == 0x110);
}

static void an_update_that_meets_no_row_stops_by_name(void **state)
{
    (void)state;
    struct error err;
    scene_update(&apply.scene, 0, NULL, "1,a");
    scene_end(&apply.scene);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.stop, STOP_ROW_MISSING);
    assert_rows("t", "");
}

static void an_insert_that_meets_a_row_takes_its_place_and_is_counted(void **state)
{
    (void)state;
    start_with("1,x", NULL);
    scene_insert(&apply.scene, 0, "1,y");
    scene_end(&apply.scene);
    assert_applies();
    assert_rows("t", "1,y");
    assert_int_equal(atomic_load(&apply.stats.row_exists), 1);
}

static void a_delete_that_meets_no_row_is_counted(void **state)
{
    (void)state;
    scene_delete(&apply.scene, 0, "K1,-");
    scene_end(&apply.scene);
    assert_applies();
    assert_int_equal(atomic_load(&apply.stats.row_absent), 1);
}

static void a_violation_at_commit_is_applied_unit_by_unit(void **state)
{
    (void)state;
    memory_target_fail(apply.memory, MEMORY_COMMIT, 1, MEMORY_DATA);
    insert_units(1, 3);
    assert_applies();
    assert_rows("t", "1,a1 2,a2 3,a3");
    assert_int_equal(memory_target_commits(apply.memory), 3);
    assert_true(memory_target_checkpoint(apply.memory)->position.commit_lsn == 0x120);
    assert_int_equal(atomic_load(&apply.stats.rows), 3);
    assert_int_equal(atomic_load(&apply.stats.transactions), 3);
}

static void a_named_stop_of_the_target_passes_through(void **state)
{
    (void)state;
    struct error err;
    memory_target_fail(apply.memory, MEMORY_APPLY_ROW, 2, MEMORY_REFUSES);
    insert_units(1, 3);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.stop, STOP_PERMISSION_DENIED);
    assert_rows("t", "");
}

/* ---- a large unit that is refused ---- */

static void a_refusal_in_the_middle_of_a_large_unit_asks_to_read_it_again_with_care(void **state)
{
    (void)state;
    pg_lsn lsn = apply.scene.lsn;
    insert_units(1, 1);
    scene_insert(&apply.scene, 0, "2,b");
    assert_applies();
    memory_target_fail(apply.memory, MEMORY_APPLY_ROW, 1, MEMORY_DATA);
    scene_insert(&apply.scene, 0, "3,c");
    assert_fails(ERROR_RETRY);
    assert_rows("t", "1,a1");
    assert_true(atomic_load(&apply.remembered.careful_until) == lsn + 0x10);
    assert_true(memory_target_checkpoint(apply.memory)->position.commit_lsn == lsn);
    apply_restart(&apply);
    scene_insert(&apply.scene, 1, "0,pad");
    pad();
    scene_end(&apply.scene);
    assert_applies();
    assert_null(strstr(memory_target_trace(apply.memory), "set"));
    memory_target_forget_trace(apply.memory);
    pad();
    scene_end(&apply.scene);
    assert_applies();
    assert_non_null(strstr(memory_target_trace(apply.memory), "set"));
}

static void with_care_a_refusal_in_a_large_unit_stops_by_name(void **state)
{
    (void)state;
    struct error err;
    start_with("1,x", NULL);
    for (int reading = 0; reading < 2; reading++) {
        pg_lsn lsn = apply.scene.lsn;
        scene_insert(&apply.scene, 0, "2,y");
        assert_applies();
        scene_insert(&apply.scene, 0, "3,x");
        assert_false(apply_batch(&apply, &err));
        assert_rows("t", "1,x");
        apply_restart(&apply);
        apply.scene.lsn = lsn;
        apply.scene.ordinal = 0;
    }
    assert_int_equal(err.kind, ERROR_STOP);
    assert_int_equal(err.stop, STOP_ROW_REFUSED);
}

/* ---- deadlocks ---- */

static void a_deadlock_is_tried_again(void **state)
{
    (void)state;
    memory_target_fail(apply.memory, MEMORY_APPLY_ROW, 2, MEMORY_BUSY);
    memory_target_fail(apply.memory, MEMORY_COMMIT, 1, MEMORY_BUSY);
    insert_units(1, 3);
    assert_applies();
    assert_rows("t", "1,a1 2,a2 3,a3");
    assert_int_equal(memory_target_commits(apply.memory), 1);
    assert_int_equal(atomic_load(&apply.stats.row_exists), 0);
}

static void a_deadlock_in_the_middle_of_a_large_unit_goes_through_start(void **state)
{
    (void)state;
    scene_insert(&apply.scene, 0, "1,a");
    assert_applies();
    memory_target_fail(apply.memory, MEMORY_APPLY_ROW, 1, MEMORY_BUSY);
    scene_insert(&apply.scene, 0, "2,b");
    assert_fails(ERROR_RETRY);
    assert_rows("t", "");
}

static void a_deadlock_in_what_follows_whole_units_leaves_them_alone(void **state)
{
    (void)state;
    insert_units(1, 2);
    scene_insert(&apply.scene, 0, "3,c");
    memory_target_fail(apply.memory, MEMORY_APPLY_ROW, 3, MEMORY_BUSY);
    assert_applies();
    assert_rows("t", "1,a1 2,a2");
    scene_end_counting(&apply.scene, 1);
    assert_applies();
    assert_rows("t", "1,a1 2,a2 3,c");
    assert_int_equal(memory_target_commits(apply.memory), 2);
    assert_int_equal(atomic_load(&apply.stats.row_exists), 0);
}

static void nothing_is_tried_again_once_we_are_to_end(void **state)
{
    (void)state;
    stop_flag_set(&apply.stop);
    memory_target_fail(apply.memory, MEMORY_COMMIT, 1, MEMORY_BUSY);
    insert_units(1, 1);
    assert_fails(ERROR_RETRY);
    assert_rows("t", "");
}

/* ---- lost sessions ---- */

static void a_session_lost_before_commit_is_opened_anew_and_the_batch_applied(void **state)
{
    (void)state;
    memory_target_fail(apply.memory, MEMORY_COMMIT, 1, MEMORY_LOST);
    memory_target_fail(apply.memory, MEMORY_OPEN, 1, MEMORY_LOST);
    insert_units(1, 3);
    assert_applies();
    assert_rows("t", "1,a1 2,a2 3,a3");
    assert_int_equal(memory_target_commits(apply.memory), 1);
}

static void a_commit_whose_answer_was_lost_is_not_applied_twice(void **state)
{
    (void)state;
    struct durable durable;
    memory_target_commit_late(apply.memory);
    memory_target_fail(apply.memory, MEMORY_COMMIT, 1, MEMORY_LOST_AFTER);
    insert_units(1, 3);
    assert_applies();
    assert_rows("t", "1,a1 2,a2 3,a3");
    assert_int_equal(atomic_load(&apply.stats.row_exists), 0);
    assert_true(applier_durable(apply.applier, &durable));
    assert_true(durable.end_lsn == 0x128);
    assert_true(memory_target_durable(apply.memory)->end_lsn == 0x128);
    insert_units(4, 4);
    assert_applies();
    assert_rows("t", "1,a1 2,a2 3,a3 4,a4");
}

static void a_checkpoint_found_elsewhere_starts_over(void **state)
{
    (void)state;
    struct error err;
    memory_target_commit_late(apply.memory);
    insert_units(1, 1);
    assert_applies();
    memory_target_fail(apply.memory, MEMORY_APPLY_ROW, 1, MEMORY_CRASHES);
    insert_units(2, 2);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.kind, ERROR_RETRY);
    assert_non_null(strstr(err.message, "checkpoint has moved"));
    assert_rows("t", "");
}

static void what_a_crash_took_was_never_reported_durable(void **state)
{
    (void)state;
    struct durable durable;
    struct error err;
    memory_target_commit_late(apply.memory);
    insert_units(1, 1);
    assert_applies();
    memory_target_crash(apply.memory);
    apply.clock.now_ms += 10000;
    assert_false(applier_tick(apply.applier, &err));
    assert_false(applier_durable(apply.applier, &durable));
}

static void a_session_lost_in_a_large_unit_goes_through_start(void **state)
{
    (void)state;
    scene_insert(&apply.scene, 0, "1,a");
    assert_applies();
    memory_target_fail(apply.memory, MEMORY_APPLY_ROW, 1, MEMORY_LOST);
    scene_insert(&apply.scene, 0, "2,b");
    assert_fails(ERROR_RETRY);
    assert_rows("t", "");
    apply_restart(&apply);
    apply.scene.ordinal = 0;
    scene_insert(&apply.scene, 0, "1,a");
    scene_insert(&apply.scene, 0, "2,b");
    scene_end(&apply.scene);
    assert_applies();
    assert_rows("t", "1,a 2,b");
}

static void a_session_lost_in_what_follows_whole_units_leaves_them_alone(void **state)
{
    (void)state;
    insert_units(1, 2);
    scene_insert(&apply.scene, 0, "3,c");
    memory_target_fail(apply.memory, MEMORY_APPLY_ROW, 3, MEMORY_LOST);
    assert_applies();
    scene_end_counting(&apply.scene, 1);
    assert_applies();
    assert_rows("t", "1,a1 2,a2 3,c");
    assert_int_equal(memory_target_commits(apply.memory), 2);
}

static void a_session_lost_at_each_call_in_turn_leaves_each_unit_once(void **state)
{
    (void)state;
    for (int op = MEMORY_PREPARE; op <= MEMORY_COMMIT; op++) {
        apply_close(&apply);
        apply_open(&apply);
        start_with("1000,x", NULL);
        memory_target_fail(apply.memory, (enum memory_op)op, 1, MEMORY_LOST);
        pad();
        apply_many_inserts(&apply, 0, 2);
        scene_end(&apply.scene);
        assert_applies();
        assert_rows("t", "1,a1 1000,x 2,a2");
        assert_rows("u", "0,pad");
        assert_int_equal(memory_target_commits(apply.memory), 2);
        assert_int_equal(atomic_load(&apply.stats.row_exists), 0);
    }
}

static void a_watermark_whose_commit_was_lost_is_recorded(void **state)
{
    (void)state;
    struct durable durable;
    memory_target_fail(apply.memory, MEMORY_COMMIT, 1, MEMORY_LOST_AFTER);
    scene_watermark(&apply.scene, 0x500);
    assert_applies();
    assert_true(applier_durable(apply.applier, &durable));
    assert_true(durable.acked_lsn == 0x500);
    assert_true(memory_target_checkpoint(apply.memory)->acked_lsn == 0x500);
}

static void a_state_whose_commit_was_lost_is_reported_once_it_is_durable(void **state)
{
    (void)state;
    struct durable durable;
    struct recorded next = {.state = RECORDED_STREAMING, .position = {.epoch = 2}};
    memory_target_fail(apply.memory, MEMORY_COMMIT, 1, MEMORY_LOST_AFTER);
    scene_state(&apply.scene, &next, 7);
    assert_applies();
    assert_true(applier_durable(apply.applier, &durable));
    assert_int_equal(durable.state_count, 7);
    assert_int_equal(memory_target_durable(apply.memory)->position.epoch, 2);
}

static void a_target_that_stays_away_is_waited_for_until_we_are_to_end(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 2; i++)
        memory_target_fail(apply.memory, MEMORY_OPEN, i, MEMORY_LOST);
    memory_target_fail(apply.memory, MEMORY_BEGIN, 1, MEMORY_LOST);
    stop_flag_set(&apply.stop);
    insert_units(1, 1);
    assert_fails(ERROR_ENDED);
}

static void a_target_that_refuses_us_when_we_come_back_stops_by_name(void **state)
{
    (void)state;
    memory_target_fail(apply.memory, MEMORY_OPEN, 1, MEMORY_REFUSES);
    memory_target_fail(apply.memory, MEMORY_BEGIN, 1, MEMORY_LOST);
    insert_units(1, 1);
    assert_fails(ERROR_STOP);
}

#define APPLYING(test) cmocka_unit_test_setup_teardown(test, open_apply, close_apply)

int main(void)
{
    const struct CMUnitTest tests[] = {
        APPLYING(a_unique_value_that_moves_between_two_rows_goes_row_by_row),
        APPLYING(a_refusal_that_comes_late_still_belongs_to_the_folded_part),
        APPLYING(after_two_refusals_in_a_row_batches_go_unfolded_for_a_while),
        APPLYING(a_row_that_is_refused_either_way_stops_behind_the_units_before_it),
        APPLYING(an_update_that_meets_no_row_stops_by_name),
        APPLYING(an_insert_that_meets_a_row_takes_its_place_and_is_counted),
        APPLYING(a_delete_that_meets_no_row_is_counted),
        APPLYING(a_violation_at_commit_is_applied_unit_by_unit),
        APPLYING(a_named_stop_of_the_target_passes_through),
        APPLYING(a_refusal_in_the_middle_of_a_large_unit_asks_to_read_it_again_with_care),
        APPLYING(with_care_a_refusal_in_a_large_unit_stops_by_name),
        APPLYING(a_deadlock_is_tried_again),
        APPLYING(a_deadlock_in_the_middle_of_a_large_unit_goes_through_start),
        APPLYING(a_deadlock_in_what_follows_whole_units_leaves_them_alone),
        APPLYING(nothing_is_tried_again_once_we_are_to_end),
        APPLYING(a_session_lost_before_commit_is_opened_anew_and_the_batch_applied),
        APPLYING(a_commit_whose_answer_was_lost_is_not_applied_twice),
        APPLYING(a_checkpoint_found_elsewhere_starts_over),
        APPLYING(what_a_crash_took_was_never_reported_durable),
        APPLYING(a_session_lost_in_a_large_unit_goes_through_start),
        APPLYING(a_session_lost_in_what_follows_whole_units_leaves_them_alone),
        APPLYING(a_session_lost_at_each_call_in_turn_leaves_each_unit_once),
        APPLYING(a_watermark_whose_commit_was_lost_is_recorded),
        APPLYING(a_state_whose_commit_was_lost_is_reported_once_it_is_durable),
        APPLYING(a_target_that_stays_away_is_waited_for_until_we_are_to_end),
        APPLYING(a_target_that_refuses_us_when_we_come_back_stops_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
