/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the publications. */
#include "cli/publication_names.h"

#include <stdio.h>
#include <string.h>

void publication_names_set(struct publication_names *names, const struct config *config)
{
    char ours[64];
    snprintf(ours, sizeof(ours), "penstock_%s", config->name);
    bool is_ours = strcmp(config->source.publication, ours) == 0;
    snprintf(names->insert_name, sizeof(names->insert_name), "%s_insert", ours);
    names->options =
        (struct publication_options){.name = config->source.publication,
                                     .insert_name = is_ours ? names->insert_name : NULL,
                                     .is_ours = is_ours};
}
