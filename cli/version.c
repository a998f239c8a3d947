/* SPDX-License-Identifier: Apache-2.0 */
/* penstock version. */
#include <stdio.h>

#include "cli/command.h"

enum exit_code command_version(const struct arguments *arguments, const struct config *config)
{
    (void)arguments;
    (void)config;
    printf("penstock %s\nlibpq %d.%d\n", PENSTOCK_VERSION, postgres_library_version() / 10000,
           postgres_library_version() % 10000);
    return EXIT_OK;
}
