/* SPDX-License-Identifier: Apache-2.0 */
/* The names and exit codes of the stops, from their one table. */
#include "base/stops.h"

static const struct {
    const char *name;
    enum exit_code code;
} table[STOP_COUNT] = {[STOP_NONE] = {"NONE", EXIT_OK},
#define STOP_ROW(name, code) [STOP_##name] = {#name, code},
                       STOPS(STOP_ROW)
#undef STOP_ROW
};

const char *stop_name(enum stop stop)
{
    return table[stop].name;
}

enum exit_code stop_exit_code(enum stop stop)
{
    return table[stop].code;
}
