/* SPDX-License-Identifier: Apache-2.0 */
/* Failpoints, for test builds. */
#include "base/failpoint.h"

#ifdef PENSTOCK_FAILPOINTS

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_SIZE = 64 };

static bool strike(const char *action, const char *name, struct error *err)
{
    if (strcmp(action, "crash") == 0) {
        fprintf(stderr, "failpoint %s: crash\n", name);
        kill(getpid(), SIGKILL);
    }
    if (strcmp(action, "error") == 0)
        return error_set(err, ERROR_RETRY, "failpoint %s", name);
    sleep(2);
    return true;
}

bool failpoint(const char *name, struct error *err)
{
    static atomic_uint passings;
    const char *wanted = getenv("PENSTOCK_FAILPOINT");
    if (!wanted)
        return true;
    char wanted_name[NAME_SIZE] = "";
    char action[NAME_SIZE] = "";
    unsigned after = 1;
    if (sscanf(wanted, "%63[^:]:%63[^:]:%u", wanted_name, action, &after) < 2)
        return true;
    if (strcmp(wanted_name, name) != 0 || atomic_fetch_add(&passings, 1) + 1 != after)
        return true;
    return strike(action, name, err);
}

#else
/* A translation unit must declare something. */
typedef int failpoint_is_compiled_out;
#endif
