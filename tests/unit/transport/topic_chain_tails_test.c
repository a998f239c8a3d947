/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the start of a writer: what bad hours left behind is healed or refused. */
#include "transport/topic_chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/topic_scene.h"

/* ---- tails ---- */

static void a_torn_transaction_is_healed(void **state)
{
    struct topic_scene *scene = *state;
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    topic_scene_write_unit(scene, 0x200);
    memory_writer_hold(scene->writer, true);
    topic_scene_flush(scene);
    memory_topics_tear(scene->topics, ORDERS, 0);
    memory_topics_tear(scene->topics, CONTROL, 0);
    topic_scene_start(scene);
    assert_int_equal(memory_writer_torn(scene->writer), 2);
    assert_true(scene->recorded.position.commit_lsn == 0x100);
    scene->orders = topic_scene_open_topic(scene, ORDERS);
    topic_scene_write_unit(scene, 0x200);
    topic_scene_write_unit(scene, 0x300);
    topic_scene_flush(scene);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 0), 6);
    assert_int_equal(memory_topics_count(scene->topics, ORDERS, 1), 3);
    assert_int_equal(topic_scene_entries(scene), 4);
    struct header header = topic_scene_header_of(scene, ORDERS, 0, 4, NULL);
    topic_scene_assert_position(&header.previous, 1, 0x200, 3, 0);
}

static void assert_refused(struct topic_scene *scene, enum stop stop)
{
    assert_false(topic_scene_try_start(scene));
    assert_string_equal(stop_name(scene->err.stop), stop_name(stop));
    assert_true(scene->err.remedy[0] != '\0');
}

static void lost_messages_are_noticed(void **state)
{
    struct topic_scene *scene = *state;
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    topic_scene_write_unit(scene, 0x200);
    topic_scene_flush(scene);
    memory_topics_lose(scene->topics, ORDERS, 0, 1);
    assert_refused(scene, STOP_POSITION_MISMATCH);
}

static void a_topic_made_anew_is_noticed(void **state)
{
    struct topic_scene *scene = *state;
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    memory_topics_lose(scene->topics, ORDERS, 0, 2);
    assert_refused(scene, STOP_POSITION_MISMATCH);
}

static void a_tail_of_a_later_epoch_is_refused(void **state)
{
    struct topic_scene *scene = *state;
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    topic_scene_write_state(scene, RECORDED_CREATING, 2);
    memory_topics_lose(scene->topics, OFFSETS, 0, 3);
    assert_refused(scene, STOP_POSITION_MISMATCH);
}

static void what_retention_took_is_no_loss(void **state)
{
    struct topic_scene *scene = *state;
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    memory_topics_trim(scene->topics, ORDERS, 0, 2);
    memory_topics_trim(scene->topics, ORDERS, 1, 1);
    topic_scene_start(scene);
    scene->orders = topic_scene_open_topic(scene, ORDERS);
    topic_scene_write_unit(scene, 0x200);
    topic_scene_flush(scene);
    struct header header = topic_scene_header_of(scene, ORDERS, 0, 0, NULL);
    topic_scene_assert_position(&header.previous, 1, 0x100, 3, 0);
}

static void a_deleted_topic_matters_only_once_it_is_used(void **state)
{
    struct topic_scene *scene = *state;
    uint32_t topic;
    topic_scene_write_unit(scene, 0x100);
    topic_scene_flush(scene);
    memory_topics_delete(scene->topics, ORDERS);
    topic_scene_start(scene);
    assert_false(scene->rows->ops->open_topic(scene->rows, ORDERS, &topic, &scene->err));
    assert_int_equal(scene->err.stop, STOP_TOPIC_CHANGED);
}

static void a_control_topic_of_somebody_else_is_refused(void **state)
{
    struct topic_scene *scene = *state;
    memory_topics_delete(scene->topics, OFFSETS);
    assert_refused(scene, STOP_TOPIC_NOT_EMPTY);
}

static void topics_of_another_pipeline_are_refused(void **state)
{
    struct topic_scene *scene = *state;
    struct memory_writer_options other = topic_scene_options;
    bool is_known;
    other.name = "depot";
    topic_scene_start_writer_with(scene, &other);
    assert_false(
        scene->messages->ops->recorded(scene->messages, &scene->recorded, &is_known, &scene->err));
    assert_int_equal(scene->err.stop, STOP_TOPICS_FOREIGN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, topic_scene_set_up, topic_scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_torn_transaction_is_healed),
        TEST(lost_messages_are_noticed),
        TEST(a_topic_made_anew_is_noticed),
        TEST(a_tail_of_a_later_epoch_is_refused),
        TEST(what_retention_took_is_no_loss),
        TEST(a_deleted_topic_matters_only_once_it_is_used),
        TEST(a_control_topic_of_somebody_else_is_refused),
        TEST(topics_of_another_pipeline_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
