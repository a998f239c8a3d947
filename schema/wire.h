/* SPDX-License-Identifier: Apache-2.0 */
/* A change as bytes, for the pipe: made to be written and read at the speed of memory, in one process;
 * numbers are in the machine's order. */
#ifndef PENSTOCK_SCHEMA_WIRE_H
#define PENSTOCK_SCHEMA_WIRE_H

#include "schema/change.h"

/* The exact number of bytes that wire_write() will write. */
size_t wire_size(const struct change *change);

/* Writes the change to `out`, which has room for wire_size() bytes. Returns the end. */
uint8_t *wire_write(uint8_t *out, const struct change *change);

/* Reads a change; its values borrow from `bytes`, each followed by a NUL that its size doesn't count, and live in `values`. False if the bytes are not a change. */
bool wire_read(struct bytes bytes, struct change_values *values, struct change *change) MUST_USE;

/* Reads one tuple that tuple_write() wrote, at `*at` before `end`, into `values` (TABLE_MAX_COLUMNS of them),
 * and moves `*at` behind it. */
bool tuple_read(const uint8_t **at, const uint8_t *end, struct value *values,
                struct tuple *tuple) MUST_USE;

/* Finds the two tuples of a change that wire_write() wrote, without reading their values: an empty view where
 * there is none. */
bool wire_find_tuples(struct bytes bytes, struct bytes *old_tuple,
                      struct bytes *new_tuple) MUST_USE;

/* Skips one tuple. */
bool tuple_skip(const uint8_t **at, const uint8_t *end) MUST_USE;

size_t tuple_size(const struct tuple *tuple);
uint8_t *tuple_write(uint8_t *out, const struct tuple *tuple);

#endif
