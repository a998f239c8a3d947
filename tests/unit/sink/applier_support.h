/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the applier share: one applier over the fake target for each test. */
#ifndef PENSTOCK_TESTS_UNIT_SINK_APPLIER_SUPPORT_H
#define PENSTOCK_TESTS_UNIT_SINK_APPLIER_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/apply.h"

static struct apply apply;

static int open_apply(void **state)
{
    (void)state;
    apply_open(&apply);
    return 0;
}

static int close_apply(void **state)
{
    (void)state;
    apply_close(&apply);
    return 0;
}

static void assert_rows(const char *table, const char *expected)
{
    static char rows[64 * 1024];
    assert_string_equal(memory_target_rows(apply.memory, table, rows, sizeof(rows)), expected);
}

static void assert_applies(void)
{
    struct error err;
    if (!apply_batch(&apply, &err))
        fail_msg("%s", err.message);
}

#endif
