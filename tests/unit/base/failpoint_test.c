/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of failpoints, each case in a process of its own: a failpoint counts its passings for good. */
#include "base/failpoint.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Passes failpoint `name` `times` times in a child with PENSTOCK_FAILPOINT=`wanted`. Returns the
 * child's wait status; it exits with the number of the passing that failed, from 1, or 0. */
static int pass_in_child(const char *wanted, const char *name, int times)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(STDERR_FILENO);
        setenv("PENSTOCK_FAILPOINT", wanted, 1);
        for (int i = 1; i <= times; i++) {
            struct error err = {0};
            if (!failpoint(name, &err))
                _exit(err.kind == ERROR_RETRY && strstr(err.message, name) ? i : 100);
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static int failed_passing(const char *wanted, const char *name)
{
    int status = pass_in_child(wanted, name, 5);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void without_the_variable_everything_passes(void **state)
{
    (void)state;
    struct error err = {0};
    unsetenv("PENSTOCK_FAILPOINT");
    assert_true(failpoint("before-commit", &err));
    assert_int_equal(err.kind, ERROR_NONE);
}

#ifdef PENSTOCK_FAILPOINTS

static void an_error_is_returned_at_the_first_passing_unless_told(void **state)
{
    (void)state;
    assert_int_equal(failed_passing("before-commit:error", "before-commit"), 1);
    assert_int_equal(failed_passing("before-commit:error:1", "before-commit"), 1);
}

static void an_error_is_returned_at_the_passing_asked_for(void **state)
{
    (void)state;
    assert_int_equal(failed_passing("before-commit:error:3", "before-commit"), 3);
    assert_int_equal(failed_passing("before-commit:error:6", "before-commit"), 0);
}

static void another_name_passes(void **state)
{
    (void)state;
    assert_int_equal(failed_passing("before-commit:error", "after-commit"), 0);
    assert_int_equal(failed_passing("before:error", "before-commit"), 0);
    assert_int_equal(failed_passing("before-commit", "before-commit"), 0);
    assert_int_equal(failed_passing("", "before-commit"), 0);
}

static void a_crash_is_sigkill(void **state)
{
    (void)state;
    int status = pass_in_child("before-commit:crash:2", "before-commit", 1);
    assert_true(WIFEXITED(status));
    status = pass_in_child("before-commit:crash:2", "before-commit", 2);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

#else

static void a_build_without_failpoints_has_none(void **state)
{
    (void)state;
    assert_int_equal(failed_passing("before-commit:error", "before-commit"), 0);
    assert_int_equal(pass_in_child("before-commit:crash", "before-commit", 1), 0);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_variable_everything_passes),
#ifdef PENSTOCK_FAILPOINTS
        cmocka_unit_test(an_error_is_returned_at_the_first_passing_unless_told),
        cmocka_unit_test(an_error_is_returned_at_the_passing_asked_for),
        cmocka_unit_test(another_name_passes),
        cmocka_unit_test(a_crash_is_sigkill),
#else
        cmocka_unit_test(a_build_without_failpoints_has_none),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
