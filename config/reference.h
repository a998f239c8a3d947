/* SPDX-License-Identifier: Apache-2.0 */
/* docs/configuration.md, written from the table of settings. */
#ifndef PENSTOCK_CONFIG_REFERENCE_H
#define PENSTOCK_CONFIG_REFERENCE_H

#include "base/bytes.h"

/* Appends the whole page, Markdown. */
void config_write_reference(struct byte_buffer *out);

#endif
