/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what may be confirmed to the slot, and when. */
#include "capture/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { KEEP_ALIVE_MS = 20000, START_MS = 5000 };

/* As after Start, at R with this LSN. */
static struct progress progress_at(pg_lsn lsn)
{
    struct progress progress;
    struct recorded recorded = {.end_lsn = lsn};
    progress_init(&progress, &recorded, KEEP_ALIVE_MS, START_MS);
    return progress;
}

static void durable_to(struct progress *progress, pg_lsn end_lsn, pg_lsn acked_lsn)
{
    struct durable durable = {.end_lsn = end_lsn, .acked_lsn = acked_lsn};
    progress_durable(progress, &durable);
}

static void starts_at_the_later_of_the_two_lsns_of_r(void **state)
{
    (void)state;
    struct progress progress;
    struct recorded recorded = {.end_lsn = 0x100, .acked_lsn = 0x200};
    progress_init(&progress, &recorded, KEEP_ALIVE_MS, 0);
    assert_true(progress.confirmable == 0x200);
    recorded.end_lsn = 0x300;
    progress_init(&progress, &recorded, KEEP_ALIVE_MS, 0);
    assert_true(progress.confirmable == 0x300);
    assert_true(progress.confirmed == 0);
}

static void confirms_nothing_while_the_oldest_unit_is_not_durable(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress_told(&progress, START_MS);
    progress_begin(&progress);
    progress_commit(&progress, 0x200, true, START_MS);
    progress_keepalive(&progress, 0x1000);
    assert_true(progress.confirmable == 0x100);
    assert_false(progress_confirm_due(&progress, START_MS + CONFIRM_EVERY_MS));
    durable_to(&progress, 0x200, 0);
    assert_true(progress.confirmable == 0x200);
    assert_true(progress_confirm_due(&progress, START_MS + CONFIRM_EVERY_MS));
}

static void what_may_be_confirmed_never_goes_back(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    durable_to(&progress, 0x300, 0x200);
    durable_to(&progress, 0x200, 0x250);
    assert_true(progress.confirmable == 0x300);
    durable_to(&progress, 0x200, 0x400);
    assert_true(progress.confirmable == 0x400);
    durable_to(&progress, 0, 0);
    assert_true(progress.confirmable == 0x400);
}

static void lsns_are_compared_as_unsigned(void **state)
{
    (void)state;
    struct progress progress = progress_at(1);
    durable_to(&progress, UINT64_C(0x8000000000000000), 0);
    assert_true(progress.confirmable == UINT64_C(0x8000000000000000));
    durable_to(&progress, 2, 0);
    assert_true(progress.confirmable == UINT64_C(0x8000000000000000));
}

static void a_keepalive_inside_a_transaction_says_nothing(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress_begin(&progress);
    progress_keepalive(&progress, 0x9000);
    assert_true(progress.idle_lsn == 0);
    progress.wants_watermark = true;
    assert_true(progress_watermark_due(&progress, START_MS) == 0);
    progress_commit(&progress, 0x200, false, START_MS);
    assert_true(progress_watermark_due(&progress, START_MS) == 0x200);
}

static void a_keepalive_never_moves_the_idle_point_back(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress_keepalive(&progress, 0x300);
    progress_keepalive(&progress, 0x200);
    assert_true(progress.idle_lsn == 0x300);
}

static void no_watermark_is_due_inside_a_transaction(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress_keepalive(&progress, 0x100 + WATERMARK_EVERY_BYTES);
    progress_begin(&progress);
    assert_true(progress_watermark_due(&progress, START_MS + WATERMARK_EVERY_MS) == 0);
}

static void a_watermark_is_due_after_ten_seconds(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress_keepalive(&progress, 0x101);
    assert_true(progress_watermark_due(&progress, START_MS + WATERMARK_EVERY_MS - 1) == 0);
    assert_true(progress_watermark_due(&progress, START_MS + WATERMARK_EVERY_MS) == 0x101);
}

static void a_watermark_is_due_after_16_mib_of_wal(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress_keepalive(&progress, 0x100 + WATERMARK_EVERY_BYTES - 1);
    assert_true(progress_watermark_due(&progress, START_MS) == 0);
    progress_keepalive(&progress, 0x100 + WATERMARK_EVERY_BYTES);
    assert_true(progress_watermark_due(&progress, START_MS) == 0x100 + WATERMARK_EVERY_BYTES);
}

static void a_watermark_that_somebody_waits_for_is_due_at_once_but_only_once(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress.wants_watermark = true;
    assert_true(progress_watermark_due(&progress, START_MS) == 0);
    progress_keepalive(&progress, 0x200);
    assert_true(progress_watermark_due(&progress, START_MS) == 0x200);
    progress_watermark_sent(&progress, 0x200, START_MS);
    assert_false(progress.wants_watermark);
    progress_keepalive(&progress, 0x300);
    assert_true(progress_watermark_due(&progress, START_MS) == 0);
}

static void nothing_new_needs_no_watermark(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress_keepalive(&progress, 0x100);
    assert_true(progress_watermark_due(&progress, START_MS + 10 * WATERMARK_EVERY_MS) == 0);
}

static void a_unit_that_was_sent_needs_no_watermark(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress_begin(&progress);
    progress_commit(&progress, 0x200, true, START_MS);
    assert_true(progress_watermark_due(&progress, START_MS + WATERMARK_EVERY_MS) == 0);
    assert_true(progress.watermark_lsn == 0x200);
}

static void a_transaction_of_which_nothing_was_sent_moves_the_idle_point(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress_begin(&progress);
    progress_commit(&progress, 0x200, false, START_MS);
    assert_true(progress_watermark_due(&progress, START_MS + WATERMARK_EVERY_MS) == 0x200);
    assert_true(progress.confirmable == 0x100);
}

static void what_is_new_is_told_at_most_every_100_ms(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress_told(&progress, START_MS);
    durable_to(&progress, 0x200, 0);
    assert_false(progress_confirm_due(&progress, START_MS + CONFIRM_EVERY_MS - 1));
    assert_true(progress_confirm_due(&progress, START_MS + CONFIRM_EVERY_MS));
    progress_told(&progress, START_MS + CONFIRM_EVERY_MS);
    assert_true(progress.confirmed == 0x200);
    assert_false(progress_confirm_due(&progress, START_MS + 2 * CONFIRM_EVERY_MS));
}

static void the_slot_is_told_that_we_live_in_time_though_nothing_is_new(void **state)
{
    (void)state;
    struct progress progress = progress_at(0x100);
    progress_told(&progress, START_MS);
    assert_false(progress_confirm_due(&progress, START_MS + KEEP_ALIVE_MS - 1));
    assert_true(progress_confirm_due(&progress, START_MS + KEEP_ALIVE_MS));
    progress_told(&progress, START_MS + KEEP_ALIVE_MS);
    assert_true(progress.confirmed == 0x100);
    assert_false(progress_confirm_due(&progress, START_MS + 2 * KEEP_ALIVE_MS - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_at_the_later_of_the_two_lsns_of_r),
        cmocka_unit_test(confirms_nothing_while_the_oldest_unit_is_not_durable),
        cmocka_unit_test(what_may_be_confirmed_never_goes_back),
        cmocka_unit_test(lsns_are_compared_as_unsigned),
        cmocka_unit_test(a_keepalive_inside_a_transaction_says_nothing),
        cmocka_unit_test(a_keepalive_never_moves_the_idle_point_back),
        cmocka_unit_test(no_watermark_is_due_inside_a_transaction),
        cmocka_unit_test(a_watermark_is_due_after_ten_seconds),
        cmocka_unit_test(a_watermark_is_due_after_16_mib_of_wal),
        cmocka_unit_test(a_watermark_that_somebody_waits_for_is_due_at_once_but_only_once),
        cmocka_unit_test(nothing_new_needs_no_watermark),
        cmocka_unit_test(a_unit_that_was_sent_needs_no_watermark),
        cmocka_unit_test(a_transaction_of_which_nothing_was_sent_moves_the_idle_point),
        cmocka_unit_test(what_is_new_is_told_at_most_every_100_ms),
        cmocka_unit_test(the_slot_is_told_that_we_live_in_time_though_nothing_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
