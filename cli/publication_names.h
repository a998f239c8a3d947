/* SPDX-License-Identifier: Apache-2.0 */
/* From the configuration to the publications that the capture uses. */
#ifndef PENSTOCK_CLI_PUBLICATION_NAMES_H
#define PENSTOCK_CLI_PUBLICATION_NAMES_H

#include "capture/publication.h"
#include "config/config.h"

struct publication_names {
    char insert_name[128]; /* what options.insert_name points to */
    struct publication_options options;
};

/* The publications are ours, two of them, unless the file names another. `names` must stay where it is. */
void publication_names_set(struct publication_names *names, const struct config *config);

#endif
