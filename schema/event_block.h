/* SPDX-License-Identifier: Apache-2.0 */
/* What follows the rows in an event: `source`, `transaction`, `op` and the times. */
#ifndef PENSTOCK_SCHEMA_EVENT_BLOCK_H
#define PENSTOCK_SCHEMA_EVENT_BLOCK_H

#include "schema/encoder.h"

struct event_block;

struct event_block *event_block_new(const struct encoder_source *source,
                                    const struct table *table) MUST_USE;
void event_block_free(struct event_block *block);

/* How many bytes event_block_put() may write. */
size_t event_block_room(const struct event_block *block, const struct event *event);

/* Returns the end. */
uint8_t *event_block_put(struct event_block *block, const struct event *event, uint8_t *out);

#endif
