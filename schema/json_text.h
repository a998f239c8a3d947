/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that came from outside: read with a bound on its depth, and in the one form in which two texts are compared. */
#ifndef PENSTOCK_SCHEMA_JSON_TEXT_H
#define PENSTOCK_SCHEMA_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"

enum { JSON_TEXT_MAX_DEPTH = 64 };

/* NULL and ERROR_DATA if it is no JSON, deeper than JSON_TEXT_MAX_DEPTH, or names a member of an object twice. Hold it
 * in a json_auto_t. */
json_t *json_text_read(struct bytes text, struct error *err) MUST_USE;

/* A member that is a string, borrowed; no data if there is none. */
struct bytes json_text_string(const json_t *object, const char *member);

/* Appends the text without its insignificant white space (RFC 8259, section 2), all else as it stands. */
void json_text_compact(struct bytes text, struct byte_buffer *out);

#endif
