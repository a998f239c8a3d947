/* SPDX-License-Identifier: Apache-2.0 */
/* penstock verify. */
#include "cli/command.h"

enum exit_code command_verify(const struct arguments *arguments, const struct config *config)
{
    (void)arguments;
    (void)config;
    return EXIT_BUG;
}
