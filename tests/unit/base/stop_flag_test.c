/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the stop flag. */
#include "base/stop_flag.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static struct stop_flag flag;

static int open_flag(void **state)
{
    (void)state;
    return stop_flag_open(&flag) ? 0 : -1;
}

static int close_flag(void **state)
{
    (void)state;
    stop_flag_close(&flag);
    return 0;
}

static bool is_readable(void)
{
    struct pollfd wait = {.fd = flag.fd, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

static void a_new_flag_is_not_set(void **state)
{
    (void)state;
    assert_false(stop_flag_is_set(&flag));
    assert_false(is_readable());
}

static void a_set_flag_is_readable_and_stays_set(void **state)
{
    (void)state;
    stop_flag_set(&flag);
    stop_flag_set(&flag);
    for (int i = 0; i < 3; i++) {
        assert_true(stop_flag_wait(&flag, 0));
        assert_true(stop_flag_is_set(&flag));
        assert_true(is_readable());
    }
}

static void waiting_ends_with_the_time_out(void **state)
{
    (void)state;
    int64_t start_ms = clock_now_ms(&system_clock);
    assert_false(stop_flag_wait(&flag, 20));
    assert_true(clock_now_ms(&system_clock) - start_ms >= 19);
}

static void *set_flag(void *unused)
{
    (void)unused;
    stop_flag_set(&flag);
    return NULL;
}

static void another_thread_ends_the_wait(void **state)
{
    (void)state;
    enum { MUCH_TOO_LONG_MS = 60000 };
    pthread_t thread;
    int64_t start_ms = clock_now_ms(&system_clock);
    assert_int_equal(pthread_create(&thread, NULL, set_flag, NULL), 0);
    assert_true(stop_flag_wait(&flag, MUCH_TOO_LONG_MS));
    assert_true(clock_now_ms(&system_clock) - start_ms < MUCH_TOO_LONG_MS);
    pthread_join(thread, NULL);
}

static void set_from_handler(int signal_number)
{
    (void)signal_number;
    stop_flag_set(&flag);
}

static void a_signal_handler_may_set_it(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = set_from_handler};
    struct sigaction before;
    sigaction(SIGUSR1, &action, &before);
    raise(SIGUSR1);
    sigaction(SIGUSR1, &before, NULL);
    assert_true(stop_flag_wait(&flag, 0));
}

static void a_closed_flag_may_be_closed_again(void **state)
{
    (void)state;
    stop_flag_close(&flag);
    stop_flag_close(&flag);
    assert_int_equal(flag.fd, -1);
}

#define FLAG_TEST(test) cmocka_unit_test_setup_teardown(test, open_flag, close_flag)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLAG_TEST(a_new_flag_is_not_set),          FLAG_TEST(a_set_flag_is_readable_and_stays_set),
        FLAG_TEST(waiting_ends_with_the_time_out), FLAG_TEST(another_thread_ends_the_wait),
        FLAG_TEST(a_signal_handler_may_set_it),    FLAG_TEST(a_closed_flag_may_be_closed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
