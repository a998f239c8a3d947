/* SPDX-License-Identifier: Apache-2.0 */
/* A line of COPY's text format (PostgreSQL manual, "COPY", "Text Format") as the values of a row. */
#ifndef PENSTOCK_CAPTURE_COPY_LINE_H
#define PENSTOCK_CAPTURE_COPY_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "schema/change.h"

/* Splits the line at the front of `lines`, which moves behind it, into `values`, of which there must be exactly `count`. Escapes are
 * taken back in `texts`, which is cleared first and which the values borrow from. False: not such a line, or no room. */
bool copy_line_read(struct bytes *lines, uint16_t count, struct byte_buffer *texts,
                    struct value *values) MUST_USE;

#endif
