/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of batches: units, shapes, and how R advances. */
#include "sink/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/scene.h"

static struct scene scene;

static int open_scene(void **state)
{
    (void)state;
    scene_open(&scene);
    (void)scene_add_table(&scene, "t", 2, "b");
    (void)scene_add_table(&scene, "u", 2, "b");
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    scene_close(&scene);
    return 0;
}

static int holders(size_t table)
{
    return atomic_load(&scene.shapes[table]->holders);
}

static void a_batch_divides_changes_into_units(void **state)
{
    (void)state;
    struct batch *batch = scene.batch;
    assert_true(batch_is_empty(batch));
    scene_insert(&scene, 0, "1,a");
    scene_insert(&scene, 1, "2,b");
    assert_true(batch->is_unit_open);
    scene_end(&scene);
    scene_insert(&scene, 0, "3,c");
    scene_end(&scene);
    assert_false(batch_is_empty(batch));
    assert_false(batch->is_unit_open);
    assert_int_equal(batch->unit_count, 2);
    assert_int_equal(batch->units[0].first_change, 0);
    assert_int_equal(batch->units[0].end_change, 2);
    assert_int_equal(batch->units[1].first_change, 2);
    assert_int_equal(batch->units[1].end_change, 3);
    assert_true(batch->units[1].is_whole_end);
    assert_int_equal(batch->changes[2].unit, 1);
    assert_int_equal(batch->changes[1].ordinal, 2);
    assert_int_equal(batch->changes[1].kind, CHANGE_INSERT);
}

static void the_bytes_of_a_change_are_the_batchs_own(void **state)
{
    (void)state;
    struct error err;
    uint8_t body[] = {CHANGE_TRUNCATE, 0, 0, 0, 0, 0, 0, 0};
    struct message message = {.kind = MESSAGE_CHANGE, .body = {body, sizeof(body)}};
    assert_true(batch_add_change(scene.batch, scene.shapes[0], &message, &err));
    memset(body, 0, sizeof(body));
    assert_int_equal(scene.batch->changes[0].wire.data[0], CHANGE_TRUNCATE);
    assert_int_equal(scene.batch->bytes, sizeof(body));
}

static void a_shape_is_held_until_the_batch_is_cleared(void **state)
{
    (void)state;
    scene_insert(&scene, 0, "1,a");
    scene_insert(&scene, 1, "1,a");
    scene_insert(&scene, 0, "2,a");
    assert_int_equal(scene.batch->shape_count, 2);
    assert_int_equal(holders(0), 2);
    assert_int_equal(holders(1), 2);
    batch_clear(scene.batch);
    assert_int_equal(holders(0), 1);
    assert_int_equal(holders(1), 1);
    assert_true(batch_is_empty(scene.batch));
}

static void a_shape_lives_on_when_its_reader_has_replaced_it(void **state)
{
    (void)state;
    scene_insert(&scene, 0, "1,a");
    shape_hold(scene.shapes[0]);
    shape_release(scene.shapes[0]);
    assert_int_equal(holders(0), 2);
    assert_string_equal(scene.batch->changes[0].shape->table->name, "t");
}

static void a_malformed_shape_is_a_bug_of_ours(void **state)
{
    (void)state;
    struct error err;
    assert_null(shape_new(1, (struct bytes){(const uint8_t *)"abc", 3}, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    shape_release(NULL);
}

static void a_batch_may_begin_and_end_inside_a_unit(void **state)
{
    (void)state;
    scene_insert(&scene, 0, "1,a");
    assert_true(scene.batch->is_unit_open);
    batch_clear(scene.batch);
    batch_continue(scene.batch);
    assert_true(scene.batch->is_unit_open);
    assert_int_equal(scene.batch->unit_count, 1);
    scene_end_counting(&scene, 1);
    assert_int_equal(scene.batch->unit_count, 1);
    assert_int_equal(scene.batch->units[0].first_change, scene.batch->units[0].end_change);
    assert_true(scene.batch->units[0].is_whole_end);
}

static void a_watermark_or_a_state_inside_a_unit_is_refused(void **state)
{
    (void)state;
    struct error err;
    struct watermark watermark = {.lsn = 1};
    struct message message = {.kind = MESSAGE_WATERMARK,
                              .body = {(const uint8_t *)&watermark, sizeof(watermark)}};
    scene_insert(&scene, 0, "1,a");
    assert_false(batch_add_watermark(scene.batch, &message, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    assert_false(batch_add_state(scene.batch, &message, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
}

static void bodies_of_the_wrong_size_are_refused(void **state)
{
    (void)state;
    struct error err;
    struct message message = {.body = {(const uint8_t *)"abc", 3}};
    assert_false(batch_add_end(scene.batch, &message, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    assert_false(batch_add_watermark(scene.batch, &message, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
    message.body.size = 0;
    assert_false(batch_add_change(scene.batch, scene.shapes[0], &message, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
}

/* ---- R ---- */

static void r_moves_to_the_last_of_the_units_that_are_applied(void **state)
{
    (void)state;
    struct recorded recorded = {.state = RECORDED_STREAMING, .position = {.epoch = 1}};
    for (int i = 0; i < 3; i++) {
        scene_insert(&scene, 0, "1,a");
        scene_end(&scene);
    }
    batch_advance(scene.batch, 0, &recorded);
    assert_true(recorded.position.commit_lsn == 0);
    batch_advance(scene.batch, 2, &recorded);
    assert_true(recorded.position.commit_lsn == 0x110);
    assert_true(recorded.end_lsn == 0x118);
    batch_advance(scene.batch, 3, &recorded);
    assert_true(recorded.position.commit_lsn == 0x120);
    assert_int_equal(recorded.position.ordinal, 2);
}

static void a_unit_that_stays_open_does_not_move_r(void **state)
{
    (void)state;
    struct recorded recorded = {0};
    scene_insert(&scene, 0, "1,a");
    batch_advance(scene.batch, 1, &recorded);
    assert_true(recorded.position.commit_lsn == 0);
    assert_true(recorded.end_lsn == 0);
}

static void a_watermark_counts_only_behind_all_units(void **state)
{
    (void)state;
    struct recorded recorded = {.position = {.epoch = 1}};
    scene_insert(&scene, 0, "1,a");
    scene_end(&scene);
    scene_insert(&scene, 0, "2,a");
    scene_end(&scene);
    scene_watermark(&scene, 0x900);
    batch_advance(scene.batch, 1, &recorded);
    assert_true(recorded.acked_lsn == 0);
    batch_advance(scene.batch, 2, &recorded);
    assert_true(recorded.acked_lsn == 0x900);
    assert_true(recorded.position.commit_lsn == 0x110);
    assert_true(recorded.end_lsn == 0x118);
}

static void the_lsns_of_r_never_go_back(void **state)
{
    (void)state;
    struct recorded recorded = {.end_lsn = 0x1000, .acked_lsn = 0x1000};
    scene_insert(&scene, 0, "1,a");
    scene_end(&scene);
    scene_watermark(&scene, 0x900);
    batch_advance(scene.batch, 1, &recorded);
    assert_true(recorded.end_lsn == 0x1000);
    assert_true(recorded.acked_lsn == 0x1000);
}

static void a_state_of_the_same_epoch_never_moves_r_back(void **state)
{
    (void)state;
    static char tables[] = "1 x \"public\".\"t\"\n";
    struct recorded recorded = {.state = RECORDED_STREAMING,
                                .position = {1, 0x200, 3, 0},
                                .end_lsn = 0x208,
                                .acked_lsn = 0x300,
                                .commit_time_us = 77};
    struct recorded next = {.state = RECORDED_STREAMING,
                            .position = {1, 0x100, 3, 0},
                            .end_lsn = 0x108,
                            .acked_lsn = 0x200,
                            .timeline = 9,
                            .tables = tables};
    scene_state(&scene, &next, 1);
    batch_advance(scene.batch, 0, &recorded);
    assert_true(recorded.position.commit_lsn == 0x200);
    assert_true(recorded.end_lsn == 0x208);
    assert_true(recorded.acked_lsn == 0x300);
    assert_true(recorded.commit_time_us == 77);
    assert_int_equal(recorded.timeline, 9);
    assert_string_equal(recorded.tables, tables);
    recorded_release(&recorded);
}

static void a_state_of_a_new_epoch_takes_the_place_of_r(void **state)
{
    (void)state;
    struct recorded recorded = {
        .state = RECORDED_COPYING, .position = {1, 0, 50, 0}, .end_lsn = 0x208, .acked_lsn = 0x300};
    struct recorded next = {.state = RECORDED_CREATING, .position = {2, 0, 0, 0}};
    scene_state(&scene, &next, 1);
    batch_advance(scene.batch, 0, &recorded);
    assert_int_equal(recorded.state, RECORDED_CREATING);
    assert_int_equal(recorded.position.epoch, 2);
    assert_int_equal(recorded.position.ordinal, 0);
    assert_true(recorded.end_lsn == 0 && recorded.acked_lsn == 0);
    recorded_release(&recorded);
}

static void the_first_state_is_taken_as_it_is(void **state)
{
    (void)state;
    struct recorded recorded = {0};
    struct recorded next = {
        .state = RECORDED_STREAMING, .position = {1, 0, 0, 0}, .acked_lsn = 0x100};
    scene_state(&scene, &next, 1);
    batch_advance(scene.batch, 0, &recorded);
    assert_int_equal(recorded.state, RECORDED_STREAMING);
    assert_true(recorded.acked_lsn == 0x100);
    recorded_release(&recorded);
}

#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_SCENE(a_batch_divides_changes_into_units),
        IN_A_SCENE(the_bytes_of_a_change_are_the_batchs_own),
        IN_A_SCENE(a_shape_is_held_until_the_batch_is_cleared),
        IN_A_SCENE(a_shape_lives_on_when_its_reader_has_replaced_it),
        IN_A_SCENE(a_malformed_shape_is_a_bug_of_ours),
        IN_A_SCENE(a_batch_may_begin_and_end_inside_a_unit),
        IN_A_SCENE(a_watermark_or_a_state_inside_a_unit_is_refused),
        IN_A_SCENE(bodies_of_the_wrong_size_are_refused),
        IN_A_SCENE(r_moves_to_the_last_of_the_units_that_are_applied),
        IN_A_SCENE(a_unit_that_stays_open_does_not_move_r),
        IN_A_SCENE(a_watermark_counts_only_behind_all_units),
        IN_A_SCENE(the_lsns_of_r_never_go_back),
        IN_A_SCENE(a_state_of_the_same_epoch_never_moves_r_back),
        IN_A_SCENE(a_state_of_a_new_epoch_takes_the_place_of_r),
        IN_A_SCENE(the_first_state_is_taken_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
