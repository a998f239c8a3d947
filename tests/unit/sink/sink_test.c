/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the sink behind a pipe: in one thread by steps, and in its own two. */
#include "sink/sink.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/feed.h"
#include "tests/support/hand_clock.h"
#include "tests/support/memory_target.h"

enum { T = 1, U = 2, MAX_ROWS = 4 };

static struct feed feed;
static struct memory_target *memory;
static struct hand_clock hands;
static struct stop_flag stop;
static struct sink_stats stats;
static struct sink_memory remembered;
static struct sink_options options;
static struct sink *sink;

static int open_sink(void **state)
{
    (void)state;
    struct error err;
    feed_open(&feed, 1 << 20);
    memory = memory_target_new();
    memory_target_add_table(memory, "t", "b", 2);
    memory_target_add_table(memory, "u", "b", 0);
    hand_clock_init(&hands, 0);
    memset(&stats, 0, sizeof(stats));
    memset(&remembered, 0, sizeof(remembered));
    assert_true(stop_flag_open(&stop));
    options = (struct sink_options){.name = "test",
                                    .batch_max_bytes = 1 << 20,
                                    .batch_max_rows = MAX_ROWS,
                                    .clock = &hands.clock,
                                    .stop = &stop,
                                    .stats = &stats,
                                    .memory = &remembered};
    struct recorded *checkpoint = memory_target_checkpoint(memory);
    checkpoint->state = RECORDED_STREAMING;
    checkpoint->position.epoch = 1;
    struct target *target = memory_target_base(memory);
    assert_true(target->ops->open(target, &err));
    sink = sink_new(&options, pipe_reader(feed.pipe), target, checkpoint);
    return 0;
}

static int close_sink(void **state)
{
    (void)state;
    sink_free(sink);
    memory_target_free(memory);
    feed_close(&feed);
    stop_flag_close(&stop);
    return 0;
}

static void insert(uint32_t shape, const char *row)
{
    feed_change(&feed, shape, CHANGE_INSERT, NULL, row);
}

static void assert_steps(int steps)
{
    struct error err;
    feed_flush(&feed);
    for (int i = 0; i < steps; i++)
        if (!sink_step(sink, &err))
            fail_msg("%s", err.message);
}

static void assert_step_fails(enum error_kind kind)
{
    struct error err;
    feed_flush(&feed);
    assert_false(sink_step(sink, &err));
    assert_int_equal(err.kind, kind);
}

static void assert_rows(const char *table, const char *expected)
{
    static char rows[1 << 20];
    assert_string_equal(memory_target_rows(memory, table, rows, sizeof(rows)), expected);
}

static struct durable durable_of_writer(void)
{
    struct error err;
    struct durable durable;
    struct message_writer *writer = pipe_writer(feed.pipe);
    assert_true(writer->ops->durable(writer, &durable, &err));
    return durable;
}

/* ---- in one thread ---- */

static void what_was_written_is_applied_and_reported_durable(void **state)
{
    (void)state;
    feed_shape(&feed, T, "t");
    insert(T, "1,a");
    feed_end(&feed);
    assert_steps(1);
    assert_rows("t", "1,a");
    assert_true(durable_of_writer().end_lsn == 0x108);
    assert_true(durable_of_writer().position.commit_lsn == 0x100);
}

static void a_step_without_messages_does_nothing(void **state)
{
    (void)state;
    assert_steps(3);
    assert_int_equal(memory_target_commits(memory), 0);
}

static void a_unit_that_is_open_waits_for_its_end(void **state)
{
    (void)state;
    feed_shape(&feed, T, "t");
    insert(T, "1,a");
    assert_steps(2);
    assert_int_equal(memory_target_commits(memory), 0);
    insert(T, "2,b");
    feed_end(&feed);
    assert_steps(1);
    assert_rows("t", "1,a 2,b");
}

static void a_unit_larger_than_a_batch_is_applied_in_parts_and_committed_whole(void **state)
{
    (void)state;
    feed_shape(&feed, T, "t");
    for (int i = 0; i < 3 * MAX_ROWS + 1; i++) {
        char row[16];
        snprintf(row, sizeof(row), "%d,%d", i + 10, i + 10);
        insert(T, row);
    }
    assert_steps(3);
    assert_rows("t", "");
    assert_int_equal(memory_target_commits(memory), 0);
    assert_non_null(strstr(memory_target_trace(memory), "row"));
    feed_end(&feed);
    assert_steps(2);
    assert_rows("t",
                "10,10 11,11 12,12 13,13 14,14 15,15 16,16 17,17 18,18 19,19 20,20 21,21 22,22");
    assert_int_equal(memory_target_commits(memory), 1);
}

static void a_table_that_changes_its_shape_is_written_in_the_new_one(void **state)
{
    (void)state;
    feed_shape(&feed, T, "t");
    insert(T, "1,a");
    feed_shape(&feed, U, "u");
    insert(U, "1,b");
    feed_end(&feed);
    assert_steps(1);
    feed_shape(&feed, T, "u");
    insert(T, "2,c");
    feed_end(&feed);
    assert_steps(1);
    assert_rows("t", "1,a");
    assert_rows("u", "1,b 2,c");
}

static void a_gap_in_the_chain_is_a_bug_and_nothing_behind_it_is_applied(void **state)
{
    (void)state;
    feed_shape(&feed, T, "t");
    insert(T, "1,a");
    feed_end(&feed);
    feed.last.ordinal++;
    insert(T, "2,b");
    feed_end(&feed);
    assert_step_fails(ERROR_FATAL);
    assert_rows("t", "");
}

static void a_message_that_comes_twice_is_a_gap(void **state)
{
    (void)state;
    feed_shape(&feed, T, "t");
    insert(T, "1,a");
    struct position before = {1, feed.lsn, feed.ordinal - 1, 0};
    feed.ordinal--;
    feed.last = before;
    insert(T, "1,a");
    assert_step_fails(ERROR_FATAL);
}

static void a_change_of_an_unknown_shape_is_a_bug(void **state)
{
    (void)state;
    feed_shape(&feed, U, "u");
    insert(T, "1,a");
    assert_step_fails(ERROR_FATAL);
}

static void a_change_without_shape_is_a_bug(void **state)
{
    (void)state;
    insert(0, "1,a");
    assert_step_fails(ERROR_FATAL);
}

static void a_shape_with_an_id_far_ahead_is_a_bug(void **state)
{
    (void)state;
    feed_shape(&feed, 10000001, "t");
    assert_step_fails(ERROR_FATAL);
}

static void a_message_of_unknown_kind_is_a_bug(void **state)
{
    (void)state;
    feed_write(&feed, (enum message_kind)99, 0, NULL, (struct bytes){NULL, 0});
    assert_step_fails(ERROR_FATAL);
}

static void a_watermark_is_applied_behind_the_units_and_reported(void **state)
{
    (void)state;
    feed_shape(&feed, T, "t");
    insert(T, "1,a");
    feed_end(&feed);
    feed_watermark(&feed, 0x900);
    memory_target_commit_late(memory);
    assert_steps(1);
    assert_true(durable_of_writer().acked_lsn == 0x900);
    assert_true(durable_of_writer().end_lsn == 0x108);
}

static void each_state_is_counted_once_it_is_durable(void **state)
{
    (void)state;
    struct recorded next = {.state = RECORDED_STREAMING, .position = {.epoch = 2}};
    memory_target_commit_late(memory);
    feed_state(&feed, &next);
    feed_state(&feed, &next);
    assert_steps(1);
    assert_int_equal(durable_of_writer().state_count, 1);
    assert_steps(1);
    assert_int_equal(durable_of_writer().state_count, 2);
    assert_int_equal(memory_target_durable(memory)->position.epoch, 2);
}

static void what_is_committed_but_not_on_disk_is_not_reported(void **state)
{
    (void)state;
    memory_target_commit_late(memory);
    feed_shape(&feed, T, "t");
    insert(T, "1,a");
    feed_end(&feed);
    assert_steps(3);
    assert_rows("t", "1,a");
    assert_true(durable_of_writer().end_lsn == 0);
    memory_target_flush(memory, 1);
    assert_steps(1);
    assert_true(durable_of_writer().end_lsn == 0x108);
}

static void after_the_writer_has_closed_a_step_ends(void **state)
{
    (void)state;
    feed_shape(&feed, T, "t");
    insert(T, "1,a");
    feed_end(&feed);
    assert_steps(1);
    pipe_close_writer(feed.pipe);
    assert_step_fails(ERROR_ENDED);
    assert_rows("t", "1,a");
}

/* ---- in two threads ---- */

enum { UNITS = 400, UNIT_ROWS = 7, LONGEST_WAIT_MS = 30000 };

/* As the capture does before it ends. */
static void wait_until_durable(pg_lsn lsn)
{
    struct error err;
    struct durable durable;
    struct message_writer *writer = pipe_writer(feed.pipe);
    struct pollfd wait = {.fd = writer->ops->fd(writer), .events = POLLIN};
    while (writer->ops->durable(writer, &durable, &err) && durable.end_lsn < lsn &&
           poll(&wait, 1, LONGEST_WAIT_MS) == 1)
        writer->ops->acknowledge(writer);
}

/* `context` says, unless it is NULL, to wait for the end to be durable. */
static void *feed_units(void *context)
{
    feed_shape(&feed, U, "u");
    for (int unit = 0; unit < UNITS; unit++) {
        for (int i = 0; i < UNIT_ROWS; i++) {
            char row[32];
            snprintf(row, sizeof(row), "%d,%d", i, unit);
            feed_change(&feed, U, unit ? CHANGE_UPDATE : CHANGE_INSERT, NULL, row);
        }
        feed_end(&feed);
        if (unit % 3 == 0)
            feed_flush(&feed);
    }
    feed_flush(&feed);
    if (context)
        wait_until_durable(feed.lsn - 8);
    pipe_close_writer(feed.pipe);
    return NULL;
}

static void run_in_two_threads_applies_all_until_the_writer_closes(void **state)
{
    (void)state;
    struct error err;
    pthread_t feeding;
    assert_int_equal(pthread_create(&feeding, NULL, feed_units, &feed), 0);
    bool is_good = sink_run(sink, &err);
    pthread_join(feeding, NULL);
    assert_true(is_good);
    assert_rows("u", "0,399 1,399 2,399 3,399 4,399 5,399 6,399");
    assert_int_equal(atomic_load(&stats.transactions), UNITS);
    assert_int_equal(atomic_load(&stats.rows), UNITS * UNIT_ROWS);
    assert_true(durable_of_writer().end_lsn == feed.lsn - 8);
}

static void run_in_two_threads_ends_with_the_failure_of_the_target(void **state)
{
    (void)state;
    struct error err;
    pthread_t feeding;
    memory_target_fail(memory, MEMORY_COMMIT, 5, MEMORY_REFUSES);
    assert_int_equal(pthread_create(&feeding, NULL, feed_units, NULL), 0);
    bool is_good = sink_run(sink, &err);
    pthread_join(feeding, NULL);
    assert_false(is_good);
    assert_int_equal(err.stop, STOP_PERMISSION_DENIED);
    assert_int_equal(memory_target_commits(memory), 4);
}

#define SINKING(test) cmocka_unit_test_setup_teardown(test, open_sink, close_sink)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SINKING(what_was_written_is_applied_and_reported_durable),
        SINKING(a_step_without_messages_does_nothing),
        SINKING(a_unit_that_is_open_waits_for_its_end),
        SINKING(a_unit_larger_than_a_batch_is_applied_in_parts_and_committed_whole),
        SINKING(a_table_that_changes_its_shape_is_written_in_the_new_one),
        SINKING(a_gap_in_the_chain_is_a_bug_and_nothing_behind_it_is_applied),
        SINKING(a_message_that_comes_twice_is_a_gap),
        SINKING(a_change_of_an_unknown_shape_is_a_bug),
        SINKING(a_change_without_shape_is_a_bug),
        SINKING(a_shape_with_an_id_far_ahead_is_a_bug),
        SINKING(a_message_of_unknown_kind_is_a_bug),
        SINKING(a_watermark_is_applied_behind_the_units_and_reported),
        SINKING(each_state_is_counted_once_it_is_durable),
        SINKING(what_is_committed_but_not_on_disk_is_not_reported),
        SINKING(after_the_writer_has_closed_a_step_ends),
        SINKING(run_in_two_threads_applies_all_until_the_writer_closes),
        SINKING(run_in_two_threads_ends_with_the_failure_of_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
