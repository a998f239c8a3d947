/* SPDX-License-Identifier: Apache-2.0 */
/* penstock status. */
#include "cli/command.h"

enum exit_code command_status(const struct arguments *arguments, const struct config *config)
{
    (void)arguments;
    (void)config;
    return EXIT_BUG;
}
