/* SPDX-License-Identifier: Apache-2.0 */
/* Named places where a test can make the process crash, fail or wait:
 * PENSTOCK_FAILPOINT=name:crash|error|delay[:after], in builds with -DPENSTOCK_FAILPOINTS only. */
#ifndef PENSTOCK_BASE_FAILPOINT_H
#define PENSTOCK_BASE_FAILPOINT_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

#ifdef PENSTOCK_FAILPOINTS
/* Passes (true), or does what the environment asks of the failpoint `name` on its n-th passing
 * (`after`, 1 unless given): SIGKILL to ourselves; an ERROR_RETRY; a pause of 2 s. */
bool failpoint(const char *name, struct error *err) MUST_USE;
#else
static inline bool failpoint(const char *name, struct error *err)
{
    (void)name;
    (void)err;
    return true;
}
#endif

#endif
