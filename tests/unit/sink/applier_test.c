/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the applier while nothing fails: units, parts, checkpoints, durability. */
#include "sink/applier.h"

#include "tests/unit/sink/applier_support.h"

/* ---- units ---- */

static void many_units_share_one_target_transaction(void **state)
{
    (void)state;
    scene_insert(&apply.scene, 0, "1,a");
    scene_end(&apply.scene);
    scene_insert(&apply.scene, 0, "2,b");
    scene_update(&apply.scene, 0, NULL, "1,c");
    scene_end(&apply.scene);
    assert_applies();
    assert_rows("t", "1,c 2,b");
    assert_string_equal(memory_target_trace(apply.memory), "begin prepare row row row commit");
    assert_int_equal(atomic_load(&apply.stats.transactions), 2);
    assert_int_equal(atomic_load(&apply.stats.rows), 3);
    assert_int_equal(atomic_load(&apply.stats.batches), 1);
}

static void the_checkpoint_moves_with_the_rows_to_the_last_unit(void **state)
{
    (void)state;
    scene_insert(&apply.scene, 0, "1,a");
    scene_end(&apply.scene);
    scene_insert(&apply.scene, 0, "2,b");
    scene_end(&apply.scene);
    assert_applies();
    const struct recorded *checkpoint = memory_target_checkpoint(apply.memory);
    assert_true(checkpoint->position.commit_lsn == 0x110);
    assert_int_equal(checkpoint->position.ordinal, 2);
    assert_true(checkpoint->end_lsn == 0x118);
    assert_true(atomic_load(&apply.stats.applied_lsn) == 0x118);
}

static void few_changes_are_applied_as_they_come(void **state)
{
    (void)state;
    scene_insert(&apply.scene, 0, "1,a");
    scene_delete(&apply.scene, 0, "K1,-");
    scene_end(&apply.scene);
    assert_applies();
    assert_string_equal(memory_target_trace(apply.memory), "begin prepare row row commit");
}

static void many_changes_are_folded_under_a_savepoint(void **state)
{
    (void)state;
    apply_many_inserts(&apply, 0, 100);
    scene_end(&apply.scene);
    assert_applies();
    assert_string_equal(memory_target_trace(apply.memory),
                        "begin prepare savepoint set finish commit");
    assert_int_equal(atomic_load(&apply.stats.rows), 100);
    assert_int_equal(atomic_load(&apply.stats.fallbacks), 0);
}

static void a_truncate_stands_alone_between_what_is_folded(void **state)
{
    (void)state;
    apply_many_inserts(&apply, 0, 70);
    apply.scene.ordinal++;
    scene_truncate(&apply.scene, 0);
    scene_truncate(&apply.scene, 1);
    apply.scene.ordinal++;
    scene_truncate(&apply.scene, 1);
    scene_insert(&apply.scene, 0, "1,after");
    scene_end(&apply.scene);
    assert_applies();
    assert_rows("t", "1,after");
    assert_string_equal(memory_target_trace(apply.memory),
                        "begin prepare prepare savepoint set finish truncate truncate row commit");
}

static void a_unit_may_go_on_over_many_batches_in_one_target_transaction(void **state)
{
    (void)state;
    scene_insert(&apply.scene, 0, "1,a");
    assert_applies();
    scene_insert(&apply.scene, 0, "2,b");
    assert_applies();
    assert_rows("t", "");
    assert_int_equal(memory_target_commits(apply.memory), 0);
    scene_insert(&apply.scene, 0, "3,c");
    scene_end_counting(&apply.scene, 3);
    assert_applies();
    assert_rows("t", "1,a 2,b 3,c");
    assert_int_equal(memory_target_commits(apply.memory), 1);
    assert_int_equal(atomic_load(&apply.stats.rows), 3);
}

static void whole_units_are_committed_before_one_that_stays_open(void **state)
{
    (void)state;
    scene_insert(&apply.scene, 0, "1,a");
    scene_end(&apply.scene);
    scene_insert(&apply.scene, 0, "2,b");
    assert_applies();
    assert_rows("t", "1,a");
    assert_true(memory_target_checkpoint(apply.memory)->position.commit_lsn == 0x100);
    scene_end_counting(&apply.scene, 1);
    assert_applies();
    assert_rows("t", "1,a 2,b");
    assert_true(memory_target_checkpoint(apply.memory)->position.commit_lsn == 0x110);
}

static void the_end_of_an_open_unit_and_the_next_units_are_one_batch(void **state)
{
    (void)state;
    scene_insert(&apply.scene, 0, "1,a");
    assert_applies();
    scene_insert(&apply.scene, 0, "2,b");
    scene_end_counting(&apply.scene, 2);
    scene_insert(&apply.scene, 0, "3,c");
    scene_end(&apply.scene);
    scene_insert(&apply.scene, 0, "4,d");
    assert_applies();
    assert_rows("t", "1,a 2,b 3,c");
    scene_end_counting(&apply.scene, 1);
    assert_applies();
    assert_rows("t", "1,a 2,b 3,c 4,d");
}

static void a_unit_whose_count_is_wrong_is_never_committed(void **state)
{
    (void)state;
    struct error err;
    scene_insert(&apply.scene, 0, "1,a");
    scene_end_counting(&apply.scene, 2);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    assert_rows("t", "");
}

static void a_large_unit_that_lost_a_change_on_the_way_is_never_committed(void **state)
{
    (void)state;
    struct error err;
    scene_insert(&apply.scene, 0, "1,a");
    assert_applies();
    scene_insert(&apply.scene, 0, "2,b");
    scene_end_counting(&apply.scene, 3);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    assert_rows("t", "");
}

static void copied_rows_are_counted_one_by_one(void **state)
{
    (void)state;
    scene_copy(&apply.scene, 0, "1\ta\n2\t\\N\n", 2);
    scene_copy(&apply.scene, 0, "3\tc\n", 1);
    scene_end(&apply.scene);
    assert_applies();
    assert_rows("t", "1,a 2,- 3,c");
    assert_int_equal(atomic_load(&apply.stats.rows), 3);
}

static void a_checkpoint_that_another_moved_stops_by_name(void **state)
{
    (void)state;
    struct error err;
    memory_target_checkpoint(apply.memory)->position.commit_lsn = 0x50;
    scene_insert(&apply.scene, 0, "1,a");
    scene_end(&apply.scene);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.stop, STOP_FENCED);
    assert_rows("t", "");
}

static void tables_are_prepared_once(void **state)
{
    (void)state;
    scene_insert(&apply.scene, 0, "1,a");
    scene_end(&apply.scene);
    assert_applies();
    memory_target_forget_trace(apply.memory);
    scene_insert(&apply.scene, 0, "2,b");
    scene_end(&apply.scene);
    assert_applies();
    assert_string_equal(memory_target_trace(apply.memory), "begin row commit");
}

/* ---- watermarks and states ---- */

static void a_watermark_is_recorded_and_waits_for_the_disk(void **state)
{
    (void)state;
    struct durable durable;
    memory_target_commit_late(apply.memory);
    scene_watermark(&apply.scene, 0x500);
    assert_applies();
    assert_true(memory_target_checkpoint(apply.memory)->acked_lsn == 0x500);
    assert_true(applier_durable(apply.applier, &durable));
    assert_true(durable.acked_lsn == 0x500);
    assert_false(applier_awaits_durability(apply.applier));
}

static void a_state_is_durable_before_it_is_reported(void **state)
{
    (void)state;
    struct durable durable;
    struct recorded next = {.state = RECORDED_STREAMING, .position = {.epoch = 1}, .tables = NULL};
    memory_target_commit_late(apply.memory);
    scene_state(&apply.scene, &next, 1);
    assert_applies();
    assert_int_equal(memory_target_durable(apply.memory)->state, RECORDED_STREAMING);
    assert_true(applier_durable(apply.applier, &durable));
    assert_int_equal(durable.state_count, 1);
}

static char tables_of_r[] = "1000 x \"public\".\"t\"\n1001 x \"public\".\"u\"\n";

static void a_copy_needs_empty_tables(void **state)
{
    (void)state;
    struct error err;
    struct recorded creating = {
        .state = RECORDED_CREATING, .position = {.epoch = 2}, .tables = tables_of_r};
    scene_insert(&apply.scene, 1, "1,a");
    scene_end(&apply.scene);
    assert_applies();
    scene_state(&apply.scene, &creating, 1);
    assert_false(apply_batch(&apply, &err));
    assert_int_equal(err.stop, STOP_TARGET_NOT_EMPTY);
    assert_rows("u", "1,a");
}

static void a_copy_that_starts_anew_empties_what_the_one_before_filled(void **state)
{
    (void)state;
    struct recorded copying = {
        .state = RECORDED_COPYING, .position = {.epoch = 1}, .tables = tables_of_r};
    struct recorded creating = {
        .state = RECORDED_CREATING, .position = {.epoch = 2}, .tables = tables_of_r};
    scene_state(&apply.scene, &copying, 1);
    assert_applies();
    scene_copy(&apply.scene, 1, "1\ta\n", 1);
    scene_end(&apply.scene);
    assert_applies();
    assert_rows("u", "1,a");
    scene_state(&apply.scene, &creating, 2);
    assert_applies();
    assert_rows("u", "");
    assert_int_equal(memory_target_checkpoint(apply.memory)->position.epoch, 2);
}

/* ---- durability ---- */

static void nothing_is_durable_before_its_mark_is_flushed(void **state)
{
    (void)state;
    struct durable durable;
    struct error err;
    memory_target_commit_late(apply.memory);
    for (int i = 0; i < 3; i++) {
        char row[16];
        snprintf(row, sizeof(row), "%d,a", i);
        scene_insert(&apply.scene, 1, row);
        scene_end(&apply.scene);
        assert_applies();
    }
    assert_false(applier_durable(apply.applier, &durable));
    assert_true(applier_awaits_durability(apply.applier));
    assert_true(applier_tick(apply.applier, &err));
    assert_false(applier_durable(apply.applier, &durable));
    memory_target_flush(apply.memory, 2);
    assert_false(applier_durable(apply.applier, &durable));
    assert_true(applier_tick(apply.applier, &err));
    assert_true(applier_durable(apply.applier, &durable));
    assert_true(durable.end_lsn == 0x118);
    assert_false(applier_durable(apply.applier, &durable));
    memory_target_flush(apply.memory, 1);
    assert_true(applier_tick(apply.applier, &err));
    assert_true(applier_durable(apply.applier, &durable));
    assert_true(durable.end_lsn == 0x128);
    assert_false(applier_awaits_durability(apply.applier));
}

static void thousands_of_commits_may_wait_for_the_disk(void **state)
{
    (void)state;
    enum { COMMITS = 1000 };
    struct durable durable;
    struct error err;
    memory_target_commit_late(apply.memory);
    for (int i = 0; i < COMMITS; i++) {
        scene_insert(&apply.scene, 1, "1,a");
        scene_end(&apply.scene);
        assert_applies();
        scene_delete(&apply.scene, 1, "K1,-");
        scene_end(&apply.scene);
        assert_applies();
    }
    assert_false(applier_durable(apply.applier, &durable));
    memory_target_flush(apply.memory, 100);
    assert_true(applier_tick(apply.applier, &err));
    assert_true(applier_durable(apply.applier, &durable));
    assert_true(durable.end_lsn == memory_target_durable(apply.memory)->end_lsn);
    memory_target_flush(apply.memory, SIZE_MAX);
    assert_true(applier_tick(apply.applier, &err));
    assert_true(applier_durable(apply.applier, &durable));
    assert_true(durable.end_lsn == memory_target_checkpoint(apply.memory)->end_lsn);
    assert_false(applier_awaits_durability(apply.applier));
}

static void an_idle_session_is_pinged_every_ten_seconds(void **state)
{
    (void)state;
    struct error err;
    apply.clock.now_ms += 9999;
    assert_true(applier_tick(apply.applier, &err));
    assert_string_equal(memory_target_trace(apply.memory), "");
    apply.clock.now_ms += 1;
    assert_true(applier_tick(apply.applier, &err));
    assert_string_equal(memory_target_trace(apply.memory), "ask");
    apply.clock.now_ms += 9999;
    assert_true(applier_tick(apply.applier, &err));
    assert_string_equal(memory_target_trace(apply.memory), "ask");
}

static void a_session_lost_at_idle_is_told_at_the_next_ping(void **state)
{
    (void)state;
    struct error err;
    memory_target_lose(apply.memory);
    apply.clock.now_ms += 10000;
    assert_false(applier_tick(apply.applier, &err));
    assert_int_equal(err.kind, ERROR_RETRY);
}

#define APPLYING(test) cmocka_unit_test_setup_teardown(test, open_apply, close_apply)

int main(void)
{
    const struct CMUnitTest tests[] = {
        APPLYING(many_units_share_one_target_transaction),
        APPLYING(the_checkpoint_moves_with_the_rows_to_the_last_unit),
        APPLYING(few_changes_are_applied_as_they_come),
        APPLYING(many_changes_are_folded_under_a_savepoint),
        APPLYING(a_truncate_stands_alone_between_what_is_folded),
        APPLYING(a_unit_may_go_on_over_many_batches_in_one_target_transaction),
        APPLYING(whole_units_are_committed_before_one_that_stays_open),
        APPLYING(the_end_of_an_open_unit_and_the_next_units_are_one_batch),
        APPLYING(a_unit_whose_count_is_wrong_is_never_committed),
        APPLYING(a_large_unit_that_lost_a_change_on_the_way_is_never_committed),
        APPLYING(copied_rows_are_counted_one_by_one),
        APPLYING(a_checkpoint_that_another_moved_stops_by_name),
        APPLYING(tables_are_prepared_once),
        APPLYING(a_watermark_is_recorded_and_waits_for_the_disk),
        APPLYING(a_state_is_durable_before_it_is_reported),
        APPLYING(a_copy_needs_empty_tables),
        APPLYING(a_copy_that_starts_anew_empties_what_the_one_before_filled),
        APPLYING(nothing_is_durable_before_its_mark_is_flushed),
        APPLYING(thousands_of_commits_may_wait_for_the_disk),
        APPLYING(an_idle_session_is_pinged_every_ten_seconds),
        APPLYING(a_session_lost_at_idle_is_told_at_the_next_ping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
