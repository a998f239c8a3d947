/* SPDX-License-Identifier: Apache-2.0 */
/* Values of key columns in a form in which equal means the same bytes. */
#ifndef PENSTOCK_SINK_KEY_H
#define PENSTOCK_SINK_KEY_H

#include "sink/target.h"

/* Appends size and bytes of the value's comparable form. False: it has none (NULL, not sent, not text). */
bool key_write(struct byte_buffer *key, enum key_form form, const struct value *value) MUST_USE;

#endif
